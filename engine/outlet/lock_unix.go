//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package outlet

import (
	"os"
	"syscall"
)

// lock takes the file's advisory lock; it goes with unlock, or when the file is closed.
func lock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			return err
		}
	}
}

// unlock gives the lock back. The file may be closed already.
func unlock(f *os.File) {
	if f != nil {
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	}
}

// noFollow refuses a link where the file is opened: between a look at the path and opening it, somebody may put one there.
const noFollow = syscall.O_NOFOLLOW
