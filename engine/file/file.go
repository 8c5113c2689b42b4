// Package file is for values made from files that change during use: certificates and their keys,
// lists of addresses.
package file

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// maxSize is larger than any file that is read in this way.
const maxSize = 8 << 20

// ErrNotRegular is returned for files that are not regular: reading a pipe or a device could block
// for ever.
var ErrNotRegular = errors.New("want a regular file")

// ErrTooLarge is returned for files of more than 8 MiB.
var ErrTooLarge = errors.New("want at most 8 MiB")

// Source is a value made from the contents of files. Reload makes it again; if the new contents are
// unusable, the previous value stays.
type Source[T any] struct {
	paths  []string
	create func(contents [][]byte) (T, error)
	value  atomic.Pointer[T]

	mu        sync.Mutex        // guards the fields below
	sum       [sha256.Size]byte // of the contents of the current value
	lastError string            // text of the last Reload's error; empty after a success
	err       error             // error of two Reloads in a row
}

// Open reads the files and makes the value, which create gets their contents for in the same order.
func Open[T any](create func(contents [][]byte) (T, error), paths ...string) (*Source[T], error) {
	s := &Source[T]{paths: paths, create: create}
	v, sum, err := s.read()
	if err != nil {
		return nil, err
	}
	s.value.Store(&v)
	s.sum = sum
	return s, nil
}

// Value is the one that was made last.
func (s *Source[T]) Value() T { return *s.value.Load() }

// Paths are the files.
func (s *Source[T]) Paths() []string { return s.paths }

// Err is why the files as they are cannot be used; nil when they are.
func (s *Source[T]) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Reload reads the files again and reports whether there is a new value. It returns an error once,
// and only if the previous Reload had the same: related files are rarely written at the same
// moment.
func (s *Source[T]) Reload() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, sum, err := s.read()
	if err != nil {
		return false, s.confirmError(err)
	}
	s.lastError, s.err = "", nil
	if sum == s.sum {
		return false, nil
	}
	s.sum = sum
	s.value.Store(&v)
	return true, nil
}

func (s *Source[T]) confirmError(err error) error {
	again := s.lastError == err.Error()
	s.lastError = err.Error()
	if !again || s.err != nil && s.err.Error() == s.lastError {
		return nil
	}
	s.err = err
	return err
}

// read makes a value from the files. If their contents are those of the current value, it returns
// the current value.
func (s *Source[T]) read() (v T, sum [sha256.Size]byte, err error) {
	contents := make([][]byte, len(s.paths))
	h := sha256.New()
	for i, path := range s.paths {
		if contents[i], err = Read(path); err != nil {
			return v, sum, err
		}
		binary.Write(h, binary.BigEndian, int64(len(contents[i]))) // a hash takes everything
		h.Write(contents[i])
	}
	h.Sum(sum[:0])
	if in := s.value.Load(); in != nil && sum == s.sum {
		return *in, sum, nil
	}
	v, err = s.create(contents)
	return v, sum, err
}

// Read reads a regular file of at most 8 MiB.
func Read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w", path, ErrNotRegular)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxSize {
		return nil, fmt.Errorf("%s: %w", path, ErrTooLarge)
	}
	return b, nil
}

// Poll calls look every so often until the context ends.
func Poll(ctx context.Context, every time.Duration, look func()) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			look()
		}
	}
}
