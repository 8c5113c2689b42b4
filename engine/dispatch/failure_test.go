package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/dispatch"
	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/rules/destination"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// TestBadEvent: events that rules cannot run on do not disturb the others.
func TestBadEvent(t *testing.T) {
	r := newReceiver(t)
	tell := sendEachTo("a")
	f := newFixture(t, func(c *hook.Call) (dispatch.Plan, error) {
		switch hook.Events(c.Doc.Root()).At(0).Get("uuid").Text() {
		case "panic":
			panic("at the disco")
		case "fail":
			p, _ := tell(c)
			return p, errors.New("the budget ran out")
		}
		return tell(c)
	}, dispatch.Options{})
	f.Use([]destination.Spec{r.destination("a")})
	for i, bad := range []string{`}`, `{}`, `{"data":{"events":[1]}}`,
		`{"data":{"events":[{"uuid":"panic"}]}}`, `{"data":{"events":[{"uuid":"fail"}]}}`} {
		f.acceptPayload(bad, bad)
		f.acceptEvents(fmt.Sprint("good-", i), 1)
	}
	f.waitFor("finished", f.isIdle)
	if r.keys() != 6 { // including the actions that the failed event had planned
		t.Errorf("%d of 6 arrived", r.keys())
	}
	dead := f.deadLetters()
	if len(dead) != 5 {
		t.Fatalf("%d dead letters, want 5", len(dead))
	}
	for _, e := range dead {
		if e.Steps[0].Destination != "(rules)" || len(e.Steps[0].History) == 0 || e.Steps[0].History[0].Outcome == "" {
			t.Errorf("dead letter without a reason: %+v", e)
		}
	}
}

// TestRedrive: an event whose rules failed runs them again after a redrive.
func TestRedrive(t *testing.T) {
	r := newReceiver(t)
	var mended atomic.Bool
	tell := sendEachTo("a")
	f := newFixture(t, func(c *hook.Call) (dispatch.Plan, error) {
		if !mended.Load() {
			return dispatch.Plan{}, errors.New("out of order")
		}
		return tell(c)
	}, dispatch.Options{})
	f.Use([]destination.Spec{r.destination("a")})
	f.acceptEvents("x", 3)
	f.waitFor("given up", func() bool { return len(f.deadLetters()) == 3 })
	mended.Store(true)
	if n, err := f.ledger.Redrive(context.Background(), ledger.Filter{State: ledger.Dead}); n != 3 || err != nil {
		t.Fatalf("redriven %d, %v", n, err)
	}
	f.waitFor("arrived", func() bool { return r.keys() == 3 && f.isIdle() })
}

func TestHookRemoved(t *testing.T) {
	r := newReceiver(t)
	tell := sendEachTo("a")
	var back atomic.Bool
	decide := func(c *hook.Call) (dispatch.Plan, error) {
		if !back.Load() {
			return dispatch.Plan{}, dispatch.ErrNoHook
		}
		return tell(c)
	}
	t.Run("Back", func(t *testing.T) {
		f := newFixture(t, decide, dispatch.Options{})
		f.Use([]destination.Spec{r.destination("a")})
		f.acceptEvents("x", 1)
		f.waitFor("waits", func() bool { return f.ledger.Stats().Steps == 1 })
		back.Store(true)
		f.Use([]destination.Spec{r.destination("a")})
		f.waitFor("arrived", func() bool { return r.keys() == 1 && f.isIdle() })
	})
	t.Run("Never", func(t *testing.T) {
		back.Store(false)
		f := newFixture(t, decide, dispatch.Options{Grace: time.Millisecond})
		f.Use(nil)
		f.acceptEvents("x", 1)
		f.waitFor("given up", func() bool { return f.isIdle() && len(f.deadLetters()) == 1 })
	})
}

func TestDestinationRemoved(t *testing.T) {
	t.Run("Back", func(t *testing.T) {
		r := newReceiver(t)
		f := newFixture(t, sendEachTo("a"), dispatch.Options{})
		f.Use(nil)
		f.acceptEvents("x", 30)
		f.waitFor("waits", func() bool {
			page, _ := f.ledger.List(ledger.Filter{}, "", 100)
			told := 0
			for _, e := range page.Entries {
				if len(e.Steps) == 1 && len(e.Steps[0].History) > 0 {
					told++
				}
			}
			return told == 30
		})
		if d := f.Destinations(); len(d) != 1 || !d[0].Absent || d[0].Open != 30 {
			t.Errorf("got %+v", d)
		}
		f.Use([]destination.Spec{r.destination("a")})
		f.waitFor("arrived", func() bool { return r.keys() == 30 && f.isIdle() })
	})
	t.Run("Never", func(t *testing.T) {
		f := newFixture(t, sendEachTo("a"), dispatch.Options{Grace: time.Millisecond})
		f.Use(nil)
		f.acceptEvents("x", 30)
		f.waitFor("given up", func() bool { return f.isIdle() && len(f.deadLetters()) == 30 })
	})
}

