//go:build !unix

package ledger

import "os"

// flock leaves the lock to bbolt, which locks its own file.
func flock(*os.File) error { return nil }

// sparse is not known here.
func sparse(*os.File) bool { return false }
