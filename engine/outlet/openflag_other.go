//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package outlet

// openNoFollow has no effect here: only a link that exists before the file is opened is rejected.
const openNoFollow = 0
