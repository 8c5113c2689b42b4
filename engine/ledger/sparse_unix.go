//go:build unix

package ledger

import (
	"os"
	"syscall"
)

// isSparse reports whether a file is longer than its part on the disk.
func isSparse(file *os.File) bool {
	info, err := file.Stat()
	if err != nil {
		return false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Blocks*512 < info.Size()
}
