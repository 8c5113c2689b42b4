package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// newLedgerEngine is an Engine over a ledger of its own.
func newLedgerEngine(t testing.TB, policy string) (*Engine, *ledger.Ledger) {
	t.Helper()
	l, err := ledger.Open(ledger.Options{Path: filepath.Join(t.TempDir(), "ledger"), Step: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(Options{Log: slog.New(slog.DiscardHandler), Ledger: l})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.Close()
		l.Close()
	})
	if policy != "" {
		e.Swap(mustLoad(t, policy))
	}
	return e, l
}

// newDelivery is a call of the hook events.
func newDelivery(t testing.TB, text string) *hook.Call {
	t.Helper()
	d := new(jsondoc.Doc)
	if err := d.Parse([]byte(text), jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	return &hook.Call{Hook: "events", Type: hook.EventHook, ID: d.Root().Get("eventId").Text(), Doc: d}
}

func envelope(id string, events ...string) string {
	return fmt.Sprintf(`{"eventType":"com.okta.event_hook","eventId":%q,"data":{"events":[%s]},"x":1}`, id, strings.Join(events, ", "))
}

func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never %s", what)
		}
	}
}

const eventPolicy = `tenterhook: 1
destinations:
  log: {file: FILE}
hooks:
  - name: events
    type: event
    auth: none
    rules:
      - name: tell
        on: user.session.start
        send: {to: log, body: {id: "${event.uuid}"}}
`

func TestAccept(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	e, l := newLedgerEngine(t, strings.Replace(eventPolicy, "FILE", out, 1))
	start := func(id string) string { return fmt.Sprintf(`{"uuid":%q,"eventType":"user.session.start"}`, id) }
	for _, text := range []string{
		envelope("d1", start("a"), start("b")),
		envelope("d1", start("a"), start("b")), // Okta's retry
		envelope("d2", start("b"), start("c")), // batched anew
		envelope("d2", start("c"), start("g")), // the specification does not exclude it
		envelope("d3", `7`, `null`, start("d")),
		envelope("", start("e")),
		envelope("", start("e"), start("f")),
		envelope("d4", `{"eventType":"user.session.start","n":1}`, `{"eventType":"user.session.start","n":2}`),
		envelope("d5"),
	} {
		if err := e.Accept(newDelivery(t, text)); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	waitFor(t, "finished", func() bool { s := l.Stats(); return s.Unplanned == 0 && s.Steps == 0 })
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for line := range strings.Lines(string(text)) {
		var v struct{ ID string }
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, v.ID)
	}
	slices.Sort(ids)
	if got := strings.Join(ids, ","); got != ",,a,b,c,d,e,f,g" {
		t.Errorf("sent for %s", got)
	}
	if s := l.Stats(); s.Dead != 2 {
		t.Errorf("%d dead letters, want those of what is no event", s.Dead)
	}
	if s := e.Status().Hooks[0]; s.Calls["recorded"] != 9 || s.Repeats != 1 {
		t.Errorf("%+v", s)
	}
}

// TestAcceptUnsplit: a delivery whose events cannot be found is kept whole, and only once.
func TestAcceptUnsplit(t *testing.T) {
	e, l := newLedgerEngine(t, strings.Replace(eventPolicy, "FILE", "/nowhere/out", 1))
	many := slices.Repeat([]string{"{}"}, maxEvents+1)
	for i, tt := range []struct{ name, text string }{
		{"NoData", `{"eventId":"d"}`},
		{"NoList", `{"data":{"events":{}}}`},
		{"TooMany", envelope("d", many...)},
		{"TooLarge", strings.Replace(envelope("d", many[:100]...), `"x":1`, `"x":"`+strings.Repeat("x", 200<<10)+`"`, 1)},
	} {
		for range 2 {
			if err := e.Accept(newDelivery(t, tt.text)); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
		if n := l.Stats().Accepted; n != uint64(i+1) {
			t.Errorf("%s: %d events recorded", tt.name, n)
		}
	}
	for end := time.Now().Add(time.Minute); l.Stats().Dead < 4; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d dead letters, want 4", l.Stats().Dead)
		}
	}
}

