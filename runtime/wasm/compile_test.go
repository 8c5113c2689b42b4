package wasm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A module that compiles too long is rejected and leaves no files.
func TestCompileTimeout(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Options{Child: exe})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.childTimeout = 100 * time.Millisecond
	dir := filepath.Join(r.cache, "bomb")
	err = r.fillCache(context.Background(), dir, deepBlocks())
	if err == nil || !strings.Contains(err.Error(), "of a processor, or 100ms") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
}

// A module with too much native code is rejected and leaves no files; the cache evicts old entries.
func TestNativeCodeLimit(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Options{Child: exe})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dirs := []string{filepath.Join(r.cache, "a"), filepath.Join(r.cache, "b")}
	r.maxNative = 1 << 10
	err = r.fillCache(context.Background(), dirs[0], additions(10_000))
	if err == nil || !strings.Contains(err.Error(), "KiB of native code, want at most 1") {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(r.cache); len(left) > 0 || err != nil {
		t.Errorf("left: %v, %v", left, err)
	}
	r.maxNative, r.maxCache = maxNativeBytes, 1<<10
	for i, dir := range dirs {
		if err := r.fillCache(context.Background(), dir, additions(10_000)); err != nil {
			t.Error(err)
		}
		if old := time.Now().Add(-time.Hour); i == 0 { // the file system's clock may be coarse
			if err := os.Chtimes(filepath.Join(dir, sealName), old, old); err != nil {
				t.Error(err)
			}
		}
	}
	if left, err := os.ReadDir(r.cache); err != nil || len(left) != 1 || left[0].Name() != "b" {
		t.Errorf("left: %v, %v", left, err)
	}
}

// additions is a module with a function that adds n times to a global.
func additions(n int) []byte {
	sized := func(b []byte) []byte { return append(binary.AppendUvarint(nil, uint64(len(b))), b...) }
	body := slices.Concat([]byte{0}, bytes.Repeat([]byte{0x23, 0, 0x41, 1, 0x6a, 0x24, 0}, n), []byte{0x0b})
	head := []byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x06\x06\x01\x7f\x01\x41\x00\x0b\x0a")
	return append(head, sized(append([]byte{1}, sized(body)...))...)
}

// deepBlocks is a module that wazero takes minutes to compile: 100,000 nested blocks.
func deepBlocks() []byte {
	const deep = 100_000
	body := slices.Concat([]byte{0}, bytes.Repeat([]byte{0x02, 0x40}, deep), bytes.Repeat([]byte{0x0b}, deep+1))
	sized := func(b []byte) []byte { return append(binary.AppendUvarint(nil, uint64(len(b))), b...) }
	code := sized(append([]byte{1}, sized(body)...))
	return append([]byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a"), code...)
}
