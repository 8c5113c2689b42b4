//go:build linux && (amd64 || arm64)

package ledger

import (
	"os"
	"syscall"
)

// dropPageCache drops the file's pages from the system's cache, so the next read comes from the
// disk: after a failed write the cache may have pages that the disk has not.
func dropPageCache(file *os.File) {
	const dontNeed = 4 // POSIX_FADV_DONTNEED
	_, _, _ = syscall.Syscall6(syscall.SYS_FADVISE64, file.Fd(), 0, 0, dontNeed, 0, 0)
}
