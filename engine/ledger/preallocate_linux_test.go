package ledger_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// TestRoom opens ledgers on a disk that is too small for them: what is there is allocated, and no commit meets a full disk.
func TestRoom(t *testing.T) {
	t.Run("a new one is refused", func(t *testing.T) {
		dir := mount(t, "-t", "tmpfs", "-o", "size=4m", "tmpfs")
		o := ledger.Options{Path: filepath.Join(dir, "ledger")}
		for range 2 {
			_, err := ledger.Open(o)
			if !errors.Is(err, ledger.ErrSpace) || !strings.Contains(err.Error(), "it wants 16384 KB free in "+dir) {
				t.Errorf("%v", err)
			}
		}
		if out, err := os.ReadDir(dir); err != nil || len(out) != 1 { // its identity
			t.Error(out, err)
		}
		o.Step = 4 << 20
		must(t, openLedger(t, o).LowSpace())
	})
	t.Run("a hole in an old one is filled", func(t *testing.T) {
		o := newOptions(t)
		l := openLedger(t, o)
		must(t, l.LowSpace())
		must(t, l.Close())
		must(t, os.Truncate(o.Path, 32<<20))
		must(t, openLedger(t, o).LowSpace())
		checkAllocated(t, o.Path)
	})
	t.Run("a hole beyond the cap is cut off", func(t *testing.T) {
		o := newOptions(t)
		must(t, openLedger(t, o).Close())
		must(t, os.Truncate(o.Path, 32<<20))
		o.MaxSize = 2 << 20
		must(t, openLedger(t, o).LowSpace())
		checkAllocated(t, o.Path)
	})
	t.Run("an old one without room says so and refuses", func(t *testing.T) {
		dir := mount(t, "-t", "tmpfs", "-o", "size=4m", "tmpfs")
		o := ledger.Options{Path: filepath.Join(dir, "ledger"), Step: 1 << 20}
		l := openLedger(t, o)
		accept(t, l, delivery(1, 1))
		must(t, l.Close())
		must(t, os.Truncate(o.Path, 32<<20)) // a hole, as older versions left one
		o.Step = 64 << 20
		l = openLedger(t, o)
		if err := l.LowSpace(); !errors.Is(err, ledger.ErrSpace) {
			t.Error(err)
		}
		checkAllocated(t, o.Path)
		fillDisk(t, filepath.Join(dir, "rest"))
		for n := range 2000 {
			if _, err := l.Accept(t.Context(), delivery(n+2, n+2)); err != nil && !errors.Is(err, ledger.ErrSpace) {
				t.Fatal(err)
			}
		}
		must(t, l.Broken())
		if !reopen(t, l, o).IsKnown(delivery(1, 1).ID) {
			t.Error("what was acknowledged is lost")
		}
	})
}

// fillDisk writes until the disk is full.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

func checkAllocated(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	if s := info.Sys().(*syscall.Stat_t); s.Blocks*512 < info.Size() {
		t.Errorf("%d bytes on the disk of %d", s.Blocks*512, info.Size())
	}
}
