package wasm

import (
	"fmt"
	"syscall"
)

// reserve maps room for most bytes. Pages that nobody touches cost nothing.
func reserve(most uint64) (*linear, error) {
	room, err := syscall.Mmap(-1, 0, int(most), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of memory: %w", most, err)
	}
	return &linear{room: room}, nil
}

func (l *linear) unmap() {
	if l.room != nil {
		syscall.Munmap(l.room[:len(l.room):cap(l.room)])
	}
}

// giveUp makes what is beyond size read as nought, and costs nothing any more.
func (l *linear) giveUp(size uint64) {
	if err := syscall.Madvise(l.room[size:], syscall.MADV_DONTNEED); err != nil {
		clear(l.room[size:l.touched])
	}
}
