package dispatch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/engine/dispatch"
	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/rules/destination"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// receiver is an HTTP destination that counts requests by idempotency key.
type receiver struct {
	*httptest.Server
	status atomic.Int64
	mu     sync.Mutex
	came   map[string]int
	bodies []string
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{came: make(map[string]int)}
	r.status.Store(200)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.came[req.Header.Get("Idempotency-Key")]++
		r.bodies = append(r.bodies, string(body))
		r.mu.Unlock()
		w.WriteHeader(int(r.status.Load()))
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) keys() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.came)
}

func (r *receiver) destination(name string) destination.Spec {
	return destination.Spec{Name: name, Kind: destination.HTTP, URL: r.URL, AllowPrivate: loopback, Timeout: 2 * time.Minute, // or else it may come twice
		Retry: destination.Retry{First: 10 * time.Millisecond, Max: 20 * time.Millisecond}, Breaker: destination.Breaker{Failures: 1000}}
}

// fixture is a Dispatch over a ledger of its own.
type fixture struct {
	*dispatch.Dispatch
	t        testing.TB
	ledger   *ledger.Ledger
	path     string
	registry *prometheus.Registry
}

// sendEachTo decides to send the event to each of the names.
func sendEachTo(names ...string) func(*hook.Call) (dispatch.Plan, error) {
	return func(c *hook.Call) (dispatch.Plan, error) {
		p := dispatch.Plan{Revision: "r1"}
		for _, name := range names {
			text := fmt.Sprintf(`{"to":%q,"body":%s}`, name, hook.Events(c.Doc.Root()).At(0).Raw())
			p.Actions = append(p.Actions, hook.Action{Rule: "tell", To: name, JSON: []byte(text)})
		}
		return p, nil
	}
}

func openLedger(t testing.TB, path string) *ledger.Ledger {
	l, err := ledger.Open(ledger.Options{Path: path, Step: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newFixture(t testing.TB, decide func(*hook.Call) (dispatch.Plan, error), o dispatch.Options) *fixture {
	f := &fixture{t: t, path: filepath.Join(t.TempDir(), "ledger"), registry: prometheus.NewRegistry()}
	f.ledger = openLedger(t, f.path)
	f.start(decide, o)
	t.Cleanup(func() { f.stop() })
	return f
}

func (f *fixture) start(decide func(*hook.Call) (dispatch.Plan, error), o dispatch.Options) {
	o.Ledger, o.Decide, o.Registry = f.ledger, decide, f.registry
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	var err error
	if f.Dispatch, err = dispatch.New(o); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	f.Close(ctx)
	f.ledger.Close()
}

// acceptEvents records n events as deliveries of one, the ith with the uuid prefix-i.
func (f *fixture) acceptEvents(prefix string, n int) {
	f.t.Helper()
	for i := range n {
		f.acceptPayload(fmt.Sprintf("%s-%d", prefix, i), fmt.Sprintf(`{"eventId":"d","data":{"events":[{"uuid":"%s-%d"}]}}`, prefix, i))
	}
}

func (f *fixture) acceptPayload(id, payload string) {
	f.t.Helper()
	_, err := f.ledger.Accept(context.Background(), ledger.Delivery{Hook: "h", ID: ledger.Key("h", id),
		Events: []ledger.Event{{ID: ledger.EventKey("h", id), Payload: []byte(payload)}}})
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) waitFor(what string, ok func() bool) {
	f.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	page, _ := f.ledger.List(ledger.Filter{}, "", 20)
	text, _ := json.Marshal(page)
	f.t.Fatalf("never %s; %+v\n%s", what, f.ledger.Stats(), text)
}

func (f *fixture) isIdle() bool {
	s := f.ledger.Stats()
	return s.Unplanned == 0 && s.Steps == 0
}

func (f *fixture) deadLetters() []ledger.Entry {
	f.t.Helper()
	page, err := f.ledger.List(ledger.Filter{State: ledger.Dead}, "dead-0", 1000)
	if err != nil {
		f.t.Fatal(err)
	}
	return page.Entries
}

func TestEachEventOnce(t *testing.T) {
	r := newReceiver(t)
	f := newFixture(t, sendEachTo("a", "a"), dispatch.Options{})
	f.acceptEvents("x", 200)
	f.Use([]destination.Spec{r.destination("a")})
	f.waitFor("finished", f.isIdle)
	if r.keys() != 400 || len(r.bodies) != 400 {
		t.Errorf("%d keys, %d deliveries, want 400 of both", r.keys(), len(r.bodies))
	}
}

func TestNothingBeforeUse(t *testing.T) {
	r := newReceiver(t)
	f := newFixture(t, sendEachTo("a"), dispatch.Options{})
	f.acceptEvents("x", 1)
	time.Sleep(50 * time.Millisecond)
	if f.ledger.Stats().Unplanned != 1 {
		t.Error("rules were run before there was a Set")
	}
	f.Use([]destination.Spec{r.destination("a")})
	f.waitFor("finished", f.isIdle)
}

func TestDestinationRecovers(t *testing.T) {
	r := newReceiver(t)
	r.status.Store(503)
	ran := atomic.Int64{}
	decide := sendEachTo("a")
	f := newFixture(t, func(c *hook.Call) (dispatch.Plan, error) { ran.Add(1); return decide(c) }, dispatch.Options{})
	d := r.destination("a")
	d.Breaker = destination.Breaker{Failures: 3, Rest: 20 * time.Millisecond}
	d.Retry.Attempts = 1000
	f.Use([]destination.Spec{d})
	f.acceptEvents("x", 20)
	f.waitFor("tried", func() bool { return r.keys() > 5 })
	r.status.Store(200)
	f.waitFor("finished", f.isIdle)
	if r.keys() != 20 || ran.Load() != 20 || len(f.deadLetters()) != 0 {
		t.Errorf("%d keys, rules ran %d times, %d dead", r.keys(), ran.Load(), len(f.deadLetters()))
	}
}

func TestRestartKeepsKeys(t *testing.T) {
	r := newReceiver(t)
	r.status.Store(500)
	f := newFixture(t, sendEachTo("a", "a"), dispatch.Options{})
	f.Use([]destination.Spec{r.destination("a")})
	f.acceptEvents("x", 10)
	f.waitFor("tried", func() bool { return r.keys() == 20 })
	f.stop()
	r.status.Store(200)
	f.ledger, f.registry = openLedger(t, f.path), prometheus.NewRegistry()
	f.start(func(*hook.Call) (dispatch.Plan, error) {
		t.Error("rules ran again")
		return dispatch.Plan{}, nil
	}, dispatch.Options{})
	f.Use([]destination.Spec{r.destination("a")})
	f.waitFor("finished", f.isIdle)
	if r.keys() != 20 {
		t.Errorf("%d keys, want the same 20", r.keys())
	}
}

// TestStalledDestination: a destination that never answers does not delay another one.
func TestStalledDestination(t *testing.T) {
	stop := make(chan struct{})
	stalled := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stop }))
	t.Cleanup(stalled.Close)
	t.Cleanup(func() { close(stop) })
	r := newReceiver(t)
	f := newFixture(t, sendEachTo("stalled", "a"), dispatch.Options{})
	d := r.destination("stalled")
	d.URL = stalled.URL
	f.Use([]destination.Spec{d, r.destination("a")})
	f.acceptEvents("x", 500)
	f.waitFor("the other got all", func() bool { return r.keys() == 500 })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.Close(ctx)
	}()
	select {
	case <-ended:
	case <-time.After(time.Minute): // half of what the stalled one may take
		t.Error("an end at once waits for it")
		<-ended
	}
}

