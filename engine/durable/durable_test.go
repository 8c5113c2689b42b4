package durable_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/durable"
)

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	when := time.Unix(1700000000, 0)
	for _, tc := range []struct {
		name, content string
		o             durable.Options
		mode          fs.FileMode
	}{
		{"New", "one", durable.Options{}, 0o600},
		{"Replace", "two", durable.Options{Mode: 0o640}, 0o640},
		{"ModTime", "three", durable.Options{ModTime: when}, 0o600},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := durable.WriteFile(path, []byte(tc.content), tc.o); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if err != nil || string(got) != tc.content {
				t.Errorf("read %q, %v; want %q", got, err, tc.content)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if runtime.GOOS != "windows" && info.Mode() != tc.mode {
				t.Errorf("mode %v, want %v", info.Mode(), tc.mode)
			}
			if !tc.o.ModTime.IsZero() && !info.ModTime().Equal(when) {
				t.Errorf("modified at %v, want %v", info.ModTime(), when)
			}
			wantNames(t, filepath.Dir(path), "file")
		})
	}
}

func TestWriteWith(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := durable.WriteFile(path, []byte("old"), durable.Options{}); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := durable.WriteWith(path, durable.Options{}, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("after a failed write the file holds %q, want the old content", got)
	}
	wantNames(t, filepath.Dir(path), "file")
}

func TestWriteFileWithoutDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "file")
	if err := durable.WriteFile(path, nil, durable.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
}

func TestRemoveTemp(t *testing.T) {
	for _, tc := range []struct {
		name, of string
		want     []string
	}{
		{"OneFile", "a", []string{".b-2.tmp", "a", "b"}},
		{"AllFiles", "*", []string{"a", "b"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"a", ".a-1.tmp", "b", ".b-2.tmp"} {
				if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := durable.RemoveTemp(filepath.Join(dir, tc.of)); err != nil {
				t.Fatal(err)
			}
			wantNames(t, dir, tc.want...)
		})
	}
	if err := durable.RemoveTemp(filepath.Join(t.TempDir(), "none", "a")); err != nil {
		t.Errorf("a missing directory: %v, want no error", err)
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	first, second := openFile(t, path), openFile(t, path)
	if err := durable.Lock(first); err != nil {
		t.Fatal(err)
	}
	if err := durable.TryLock(second); runtime.GOOS != "windows" && !errors.Is(err, durable.ErrLocked) {
		t.Errorf("the second lock: %v, want %v", err, durable.ErrLocked)
	}
	durable.Unlock(first)
	if err := durable.TryLock(second); err != nil {
		t.Errorf("after the release: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if err := durable.TryLock(first); err != nil {
		t.Errorf("after the holder closed its file: %v", err)
	}
	durable.Unlock(second) // closed already
	durable.Unlock(nil)
}

func openFile(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(want) {
		t.Errorf("the directory holds %v, want %v", entries, want)
		return
	}
	for i, e := range entries {
		if e.Name() != want[i] {
			t.Errorf("the directory holds %v, want %v", entries, want)
		}
	}
}
