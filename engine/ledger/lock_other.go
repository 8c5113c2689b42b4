//go:build !unix

package ledger

import "os"

// flock leaves the lock to bbolt, which locks its own file.
func flock(*os.File) error { return nil }

// isSparse is not known here.
func isSparse(*os.File) bool { return false }
