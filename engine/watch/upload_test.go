package watch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// modulePolicy is a policy whose hook runs modules of these names.
func modulePolicy(names ...string) string {
	var b strings.Builder
	b.WriteString("tenterhook: 1\nhooks:\n  - name: signup\n    type: registration\n    auth: none\n    rules:\n")
	for _, name := range names {
		fmt.Fprintf(&b, "      - {name: %s, wasm: modules/%s.wasm}\n", name, name)
	}
	return b.String()
}

// readModule reads a module from the tests of rules.
func readModule(t testing.TB, name string) []byte {
	t.Helper()
	code, err := os.ReadFile("../../rules/testdata/modules/" + name + ".wasm")
	must(t, err)
	return code
}

// stampModule is a module that sets a word of five letters.
func stampModule(t testing.TB, word string) []byte {
	t.Helper()
	return bytes.Replace(readModule(t, "stamp"), []byte("first"), []byte(word), 1)
}

// moduleFixture is a Watcher with an engine and a runtime for modules.
type moduleFixture struct {
	*watch.Watcher
	t       testing.TB
	engine  *engine.Engine
	modules *wasm.Runtime
	close   func()

	registry *prometheus.Registry
}

// newModuleFixture opens a fixture; its close also checks that no instance of a module is left.
func newModuleFixture(t testing.TB, dir, data string) *moduleFixture {
	t.Helper()
	return newModuleFixtureWith(t, dir, data, wasm.Options{})
}