func TestMoved(t *testing.T) {
	old, next := newReceiver(t), newReceiver(t)
	old.status.Store(500)
	f := newFixture(t, sendEachTo("a"), dispatch.Options{})
	f.Use([]destination.Spec{old.destination("a")})
	f.acceptEvents("x", 10)
	f.waitFor("tried", func() bool { return old.keys() == 10 })
	f.Use([]destination.Spec{next.destination("a")})
	f.waitFor("arrived", func() bool { return next.keys() == 10 && f.isIdle() })
	for key := range next.came {
		if old.came[key] == 0 {
			t.Errorf("key %s is new", key)
		}
	}
}

// TestFailingRules: rules fail beside one that succeeds. Its actions are planned once, whatever the
// reruns return, and one dead letter with the reason remains.
func TestFailingRules(t *testing.T) {
	r := newReceiver(t)
	var mended atomic.Int64
	f := newFixture(t, func(c *hook.Call) (p dispatch.Plan, err error) {
		for i, name := range []string{"good", "bad", "worse"} {
			if int64(i) > mended.Load() {
				return p, fmt.Errorf("rule %q failed: value", name)
			}
			p.Actions = append(p.Actions, hook.Action{Rule: name, To: "a", JSON: []byte(`{"to":"a","body":1}`)})
		}
		return p, nil
	}, dispatch.Options{})
	f.Use([]destination.Spec{r.destination("a")})
	f.acceptEvents("x", 1)
	for i, name := range []string{"bad", "worse"} {
		f.waitFor("given up", func() bool { return len(f.deadLetters()) == 1 && f.isIdle() })
		if e := f.deadLetters()[0]; e.Hook != "h" || e.Steps[0].History[0].Outcome != fmt.Sprintf("rule %q failed: value", name) {
			t.Errorf("dead letter %+v", e)
		}
		if r.keys() != i+1 || len(r.bodies) != i+1 {
			t.Errorf("%d keys, %d deliveries, want %d of both", r.keys(), len(r.bodies), i+1)
		}
		f.redrive(1) // in vain
		f.waitFor("given up again", func() bool { return len(f.deadLetters()) == 1 && f.isIdle() })
		mended.Add(1)
		f.redrive(1)
	}
	f.waitFor("all arrived", func() bool { return r.keys() == 3 && f.isIdle() })
	if len(r.bodies) != 3 || len(f.deadLetters()) != 0 {
		t.Errorf("%d deliveries, %d dead letters", len(r.bodies), len(f.deadLetters()))
	}
}

func (f *fixture) redrive(n int) {
	f.t.Helper()
	if got, err := f.ledger.Redrive(context.Background(), ledger.Filter{State: ledger.Dead}); got != n || err != nil {
		f.t.Fatalf("redriven %d, %v, want %d", got, err, n)
	}
}

// TestTooLargeToPlan: a plan over the ledger's limit for one event becomes a dead letter at once.
func TestTooLargeToPlan(t *testing.T) {
	r := newReceiver(t)
	var ran atomic.Int64
	large := []byte(`{"to":"a","body":"` + strings.Repeat("x", 6<<20) + `"}`)
	f := newFixture(t, func(*hook.Call) (p dispatch.Plan, err error) {
		ran.Add(1)
		for range 3 {
			p.Actions = append(p.Actions, hook.Action{Rule: "many", To: "a", JSON: large})
		}
		return p, nil
	}, dispatch.Options{})
	f.Use([]destination.Spec{r.destination("a")})
	f.acceptEvents("x", 1)
	f.waitFor("given up", func() bool { return len(f.deadLetters()) == 1 && f.isIdle() })
	if reason := f.deadLetters()[0].Steps[0].History[0].Outcome; !strings.Contains(reason, ledger.ErrLarge.Error()) {
		t.Errorf("reason %q", reason)
	}
	if ran.Load() != 2 || r.keys() != 0 {
		t.Errorf("the rules ran %d times, %d deliveries", ran.Load(), r.keys())
	}
}
