package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// ended is a context that has ended: Claim and Take do not wait.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// clock is a clock that only a test moves.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(1_800_000_000 * int64(time.Second))
	return c
}

func (c *clock) now() time.Time        { return time.Unix(0, c.nanos.Load()) }
func (c *clock) move(by time.Duration) { c.nanos.Add(int64(by)) }

func newOptions(t testing.TB) ledger.Options {
	t.Helper()
	return ledger.Options{Path: filepath.Join(t.TempDir(), "ledger.db"), Step: 1 << 20}
}

func openLedger(t testing.TB, o ledger.Options) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil && !errors.Is(err, ledger.ErrClosed) {
			t.Errorf("close: %v", err)
		}
	})
	return l
}

func reopen(t testing.TB, l *ledger.Ledger, o ledger.Options) *ledger.Ledger {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return openLedger(t, o)
}

// payload is an event of that number; every third is a long one.
func payload(e int) []byte {
	return fmt.Appendf(nil, `{"uuid":"%d","pad":"%s"}`, e, strings.Repeat("x", 900*(1-min(1, e%3))))
}

// delivery is a delivery of that number with events of those numbers.
func delivery(n int, events ...int) ledger.Delivery {
	d := ledger.Delivery{Hook: "audit", ID: ledger.Key("audit", fmt.Sprint("delivery", n))}
	for _, e := range events {
		d.Events = append(d.Events, ledger.Event{ID: ledger.EventKey("audit", fmt.Sprint(e)), Payload: payload(e)})
	}
	return d
}

