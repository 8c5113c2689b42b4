//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package durable

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// SyncDir makes the name of the file at path durable: it syncs the directory that holds it.
func SyncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Lock acquires the file's exclusive advisory lock and waits for it. Unlock releases it, and so
// does closing the file.
func Lock(f *os.File) error { return flock(f, syscall.LOCK_EX) }

// TryLock is Lock without the wait: it returns ErrLocked if another open file holds the lock.
func TryLock(f *os.File) error {
	err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

// Unlock releases the lock. The file may be nil or closed already.
func Unlock(f *os.File) {
	if f != nil {
		_ = flock(f, syscall.LOCK_UN)
	}
}

func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
