package wasm

import (
	"bytes"
	"slices"
)

// image is a memory as it is to be again. Most of a memory is nought, and to clear is half the work of a copy.
type image struct {
	size uint64
	runs []stretch // in order
}

// stretch is some bytes that are not all nought. It is at most piece long.
type stretch struct {
	at    uint64
	bytes []byte
}

const (
	grain = 1 << 10   // bytes that are looked at together
	piece = 256 << 10 // bytes that are written at once: neither a copy nor a clearing can be preempted
)

// newImage copies what there is in memory.
func newImage(memory []byte) *image {
	m := &image{size: uint64(len(memory))}
	var nought [grain]byte
	for at := 0; at < len(memory); at += grain {
		from := at
		for at < len(memory) && at-from < piece && !bytes.Equal(memory[at:at+grain], nought[:]) {
			at += grain
		}
		if at > from {
			m.runs = append(m.runs, stretch{uint64(from), bytes.Clone(memory[from:at])})
			at -= grain
		}
	}
	return m
}

func (m *image) equal(o *image) bool {
	return o != nil && m.size == o.size && slices.EqualFunc(m.runs, o.runs, func(a, b stretch) bool {
		return a.at == b.at && bytes.Equal(a.bytes, b.bytes)
	})
}

// restore makes memory, which has the image's size, what it was.
func (m *image) restore(memory []byte) {
	at := uint64(0)
	for _, r := range m.runs {
		nullify(memory[at:r.at])
		at = r.at + uint64(copy(memory[r.at:], r.bytes))
	}
	nullify(memory[at:])
}

func nullify(b []byte) {
	for len(b) > piece {
		clear(b[:piece])
		b = b[piece:]
	}
	clear(b)
}