func accept(t testing.TB, l *ledger.Ledger, d ledger.Delivery) ledger.Receipt {
	t.Helper()
	r, err := l.Accept(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func claim(t testing.TB, l *ledger.Ledger, n int) []ledger.Task {
	t.Helper()
	tasks, err := l.Claim(ended, n)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return tasks
}

func take(t testing.TB, l *ledger.Ledger, destination string, n int) []ledger.Step {
	t.Helper()
	steps, err := l.Take(ended, destination, n)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return steps
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func action(destination, key string) ledger.Action {
	return ledger.Action{Destination: destination, Key: key, Spec: []byte("spec of " + key)}
}

func TestAccept(t *testing.T) {
	o := newOptions(t)
	l := openLedger(t, o)
	if r := accept(t, l, delivery(1, 1, 2, 2)); r.Duplicate || fmt.Sprint(r.New) != "[true true false]" {
		t.Errorf("first: %+v", r)
	}
	for range 2 {
		if r := accept(t, l, delivery(1, 1, 2, 2)); !r.Duplicate || fmt.Sprint(r.New) != "[false false false]" {
			t.Errorf("repeated: %+v", r)
		}
		if r := accept(t, l, delivery(2, 2, 3)); r.Duplicate == r.New[1] || r.New[0] {
			t.Errorf("batched anew: %+v", r)
		}
		l = reopen(t, l, o)
	}
	tasks := claim(t, l, 10)
	if len(tasks) != 3 || !bytes.Equal(tasks[2].Payload, payload(3)) || tasks[0].Hook != "audit" || tasks[0].ID != ledger.EventKey("audit", "1") {
		t.Errorf("claimed %+v", tasks)
	}
}

func TestWork(t *testing.T) {
	o, c := newOptions(t), newClock()
	o.Now = c.now
	l := openLedger(t, o)
	accept(t, l, delivery(1, 1, 2))
	tasks := claim(t, l, 10)
	must(t, l.Plan(t.Context(), tasks[0], "r1", []ledger.Action{action("slack", "k1"), action("siem", "k2"), action("siem", "k3")}))
	must(t, l.Plan(t.Context(), tasks[1], "r1", nil))
	if err := l.Plan(t.Context(), tasks[1], "r1", nil); !errors.Is(err, ledger.ErrGone) {
		t.Errorf("planned twice: %v", err)
	}
	steps := take(t, l, "siem", 10)
	if len(steps) != 2 || steps[0].Key != "k2" || string(steps[1].Spec) != "spec of k3" || steps[0].Revision != "r1" {
		t.Fatalf("took %+v", steps)
	}
	must(t, l.Done(t.Context(), steps[0].ID))
	must(t, l.Retry(t.Context(), steps[1].ID, c.now().Add(time.Minute), "500"))
	if again := take(t, l, "siem", 10); len(again) != 0 {
		t.Errorf("took %+v", again)
	}
	c.move(time.Minute)
	for range 2 { // the second time after a restart
		if again := take(t, l, "siem", 10); len(again) != 1 || again[0].Key != "k3" || again[0].Attempts != 1 {
			t.Errorf("took %+v", again)
		}
		l = reopen(t, l, o)
	}
	steps = take(t, l, "siem", 10)
	must(t, l.Bury(t.Context(), steps[0].ID, "gave up"))
	if err := l.Done(t.Context(), steps[0].ID); !errors.Is(err, ledger.ErrGone) {
		t.Errorf("done after it was buried: %v", err)
	}
	must(t, l.Done(t.Context(), take(t, l, "slack", 1)[0].ID))
	must(t, l.Queue(t.Context(), "signup", ledger.Key("signup", "7"), "r2", []ledger.Action{action("siem", "k9")}))
	l = reopen(t, l, o)
	if s := l.Stats(); s.Unplanned != 0 || s.Steps != 1 || s.Dead != 1 {
		t.Errorf("%+v", s)
	}
	if steps = take(t, l, "siem", 10); len(steps) != 1 || steps[0].Key != "k9" || steps[0].Hook != "signup" {
		t.Errorf("took %+v", steps)
	}
	must(t, l.Done(t.Context(), steps[0].ID))
}

func TestNote(t *testing.T) {
	o := newOptions(t)
	l := openLedger(t, o)
	id := ledger.Key("signup", "1")
	l.Note(id)
	l = reopen(t, l, o)
	if !l.IsKnown(id) || l.IsKnown(ledger.Key("signup", "2")) {
		t.Error("the noted id is not seen, or another is")
	}
}

func TestExpiry(t *testing.T) {
	o, c := newOptions(t), newClock()
	o.Now = c.now
	l := openLedger(t, o)
	accept(t, l, delivery(1, 1))
	must(t, l.Plan(t.Context(), claim(t, l, 1)[0], "r", nil))
	c.move(time.Hour)
	accept(t, l, delivery(2, 2))
	for range 27 {
		c.move(time.Hour)
		accept(t, l, delivery(3))
	}
	accept(t, l, delivery(3)) // the committer has tidied up before
	if s := l.Stats(); s.Expired != 2 || s.Slots != 27 {
		t.Errorf("%+v", s)
	}
	if r := accept(t, l, delivery(2, 1)); r.Duplicate || !r.New[0] {
		t.Errorf("ids of two days ago are known: %+v", r)
	}
	l = reopen(t, l, o)
	if tasks := claim(t, l, 10); len(tasks) != 2 || tasks[0].ID != ledger.EventKey("audit", "2") {
		t.Errorf("claimed %+v", tasks)
	}
}

// TestHooksInTurn shows that the events of a hook are claimed in the order of recording, and wait
// for no other hook's.
func TestHooksInTurn(t *testing.T) {
	l := openLedger(t, newOptions(t))
	for i, hook := range strings.Fields("a a a a a b b c") {
		accept(t, l, ledger.Delivery{Hook: hook, ID: ledger.Key(hook, fmt.Sprint(i)),
			Events: []ledger.Event{{ID: ledger.EventKey(hook, fmt.Sprint(i)), Payload: []byte("{}")}}})
	}
	var got []string
	for _, task := range claim(t, l, 99) {
		got = append(got, task.Hook+string(task.Entry))
	}
	if want := "a1-1 b1-6 c1-8 a1-2 b1-7 a1-3 a1-4 a1-5"; strings.Join(got, " ") != want {
		t.Errorf("claimed %s, want %s", got, want)
	}
}

// TestTakeAny shows that TakeAny returns each due step once, and prefers steps with fewer attempts.
func TestTakeAny(t *testing.T) {
	o, c := newOptions(t), newClock()
	o.Now = c.now
	l := openLedger(t, o)
	const due, later = 64, 8
	actions := make([]ledger.Action, due+later)
	for i := range actions {
		actions[i] = action("siem", fmt.Sprint(i))
	}
	must(t, l.Queue(t.Context(), "inline", ledger.Key("inline", "1"), "r1", actions))
	for _, s := range take(t, l, "siem", due+later) {
		if s.ID.Index < later {
			must(t, l.Retry(t.Context(), s.ID, c.now().Add(time.Hour), "503"))
		} else {
			l.ReleaseStep(s.ID)
		}
	}
	firsts := make(map[int]bool)
	for range 20 {
		s := takeAnyNow(t, l, 1)[0]
		firsts[s.ID.Index] = true
		l.ReleaseStep(s.ID)
	}
	if len(firsts) < 2 {
		t.Error("it is always the same step")
	}
	seen := make(map[int]bool)
	for _, s := range takeAnyNow(t, l, due+later) {
		if s.ID.Index < later || seen[s.ID.Index] {
			t.Errorf("%v is not due, or taken twice", s.ID)
		}
		seen[s.ID.Index] = true
	}
	if len(seen) != due || len(takeAnyNow(t, l, 1)) != 0 {
		t.Errorf("%d of %d were taken", len(seen), due)
	}
}

func takeAnyNow(t testing.TB, l *ledger.Ledger, n int) []ledger.Step {
	t.Helper()
	steps, err := l.TakeAny(ended, "siem", n)
	if err != nil && len(steps) > 0 {
		t.Fatal(err)
	}
	return steps
}
