package watch_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules"
)

// fixture is a running Watcher of a folder on disk.
type fixture struct {
	*watch.Watcher
	t    *testing.T
	dir  string
	data string
	log  *safeBuffer

	mu   sync.Mutex
	sets []string // hook names of every live Set
}

// safeBuffer is a log that tests read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newFixture(t *testing.T, dir, data string) (*fixture, error) {
	t.Helper()
	w := &fixture{t: t, dir: dir, data: data, log: new(safeBuffer)}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	e := newEngine(t, log)
	ctx, cancel := context.WithCancel(context.Background())
	opened, err := watch.Open(ctx, watch.Options{
		Dir: dir, Data: data, Engine: e, Log: log, Accept: w.accept,
		Rules:  rules.Options{Env: func(string) (string, bool) { return "", false }},
		Settle: 40 * time.Millisecond, Poll: 200 * time.Millisecond, Retry: time.Second,
	})
	if err != nil {
		cancel()
		return w, err
	}
	w.Watcher = opened
	done := make(chan struct{})
	go func() {
		defer close(done)
		opened.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return w, nil
}

func newEngine(t *testing.T, log *slog.Logger) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Options{Log: log})
	must(t, err)
	t.Cleanup(func() { must(t, e.Close()) })
	return e
}

func startFixture(t *testing.T, dir string) *fixture {
	t.Helper()
	w, err := newFixture(t, dir, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// accept records each Set before it goes live.
func (w *fixture) accept(s *rules.Set) error {
	var names []string
	for _, h := range s.Hooks() {
		names = append(names, h.Name)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sets = append(w.sets, strings.Join(names, " "))
	return nil
}

func (w *fixture) liveSets() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.sets...)
}

// waitLive waits until these hooks are live.
func (w *fixture) waitLive(hooks string) {
	w.t.Helper()
	w.waitFor("live: "+hooks, func() bool {
		live := w.liveSets()
		return len(live) > 0 && live[len(live)-1] == hooks && !w.Status().Stale
	})
}

// waitFor waits up to a minute, for loaded machines.
func (w *fixture) waitFor(what string, is func() bool) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if is() {
			return
		}
	}
	w.t.Fatalf("never became %s\nsets: %q\nstatus: %+v\nlog:\n%s", what, w.liveSets(), w.Status(), w.log)
}

// policy is a file with hooks of these names.
func policy(hooks ...string) string {
	var b strings.Builder
	b.WriteString("tenterhook: 1\nhooks:\n")
	for _, h := range hooks {
		fmt.Fprintf(&b, "  - {name: %s, type: token, auth: none, rules: [{name: r, debug: {by: %s}}]}\n", h, h)
	}
	return b.String()
}

// writeFile writes a file atomically, so that the Watcher never reads a part of it.
func writeFile(t testing.TB, path, text string) {
	t.Helper()
	next := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(next, []byte(text), 0o644))
	must(t, os.Rename(next, path))
}

// writeInPlace writes a file where it is.
func writeInPlace(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
