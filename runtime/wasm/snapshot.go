package wasm

import (
	"bytes"
	"slices"
)

// snapshot is a copy of a memory to restore. Most of a memory is zero, and clearing takes half the
// time of copying.
type snapshot struct {
	size    uint64
	extents []extent // in order of offset
}

// extent is a range of bytes that are not all zero, at most copyChunk long.
type extent struct {
	offset uint64
	bytes  []byte
}

const (
	scanBlock = 1 << 10   // bytes compared with zero at once
	copyChunk = 256 << 10 // bytes written at once: Go cannot preempt a copy or a clear
)

// takeSnapshot copies the memory.
func takeSnapshot(memory []byte) *snapshot {
	s := &snapshot{size: uint64(len(memory))}
	var zeroes [scanBlock]byte
	for at := 0; at < len(memory); at += scanBlock {
		from := at
		for at < len(memory) && at-from < copyChunk && !bytes.Equal(memory[at:at+scanBlock], zeroes[:]) {
			at += scanBlock
		}
		if at > from {
			s.extents = append(s.extents, extent{uint64(from), bytes.Clone(memory[from:at])})
			at -= scanBlock
		}
	}
	return s
}

func (s *snapshot) equal(o *snapshot) bool {
	return o != nil && s.size == o.size && slices.EqualFunc(s.extents, o.extents, func(a, b extent) bool {
		return a.offset == b.offset && bytes.Equal(a.bytes, b.bytes)
	})
}

// restore resets memory, which must have the snapshot's size.
func (s *snapshot) restore(memory []byte) {
	at := uint64(0)
	for _, r := range s.extents {
		clearMemory(memory[at:r.offset])
		at = r.offset + uint64(copy(memory[r.offset:], r.bytes))
	}
	clearMemory(memory[at:])
}

func clearMemory(b []byte) {
	for len(b) > copyChunk {
		clear(b[:copyChunk])
		b = b[copyChunk:]
	}
	clear(b)
}
