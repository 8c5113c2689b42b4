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

// TestUnready: a module that was live and cannot be made ready at the next start takes its own rule with it, and neither the folder
// nor the start.
func TestUnready(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	put(t, filepath.Join(dir, "policy.yaml"), scored("a"))
	put(t, filepath.Join(dir, "modules", "a.wasm"), string(stamp(t, "alpha")))
	first := openSite(t, dir, data)
	if got := first.division(); got != "alpha" {
		t.Fatalf("got %q", got)
	}
	first.close()
	narrow := wasm.Options{Limits: meter.Limits{Bytes: 8}}
	second := openSiteWith(t, dir, data, narrow)
	s := second.Status()
	if s.Stale || s.From != watch.FromFolder || len(s.Modules) != 1 || !strings.Contains(s.Modules[0].Rules[0].Failure, "want at most 8") {
		t.Errorf("status %+v", s)
	}
	if got := second.division(); got != "" {
		t.Errorf("its rule says %q", got)
	}
	time.Sleep(500 * time.Millisecond) // some retries
	if again := second.Status(); again.Stale || !again.LoadedAt.Equal(s.LoadedAt) {
		t.Errorf("after retries %+v", again)
	}
	put(t, filepath.Join(dir, "modules", "a.wasm"), string(stamp(t, "gamma"))) // one that is new is refused
	eventually(t, "stale", func() bool { return second.Status().Stale })
	put(t, filepath.Join(dir, "modules", "a.wasm"), string(stamp(t, "alpha")))
	eventually(t, "fresh", func() bool { return !second.Status().Stale })
	second.close()
	third := openSite(t, dir, data)
	if got := third.division(); got != "alpha" || third.Status().Modules[0].Rules[0].Failure != "" {
		t.Errorf("got %q, status %+v", got, third.Status())
	}
}
