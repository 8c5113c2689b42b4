package wasm

import (
	"bytes"
	"slices"
)

// snapshot is a memory as it is to be again. Most of a memory is nought, and to clear is half the work of a copy.
type snapshot struct {
	size    uint64
	extents []extent // in order
}

// extent is some bytes that are not all nought. It is at most piece long.
type extent struct {
	offset uint64
	bytes  []byte
}

const (
	scanBlock = 1 << 10   // bytes that are looked at together
	copyChunk = 256 << 10 // bytes that are written at once: neither a copy nor a clearing can be preempted
)

// takeSnapshot copies what there is in memory.
func takeSnapshot(memory []byte) *snapshot {
	m := &snapshot{size: uint64(len(memory))}
	var nought [scanBlock]byte
	for at := 0; at < len(memory); at += scanBlock {
		from := at
		for at < len(memory) && at-from < copyChunk && !bytes.Equal(memory[at:at+scanBlock], nought[:]) {
			at += scanBlock
		}
		if at > from {
			m.extents = append(m.extents, extent{uint64(from), bytes.Clone(memory[from:at])})
			at -= scanBlock
		}
	}
	return m
}

func (m *snapshot) equal(o *snapshot) bool {
	return o != nil && m.size == o.size && slices.EqualFunc(m.extents, o.extents, func(a, b extent) bool {
		return a.offset == b.offset && bytes.Equal(a.bytes, b.bytes)
	})
}

// restore makes memory, which has the image's size, what it was.
func (m *snapshot) restore(memory []byte) {
	at := uint64(0)
	for _, r := range m.extents {
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
