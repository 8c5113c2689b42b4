//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package outlet

import "syscall"

// openNoFollow rejects a symbolic link at the path when the file is opened: one may be created
// between the check of the path and opening it.
const openNoFollow = syscall.O_NOFOLLOW
