package watch_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHooksGone holds that a hook which leaves the air is named, whether it went with its file or by an edit.
func TestHooksGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "policy")
	put(t, filepath.Join(dir, "a.yaml"), policy("a", "b"))
	put(t, filepath.Join(dir, "c.yaml"), policy("c"))
	w := start(t, dir)
	w.becomes("a b c")
	put(t, filepath.Join(dir, "a.yaml"), policy("a"))
	must(t, os.Remove(filepath.Join(dir, "c.yaml")))
	w.becomes("a")
	w.until("named", func() bool {
		return strings.Contains(w.log.String(), "b (/hooks/b)") && strings.Contains(w.log.String(), "c (/hooks/c)")
	})
	if log := w.log.String(); strings.Contains(log, "a (/hooks/a)") || !strings.Contains(log, `level=WARN msg="hooks gone`) {
		t.Error(log)
	}
}

// TestEmptied holds that a policy file which is emptied takes no hook off the air.
func TestEmptied(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "policy")
	put(t, filepath.Join(dir, "a.yaml"), policy("a"))
	put(t, filepath.Join(dir, "b.yaml"), policy("b"))
	w := start(t, dir)
	w.becomes("a b")
	put(t, filepath.Join(dir, "b.yaml"), "")
	w.until("stale", func() bool { return w.Status().Stale })
	if live := w.live(); len(live) != 1 || !strings.Contains(w.Status().LastError, "b.yaml:1:1: nothing stands in this file") {
		t.Errorf("%q %+v", live, w.Status())
	}
}
