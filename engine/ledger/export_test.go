package ledger

import (
	"os"
)

// WithFile has bbolt get its file from open.
func (o Options) WithFile(open func(string, int, os.FileMode) (*os.File, error)) Options {
	o.open = open
	return o
}

// WithoutSync acknowledges what is not on the disk: the control of the crash tests, which must be caught.
func (o Options) WithoutSync() Options {
	o.noSync = true
	return o
}