func newModuleFixtureWith(t testing.TB, dir, data string, o wasm.Options) *moduleFixture {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	guests, err := wasm.New(o)
	must(t, err)
	registry := prometheus.NewRegistry()
	e, err := engine.New(engine.Options{Log: log, Registry: registry})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	w, err := watch.Open(ctx, watch.Options{Dir: dir, Data: data, Engine: e, Log: log, Rules: rules.Options{Modules: guests},
		Settle: 20 * time.Millisecond, Poll: 100 * time.Millisecond, Retry: 100 * time.Millisecond})
	must(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	s := &moduleFixture{Watcher: w, t: t, engine: e, modules: guests, registry: registry}
	s.close = sync.OnceFunc(func() {
		cancel()
		<-done
		if err := errors.Join(e.Close(), guests.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.close)
	return s
}

var ids atomic.Int64

// answerDivision returns the division in the answer to a sign-up.
func (s *moduleFixture) answerDivision() string {
	doc := new(jsondoc.Doc)
	if err := doc.Parse(sample.Of(hook.Registration), jsondoc.Limits{}); err != nil {
		s.t.Error(err)
	}
	r, err := s.engine.Answer(&hook.Call{Hook: "signup", ID: strconv.FormatInt(ids.Add(1), 10), Type: hook.Registration, Doc: doc})
	if err != nil {
		s.t.Error(err)
	}
	_, word, _ := strings.Cut(string(r.Body), `"division":"`)
	word, _, _ = strings.Cut(word, `"`)
	return word
}

// overloadCount counts the calls and rules that ran out of time on this machine.
func (s *moduleFixture) overloadCount() (n int64) {
	s.t.Helper()
	families, err := s.registry.Gather()
	must(s.t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if why := l.GetName() + " " + l.GetValue(); why == "outcome late" || why == "reason time" {
					n += int64(m.GetCounter().GetValue())
				}
			}
		}
	}
	return n
}

func (s *moduleFixture) upload(name string, code []byte) (watch.ChangeResult, error) {
	return s.Change(context.Background(), watch.Change{Name: name, Code: code})
}

// TestUpload uploads, replaces, rejects and deletes a module.
func TestUpload(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	writeFile(t, filepath.Join(dir, "policy.yaml"), modulePolicy("score"))
	writeFile(t, filepath.Join(dir, "modules", "score.wasm"), string(stampModule(t, "benea")))
	s := newModuleFixture(t, dir, data)
	if got := s.answerDivision(); got != "benea" {
		t.Fatalf("got %q", got)
	}
	c, err := s.upload("score", stampModule(t, "above"))
	if err != nil || !c.Live || !c.Referenced || c.From != watch.FromUpload || c.Over == "" || len(c.Runs) != 1 || c.Runs[0].Rule != "score" || c.Runs[0].Fuel == 0 {
		t.Fatalf("got %+v, %v", c, err)
	}
	if got := s.answerDivision(); got != "above" {
		t.Errorf("got %q", got)
	}
	if st := s.Status(); st.Stale || len(st.Modules) != 1 || st.Modules[0].SHA256 != watch.Hash(stampModule(t, "above")) || st.Revision != c.Revision {
		t.Errorf("status %+v", st)
	}
	if _, err := s.Change(t.Context(), watch.Change{Name: "score", Code: stampModule(t, "never"), If: func(hash string) bool { return hash == "" }}); !errors.Is(err, watch.ErrChanged) {
		t.Errorf("a condition that does not hold: %v", err)
	}
	if _, err := s.upload("../score", stampModule(t, "never")); !errors.Is(err, watch.ErrModuleName) {
		t.Errorf("a name that climbs: %v", err)
	}
	var rejection *watch.Rejection
	if _, err := s.upload("score", readModule(t, "none")); !errors.As(err, &rejection) || len(rejection.Reasons) != 5 {
		t.Errorf("one without the convention: %v", err)
	}
	s.close()
	s = newModuleFixture(t, dir, data)
	if got := s.answerDivision(); got != "above" {
		t.Errorf("after a restart: %q", got)
	}
	if _, err := s.upload("score", nil); err != nil || s.answerDivision() != "benea" {
		t.Errorf("taken back: %v", err)
	}
	if _, err := s.upload("score", nil); !errors.Is(err, watch.ErrNoUpload) {
		t.Errorf("taken back twice: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(data, "modules", "*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != "uploads.json" {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestUploadTests: the folder's tests decide too.
func TestUploadTests(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "policy.yaml"), modulePolicy("score"))
	writeFile(t, filepath.Join(dir, "modules", "score.wasm"), string(stampModule(t, "first")))
	writeFile(t, filepath.Join(dir, "a_test.yaml"), "tests: [{name: a, hook: signup, input: {sample: registration}, expect: {failed: [], commands: "+
		"[{type: com.okta.user.profile.update, value: {division: first}}]}}]\n")
	s := newModuleFixture(t, dir, t.TempDir())
	var rejection *watch.Rejection
	if _, err := s.upload("score", stampModule(t, "other")); !errors.As(err, &rejection) || len(rejection.Tests) != 1 || rejection.Tests[0].Name != "a" {
		t.Errorf("got %v", err)
	}
	if got := s.answerDivision(); got != "first" {
		t.Errorf("got %q", got)
	}
	if c, err := s.upload("score", append(stampModule(t, "first"), 0, 2, 1, 'x')); err != nil || c.Tests != 1 { // with a section of its own, and so another
		t.Errorf("got %+v, %v", c, err)
	}
}

// TestUploadIntoInvalidFolder: an invalid folder neither rejects an upload nor goes live with it,
// until an upload solves its problem.
func TestUploadIntoInvalidFolder(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "policy.yaml"), policy("signup"))
	s := newModuleFixture(t, dir, t.TempDir())
	writeFile(t, filepath.Join(dir, "policy.yaml"), modulePolicy("a", "b"))
	waitFor(t, "stale", func() bool { return s.Status().Stale })
	if c, err := s.upload("a", stampModule(t, "aaaaa")); err != nil || c.Live || len(c.Problems) == 0 || !s.Status().Stale {
		t.Fatalf("the first: %+v, %v", c, err)
	}
	var rejection *watch.Rejection
	if _, err := s.upload("b", readModule(t, "loop")); !errors.As(err, &rejection) {
		t.Errorf("one that is a problem by itself: %v", err)
	}
	if c, err := s.upload("b", stampModule(t, "bbbbb")); err != nil || !c.Live || s.Status().Stale {
		t.Fatalf("the second: %+v, %v", c, err)
	}
	if got := s.answerDivision(); got != "bbbbb" {
		t.Errorf("got %q", got)
	}
	if _, err := s.upload("a", nil); !errors.Is(err, watch.ErrReferenced) {
		t.Errorf("taken back: %v", err)
	}
}

// TestUploadDamaged: a damaged upload never runs; uploading it again repairs it.
func TestUploadDamaged(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"Changed": func(path string) error { return os.WriteFile(path, stampModule(t, "wrong"), 0o600) },
		"Gone":    os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			dir, data := t.TempDir(), t.TempDir()
			writeFile(t, filepath.Join(dir, "policy.yaml"), modulePolicy("score"))
			writeFile(t, filepath.Join(dir, "modules", "score.wasm"), string(stampModule(t, "first")))
			s := newModuleFixture(t, dir, data)
			_, err := s.upload("score", stampModule(t, "above"))
			must(t, err)
			s.close()
			must(t, damage(filepath.Join(data, "modules", watch.Hash(stampModule(t, "above"))+".wasm")))
			s = newModuleFixture(t, dir, data)
			if st := s.Status(); st.From != watch.FromLastGood || !strings.Contains(st.LastError, "missing or damaged") || s.answerDivision() != "above" {
				t.Errorf("status %+v", st)
			}
			if c, err := s.upload("score", stampModule(t, "newer")); err != nil || !c.Live || s.answerDivision() != "newer" {
				t.Errorf("got %+v, %v", c, err)
			}
		})
	}
}

