//go:build linux

package audit_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tenterhook/tenterhook/engine/audit"
)

// TestFullDisk: an act without space on the disk is not recorded at all; later ones are.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	path, ballast := filepath.Join(dir, "audit.jsonl"), filepath.Join(dir, "ballast")
	l := openLog(t, path)
	t.Cleanup(func() { l.Close() })
	writeActs(t, l, "a")
	for range 3 {
		os.WriteFile(ballast, make([]byte, 1<<20), 0o600) // fills the disk
		full := 0
		for range 64 { // the last page still has space
			if l.Write(audit.Act{Act: "x", Subject: strings.Repeat("y", 1000), Outcome: "ok"}) != nil {
				full++
			}
		}
		if full < 50 {
			t.Fatalf("the disk is not full: %d", full)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		writeActs(t, l, "b")
	}
	n, err := audit.Read(path, func(audit.Line) error { return nil })
	if err != nil || n.Fragments != 0 || n.Lines < 4 {
		t.Errorf("%+v, %v", n, err)
	}
}
