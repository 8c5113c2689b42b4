package wasm

import "errors"

// linear is an instance's linear memory. wazero asks it for more through Reallocate; the instance shrinks it back.
type linear struct {
	room    []byte // all it can become; what is beyond size reads as nought
	size    uint64 // bytes that the guest has
	peak    uint64 // bytes it had at most since begin
	touched uint64 // what is beyond was never the guest's since it was last given up
	back    bool   // the next Reallocate shrinks to size
	refused bool   // the guest asked for more than there may be, since begin
}

var errShrink = errors.New("its memory cannot shrink")

// Reallocate implements experimental.LinearMemory.
func (l *linear) Reallocate(size uint64) []byte {
	switch {
	case l.back:
		l.back = false
	case size > uint64(len(l.room)):
		l.refused = true
		return nil
	default:
		l.size = size
		l.peak, l.touched = max(l.peak, size), max(l.touched, size)
	}
	return l.room[:l.size:l.size]
}

// Free implements experimental.LinearMemory.
func (l *linear) Free() {
	l.unmap()
	l.room, l.size = nil, 0
}

// bytes is what the guest has now.
func (l *linear) bytes() []byte { return l.room[:l.size] }

// begin forgets what the run before has asked for.
func (l *linear) begin() { l.peak, l.refused = l.size, false }

// shrink takes back what the guest has grown beyond size. grow is wazero's, which calls Reallocate and then lets the
// guest's code see what that has given: it is asked for one page more, and gets less.
func (l *linear) shrink(size uint64, grow func(pages uint32) (uint32, bool)) error {
	if l.touched > size {
		l.giveUp(size)
		l.touched = size
	}
	if l.size == size {
		return nil
	}
	l.size, l.back = size, true
	if _, ok := grow(1); !ok {
		l.back = false
		return errShrink
	}
	return nil
}