// TestHostileUpload: modules that never end are rejected without delaying calls.
func TestHostileUpload(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "policy.yaml"), modulePolicy("score"))
	writeFile(t, filepath.Join(dir, "modules", "score.wasm"), string(stampModule(t, "first")))
	s := newModuleFixture(t, dir, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	var answered, lost atomic.Int64
	for range 4 {
		calls.Go(func() {
			for ctx.Err() == nil {
				switch got := s.answerDivision(); got {
				case "first":
					answered.Add(1)
				case "":
					lost.Add(1)
				default:
					t.Errorf("got %q", got)
				}
			}
		})
	}
	for _, name := range []string{"endless", "loop"} {
		if _, err := s.upload("score", readModule(t, name)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	cancel()
	calls.Wait()
	if lost, starved := lost.Load(), s.overloadCount(); answered.Load() == 0 || lost > starved {
		t.Errorf("%d calls were answered, %d were not; there was no time for %d", answered.Load(), lost, starved)
	}
}

// TestReloadUnderLoad changes ten modules repeatedly during calls: no call is lost, and the memory
// of modules stays flat.
func TestReloadUnderLoad(t *testing.T) {
	reloads := 40
	if text := os.Getenv("TENTERHOOK_RELOADS"); text != "" {
		var err error
		reloads, err = strconv.Atoi(text)
		must(t, err)
	} else if testing.Short() {
		reloads = 10
	}
	dir := t.TempDir()
	var names []string
	for i := range 10 {
		names = append(names, fmt.Sprintf("m%d", i))
		writeFile(t, filepath.Join(dir, "modules", names[i]+".wasm"), string(stampModule(t, fmt.Sprintf("%05d", i))))
	}
	writeFile(t, filepath.Join(dir, "policy.yaml"), modulePolicy(names...))
	s := newModuleFixture(t, dir, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	var answered, lost atomic.Int64
	for range 2 {
		calls.Go(func() {
			for ctx.Err() == nil {
				if got := s.answerDivision(); len(got) != 5 {
					lost.Add(1)
				}
				answered.Add(1)
			}
		})
	}
	var first, last goruntime.MemStats
	resident := 0
	for i := range reloads {
		if c, err := s.upload(names[i%10], stampModule(t, fmt.Sprintf("%05d", 10+i))); err != nil || !c.Live {
			t.Fatalf("reload %d: %+v, %v", i, c, err)
		}
		if i == reloads/10 {
			goruntime.GC()
			goruntime.ReadMemStats(&first)
			resident = residentBytes()
		}
	}
	cancel()
	calls.Wait()
	if lost, starved := lost.Load(), s.overloadCount(); lost > starved {
		t.Errorf("%d calls were lost; there was no time for %d", lost, starved)
	}
	goruntime.GC()
	goruntime.ReadMemStats(&last)
	t.Logf("%d reloads, %d calls; heap %d KiB after a tenth, %d KiB at the end; resident pages %d, %d", reloads, answered.Load(),
		first.HeapAlloc>>10, last.HeapAlloc>>10, resident, residentBytes())
	if grown := int64(last.HeapAlloc) - int64(first.HeapAlloc); grown > 16<<20 {
		t.Errorf("the heap has grown by %d KiB", grown>>10)
	}
	waitFor(t, "ten modules that are held", func() bool { return s.modules.Stats().Modules <= 10 })
}

// residentBytes is how many pages of memory the process has; 0 where that cannot be told.
func residentBytes() int {
	text, _ := os.ReadFile("/proc/self/statm")
	if fields := strings.Fields(string(text)); len(fields) > 1 {
		pages, _ := strconv.Atoi(fields[1])
		return pages
	}
	return 0
}

// FuzzUploads reads foreign lists of uploads: a module runs only if its hash matches.
func FuzzUploads(f *testing.F) {
	f.Add(`{"modules":{"score":{"sha256":"x","bytes":1,"at":"2026-01-01T00:00:00Z"}}}`)
	f.Add(`{"modules":{"../score":{"sha256":"../../x"}}}`)
	f.Add(`{"modules":null}`)
	f.Add(`[`)
	f.Fuzz(func(t *testing.T, text string) {
		dir, data := t.TempDir(), t.TempDir()
		writeFile(t, filepath.Join(dir, "policy.yaml"), policy("a"))
		writeFile(t, filepath.Join(data, "modules", "uploads.json"), text)
		guests, err := wasm.New(wasm.Options{})
		must(t, err)
		e, err := engine.New(engine.Options{Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		defer guests.Close()
		defer e.Close()
		w, err := watch.Open(t.Context(), watch.Options{Dir: dir, Data: data, Engine: e, Log: slog.New(slog.DiscardHandler),
			Rules: rules.Options{Modules: guests}, Settle: time.Millisecond})
		if err == nil && w.Status().Revision == "" {
			t.Error("open, and nothing is live")
		}
	})
}
