//go:build !linux

package wasm

// reserve allocates the most bytes that the memory can have.
func reserve(most uint64) (*linearMemory, error) {
	return &linearMemory{reserved: make([]byte, most)}, nil
}

func (l *linearMemory) unmap() {}

// discard makes the bytes beyond size read as zero.
func (l *linearMemory) discard(size uint64) { clear(l.reserved[size:l.highWater]) }
