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

// A module that takes long to compile is given up, and nothing is left of it.
func TestPatience(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Options{Child: exe})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.patience = 500 * time.Millisecond
	dir := filepath.Join(r.cache, "bomb")
	start := time.Now()
	err = r.cached(context.Background(), dir, bomb())
	if err == nil || !strings.Contains(err.Error(), "it takes more than") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it was given up after %v", took)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
}

// bomb is a module that wazero takes minutes to compile: blocks in each other, a hundred thousand deep.
func bomb() []byte {
	const deep = 100_000
	body := slices.Concat([]byte{0}, bytes.Repeat([]byte{0x02, 0x40}, deep), bytes.Repeat([]byte{0x0b}, deep+1))
	sized := func(b []byte) []byte { return append(binary.AppendUvarint(nil, uint64(len(b))), b...) }
	code := sized(append([]byte{1}, sized(body)...))
	return append([]byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a"), code...)
}
