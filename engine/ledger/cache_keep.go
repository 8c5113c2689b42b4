//go:build !linux || !(amd64 || arm64)

package ledger

import "os"

func forget(*os.File) {}
