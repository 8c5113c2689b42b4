package wasm

import (
	"fmt"
	"syscall"
)

// reserve maps the most bytes that the memory can have. Untouched pages cost nothing.
func reserve(most uint64) (*linearMemory, error) {
	room, err := syscall.Mmap(-1, 0, int(most), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of memory: %w", most, err)
	}
	return &linearMemory{reserved: room}, nil
}

func (l *linearMemory) unmap() {
	if l.reserved != nil {
		syscall.Munmap(l.reserved[:len(l.reserved):cap(l.reserved)])
	}
}

// discard makes the bytes beyond size read as zero and returns their pages to the system.
func (l *linearMemory) discard(size uint64) {
	if err := syscall.Madvise(l.reserved[size:], syscall.MADV_DONTNEED); err != nil {
		clear(l.reserved[size:l.highWater])
	}
}