func TestAcceptRefuses(t *testing.T) {
	e, l := newLedgerEngine(t, strings.Replace(eventPolicy, "FILE", "/nowhere/out", 1))
	c := newDelivery(t, envelope("late", "{}"))
	c.Start = time.Now().Add(-time.Hour)
	if err := e.Accept(c); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("late: %v", err)
	}
	if _, err := e.Answer(c); !errors.Is(err, ErrEvents) {
		t.Errorf("answer: %v", err)
	}
	if err := e.Accept(newCall(t, "x", "x")); !errors.Is(err, ErrNoHook) {
		t.Errorf("another hook: %v", err)
	}
	l.Close()
	if err := e.Accept(newDelivery(t, envelope("d", "{}"))); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	bare := newEngine(t, Options{})
	bare.Swap(mustLoad(t, strings.Replace(eventPolicy, "FILE", "/nowhere/out", 1)))
	if err := bare.Accept(newDelivery(t, envelope("d", "{}"))); !errors.Is(err, ErrNoLedger) {
		t.Errorf("without a ledger: %v", err)
	}
}

// TestAfterAnswer: after the answer, the ledger has the id of an inline call and the actions of
// a rule that denies.
func TestAfterAnswer(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	e, l := newLedgerEngine(t, `tenterhook: 1
destinations:
  log: {file: `+out+`}
hooks:
  - name: hook-a
    type: registration
    auth: none
    rules:
      - name: refuse
        deny: "no"
        send: {to: log}
`)
	for range 2 { // the repeat sends nothing
		r, err := e.Answer(newCall(t, "c1", "ann@example.com"))
		if err != nil || r.Outcome != Denied {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	waitFor(t, "sent", func() bool {
		text, _ := os.ReadFile(out)
		return strings.Count(string(text), "\n") == 1 && l.Stats().Steps == 0
	})
	waitFor(t, "noted", func() bool { return l.IsKnown(ledger.Key("hook-a", "c1")) })
	if n := l.Stats().Noted; n != 1 {
		t.Errorf("%d ids noted", n)
	}
}

func BenchmarkNote(b *testing.B) {
	for _, with := range []bool{false, true} {
		b.Run(fmt.Sprintf("ledger=%v", with), func(b *testing.B) {
			text := policy("registration", "deny")
			var e *Engine
			if with {
				e, _ = newLedgerEngine(b, text)
			} else {
				e, _ = New(Options{Log: slog.New(slog.DiscardHandler)})
				defer e.Close()
				e.Swap(mustLoad(b, text))
			}
			c := newCall(b, "x", "ann@example.com")
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				c.ID, c.Start, c.Deadline = fmt.Sprintf("e-%d", i), time.Time{}, time.Time{}
				if _, err := e.Answer(c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAccept makes deliveries of one event of 1.5 KB durable, with several concurrent callers.
func BenchmarkAccept(b *testing.B) {
	text := strings.Replace(eventPolicy, "FILE", filepath.Join(b.TempDir(), "out"), 1)
	body := fmt.Sprintf(`{"uuid":"%%d","eventType":"user.session.end","x":%q}`, strings.Repeat("x", 1400))
	for _, callers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			e, _ := newLedgerEngine(b, text)
			var n atomic.Int64
			b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					id := n.Add(1)
					if err := e.Accept(newDelivery(b, envelope(fmt.Sprint("d", id), fmt.Sprintf(body, id)))); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// TestFailedRule: a rule that fails on an event leaves a dead letter that names the rule, and does
// not affect the other rules' actions.
func TestFailedRule(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	e, l := newLedgerEngine(t, strings.Replace(eventPolicy, "FILE", out, 1)+`      - name: count
        send: {to: log, body: {n: "${event.debugContext.debugData.n + 1}"}}
      - name: last
        send: {to: log, body: 1}
`)
	if err := e.Accept(newDelivery(t, envelope("d1", `{"uuid":"a","eventType":"user.session.start","debugContext":{"debugData":{"n":"x"}}}`))); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "finished", func() bool { s := l.Stats(); return s.Unplanned == 0 && s.Steps == 0 && s.Dead == 1 })
	page, err := l.List(ledger.Filter{State: ledger.Dead}, "dead-0", 10)
	if err != nil || len(page.Entries) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	if d := page.Entries[0]; d.Hook != "events" || d.Steps[0].History[0].Outcome != `rule "count" failed: value` {
		t.Errorf("%+v", d)
	}
	text, _ := os.ReadFile(out)
	if strings.Count(string(text), "\n") != 2 {
		t.Errorf("sent %s", text)
	}
}
