//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package durable

import "os"

// SyncDir does nothing: these systems do not sync directories.
func SyncDir(string) error { return nil }

// Lock does nothing: these systems have no flock. Only one process at a time may write to the file.
func Lock(*os.File) error { return nil }

// TryLock does nothing, as Lock.
func TryLock(*os.File) error { return nil }

// Unlock does nothing, as Lock.
func Unlock(*os.File) {}
