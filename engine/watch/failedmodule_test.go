package watch_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// TestModuleFails: a module that does not start after a restart fails its own rule, and neither the
// folder nor the other rules.
func TestModuleFails(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	writeFile(t, filepath.Join(dir, "policy.yaml"), modulePolicy("a"))
	writeFile(t, filepath.Join(dir, "modules", "a.wasm"), string(stampModule(t, "alpha")))
	first := newModuleFixture(t, dir, data)
	if got := first.answerDivision(); got != "alpha" {
		t.Fatalf("got %q", got)
	}
	first.close()
	narrow := wasm.Options{Limits: meter.Limits{Bytes: 8}}
	second := newModuleFixtureWith(t, dir, data, narrow)
	s := second.Status()
	if s.Stale || s.From != watch.FromFolder || len(s.Modules) != 1 || !strings.Contains(s.Modules[0].Rules[0].Failure, "want at most 8") {
		t.Errorf("status %+v", s)
	}
	if got := second.answerDivision(); got != "" {
		t.Errorf("its rule says %q", got)
	}
	time.Sleep(500 * time.Millisecond) // some retries
	if again := second.Status(); again.Stale || !again.LoadedAt.Equal(s.LoadedAt) {
		t.Errorf("after retries %+v", again)
	}
	writeFile(t, filepath.Join(dir, "modules", "a.wasm"), string(stampModule(t, "gamma"))) // a new one is rejected
	waitFor(t, "stale", func() bool { return second.Status().Stale })
	writeFile(t, filepath.Join(dir, "modules", "a.wasm"), string(stampModule(t, "alpha")))
	waitFor(t, "fresh", func() bool { return !second.Status().Stale })
	second.close()
	third := newModuleFixture(t, dir, data)
	if got := third.answerDivision(); got != "alpha" || third.Status().Modules[0].Rules[0].Failure != "" {
		t.Errorf("got %q, status %+v", got, third.Status())
	}
}
