package watch_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLinksInCircles: a folder whose links form a circle is rejected at no extra cost, and goes
// live after they are removed.
func TestLinksInCircles(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "policy.yaml"), policy("first"))
	must(t, os.Mkdir(filepath.Join(dir, "d"), 0o755))
	w := startFixture(t, dir) // its cleanup waits until the Watcher has noticed that its context ended
	var links []string
	for _, name := range "123456" {
		links = append(links, filepath.Join(dir, "d", string(name)))
		must(t, os.Symlink(".", links[len(links)-1]))
	}
	w.waitFor("stale", func() bool { return w.Status().Stale })
	if s := w.Status(); !strings.Contains(s.LastError, "a link to a folder that it lies in") {
		t.Errorf("status: %+v", s)
	}
	for _, link := range links {
		must(t, os.Remove(link))
	}
	writeFile(t, filepath.Join(dir, "policy.yaml"), policy("second"))
	w.waitLive("second")
}

// TestTempFilesRemoved: incomplete copies of a killed process are removed at the next start, except
// those of another folder.
func TestTempFilesRemoved(t *testing.T) {
	dir, data := t.TempDir(), filepath.Join(t.TempDir(), "[data]")
	writeFile(t, filepath.Join(dir, "policy.yaml"), policy("a"))
	_, err := newFixture(t, dir, data)
	must(t, err)
	whole, err := os.ReadDir(filepath.Join(data, "last-good"))
	must(t, err)
	if len(whole) != 1 {
		t.Fatalf("kept: %v", whole)
	}
	name := strings.TrimSuffix(whole[0].Name(), ".zip")
	writeFile(t, filepath.Join(data, "last-good", "."+name+".zip-123.tmp"), "half a co")
	writeFile(t, filepath.Join(data, "last-good", ".0123456789abcdef.zip-123.tmp"), "half a co")
	_, err = newFixture(t, dir, data)
	must(t, err)
	left, err := os.ReadDir(filepath.Join(data, "last-good"))
	must(t, err)
	if len(left) != 2 || left[0].Name() != ".0123456789abcdef.zip-123.tmp" || left[1].Name() != whole[0].Name() {
		t.Errorf("left: %v", left)
	}
}
