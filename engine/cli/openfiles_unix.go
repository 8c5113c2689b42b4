//go:build unix

package cli

import "syscall"

// openFileLimit returns the limit on open files.
func openFileLimit() (uint64, bool) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return uint64(limit.Cur), true // its type differs between systems
}
