package wasm

import "errors"

// linearMemory is an instance's linear memory. wazero asks it for more through Reallocate; the instance shrinks it back.
type linearMemory struct {
	reserved   []byte // all it can become; what is beyond size reads as nought
	size       uint64 // bytes that the guest has
	peak       uint64 // bytes it had at most since begin
	highWater  uint64 // what is beyond was never the guest's since it was last given up
	shrinking  bool   // the next Reallocate shrinks to size
	growFailed bool   // the guest asked for more than there may be, since begin
}

var errShrink = errors.New("its memory cannot shrink")

// Reallocate implements experimental.LinearMemory.
func (l *linearMemory) Reallocate(size uint64) []byte {
	switch {
	case l.shrinking:
		l.shrinking = false
	case size > uint64(len(l.reserved)):
		l.growFailed = true
		return nil
	default:
		l.size = size
		l.peak, l.highWater = max(l.peak, size), max(l.highWater, size)
	}
	return l.reserved[:l.size:l.size]
}

// Free implements experimental.LinearMemory.
func (l *linearMemory) Free() {
	l.unmap()
	l.reserved, l.size = nil, 0
}

// bytes is what the guest has now.
func (l *linearMemory) bytes() []byte { return l.reserved[:l.size] }

// resetPeak forgets what the run before has asked for.
func (l *linearMemory) resetPeak() { l.peak, l.growFailed = l.size, false }

// shrink takes back what the guest has grown beyond size. grow is wazero's, which calls Reallocate and then lets the
// guest's code see what that has given: it is asked for one page more, and gets less.
func (l *linearMemory) shrink(size uint64, grow func(pages uint32) (uint32, bool)) error {
	if l.highWater > size {
		l.discard(size)
		l.highWater = size
	}
	if l.size == size {
		return nil
	}
	l.size, l.shrinking = size, true
	if _, ok := grow(1); !ok {
		l.shrinking = false
		return errShrink
	}
	return nil
}
