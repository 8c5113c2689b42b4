package wasm

import "errors"

// linearMemory is an instance's linear memory. wazero grows it through Reallocate; the instance
// shrinks it after the run.
type linearMemory struct {
	reserved   []byte // the maximum; bytes beyond size are zero
	size       uint64 // bytes that the guest can use
	peak       uint64 // largest size since resetPeak
	highWater  uint64 // bytes beyond it were not used since the last discard
	shrinking  bool   // the next Reallocate shrinks to size
	growFailed bool   // the guest asked for more than the maximum since resetPeak
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

// bytes returns the memory that the guest can use.
func (l *linearMemory) bytes() []byte { return l.reserved[:l.size] }

// resetPeak prepares for the next run.
func (l *linearMemory) resetPeak() { l.peak, l.growFailed = l.size, false }

// shrink reduces the memory to size. wazero can only grow a memory: its grow calls Reallocate and
// then shows the guest the slice that Reallocate returned. So grow is called for one page more, and
// Reallocate returns the smaller slice.
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
