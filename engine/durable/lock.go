package durable

import "errors"

// ErrLocked is returned by TryLock while another open file, of this process or of another, holds
// the lock.
var ErrLocked = errors.New("the file is locked")