func TestNeverRetried(t *testing.T) {
	r := newReceiver(t)
	r.status.Store(410)
	f := newFixture(t, sendEachTo("a"), dispatch.Options{})
	f.Use([]destination.Spec{r.destination("a")})
	f.acceptEvents("x", 1)
	f.waitFor("dead", func() bool { return len(f.deadLetters()) == 1 })
	if h := f.deadLetters()[0].Steps[0].History; len(h) != 1 || !strings.Contains(h[0].Outcome, "410") {
		t.Errorf("history %+v", h)
	}
}

func TestEnqueue(t *testing.T) {
	r := newReceiver(t)
	f := newFixture(t, sendEachTo(), dispatch.Options{})
	f.Use([]destination.Spec{r.destination("a")})
	p := dispatch.Plan{Revision: "r", Actions: []hook.Action{
		{Rule: "one", To: "a", JSON: []byte(`{"to":"a","body":{"n":1}}`)},
		{Rule: "one", To: "a", JSON: []byte(`{"to":"a","body":{"n":2}}`)},
		{Rule: "two", To: "a", Key: "mine", JSON: []byte(`{"to":"a","key":"mine","body":{"n":3}}`)},
	}}
	for range 2 { // the same call, after a restart: the same keys
		if !f.Enqueue("h", ledger.Key("h", "call"), p) {
			t.Fatal("not sent")
		}
	}
	f.waitFor("arrived", func() bool { return r.keys() == 3 && f.isIdle() })
	if r.came["mine"] != 2 {
		t.Errorf("came: %v", r.came)
	}
}

func TestEnqueueBeforeClose(t *testing.T) {
	f := newFixture(t, sendEachTo(), dispatch.Options{})
	f.Use(nil)
	for i := range 1000 {
		if !f.Enqueue("h", ledger.Key("h", fmt.Sprint(i)), dispatch.Plan{Actions: []hook.Action{{Rule: "r", To: "nowhere", JSON: []byte(`{}`)}}}) {
			t.Fatalf("%d is not taken", i)
		}
	}
	f.Close(context.Background())
	if n := f.ledger.Stats().Steps; n != 1000 {
		t.Errorf("%d of 1000 are in the ledger", n)
	}
	if f.Enqueue("h", ledger.ID{}, dispatch.Plan{Actions: []hook.Action{{To: "a"}}}) {
		t.Error("taken after Close")
	}
}

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "out.jsonl")
	f := newFixture(t, sendEachTo("log"), dispatch.Options{})
	f.Use([]destination.Spec{{Name: "log", Kind: destination.File, File: name}})
	f.acceptEvents("x", 100)
	f.waitFor("finished", f.isIdle)
	text, err := os.ReadFile(name)
	if err != nil || strings.Count(string(text), "\n") != 100 {
		t.Errorf("%d lines, %v", strings.Count(string(text), "\n"), err)
	}
}

func TestMetrics(t *testing.T) {
	r := newReceiver(t)
	f := newFixture(t, sendEachTo("a", "b"), dispatch.Options{})
	f.Use([]destination.Spec{r.destination("a")})
	f.acceptEvents("x", 2)
	f.waitFor("delivered", func() bool { return r.keys() == 2 })
	f.waitFor("counted", func() bool { return readMetrics(t, f)["tenterhook_steps_total a done"] == 2 })
	got := readMetrics(t, f)
	for name, want := range map[string]float64{
		"tenterhook_events_run_total planned": 2, "tenterhook_attempts_total a done": 2,
		"tenterhook_steps_open b": 2, "tenterhook_destination_absent b": 1, "tenterhook_destination_absent a": 0,
	} {
		if v, ok := got[name]; v != want || !ok {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
}

// readMetrics has every counter and gauge, by its name and the values of its labels.
func readMetrics(t *testing.T, f *fixture) map[string]float64 {
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return got
}
