//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package outlet

import "os"

// lock does nothing where files have no such lock: one Outlet at a time may write to a file there.
func lock(*os.File) error { return nil }

func unlock(*os.File) {}

// noFollow is no flag here: a link is refused only when it stands there before the file is opened.
const noFollow = 0
