package watch_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHooksRemoved holds that a hook which leaves the air is named, whether it went with its file or by an edit.
func TestHooksRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "policy")
	writeFile(t, filepath.Join(dir, "a.yaml"), policy("a", "b"))
	writeFile(t, filepath.Join(dir, "c.yaml"), policy("c"))
	w := startFixture(t, dir)
	w.waitLive("a b c")
	writeFile(t, filepath.Join(dir, "a.yaml"), policy("a"))
	must(t, os.Remove(filepath.Join(dir, "c.yaml")))
	w.waitLive("a")
	w.waitFor("named", func() bool {
		return strings.Contains(w.log.String(), "b (/hooks/b)") && strings.Contains(w.log.String(), "c (/hooks/c)")
	})
	if log := w.log.String(); strings.Contains(log, "a (/hooks/a)") || !strings.Contains(log, `level=WARN msg="hooks gone`) {
		t.Error(log)
	}
}

// TestFolderEmptied holds that a policy file which is emptied takes no hook off the air.
func TestFolderEmptied(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "policy")
	writeFile(t, filepath.Join(dir, "a.yaml"), policy("a"))
	writeFile(t, filepath.Join(dir, "b.yaml"), policy("b"))
	w := startFixture(t, dir)
	w.waitLive("a b")
	writeFile(t, filepath.Join(dir, "b.yaml"), "")
	w.waitFor("stale", func() bool { return w.Status().Stale })
	if live := w.liveSets(); len(live) != 1 || !strings.Contains(w.Status().LastError, "b.yaml:1:1: nothing stands in this file") {
		t.Errorf("%q %+v", live, w.Status())
	}
}
