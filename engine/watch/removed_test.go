package watch_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHooksRemoved: removed hooks are logged, whether their file was deleted or edited.
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
	if log := w.log.String(); strings.Contains(log, "a (/hooks/a)") || !strings.Contains(log, `level=WARN msg="hooks removed`) {
		t.Error(log)
	}
}

// TestFolderEmptied: emptying a policy file removes no hook.
func TestFolderEmptied(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "policy")
	writeFile(t, filepath.Join(dir, "a.yaml"), policy("a"))
	writeFile(t, filepath.Join(dir, "b.yaml"), policy("b"))
	w := startFixture(t, dir)
	w.waitLive("a b")
	writeFile(t, filepath.Join(dir, "b.yaml"), "")
	w.waitFor("stale", func() bool { return w.Status().Stale })
	if live := w.liveSets(); len(live) != 1 || !strings.Contains(w.Status().LastError, "b.yaml:1:1: this file has no content") {
		t.Errorf("%q %+v", live, w.Status())
	}
}

// TestWarnings: the status has the warnings of the live Set, and they go with their cause.
func TestWarnings(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "policy")
	writeFile(t, filepath.Join(dir, "a.yaml"), policy("a", "b"))
	w := startFixture(t, dir)
	w.waitLive("a b")
	if got := w.Status().Warnings; len(got) != 2 || !got[0].Warning || got[0].File != "a.yaml" {
		t.Errorf("warnings %v, want one for each hook with auth: none", got)
	}
	writeFile(t, filepath.Join(dir, "a.yaml"), policy("a"))
	w.waitLive("a")
	w.waitFor("one warning", func() bool { return len(w.Status().Warnings) == 1 })
}
