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
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// TestBadEvent has events that no rules can be run on, among others.
func TestBadEvent(t *testing.T) {
	r := newReceiver(t)
	tell := sendEachTo("a")
	b := newFixture(t, func(c *hook.Call) (dispatch.Plan, error) {
		switch hook.Events(c.Doc.Root()).At(0).Get("uuid").Text() {
		case "panic":
			panic("at the disco")
		case "fail":
			p, _ := tell(c)
			return p, errors.New("the budget ran out")
		}
		return tell(c)
	}, dispatch.Options{})
	b.Use([]rules.Destination{r.destination("a")})
	for i, bad := range []string{`}`, `{}`, `{"data":{"events":[1]}}`,
		`{"data":{"events":[{"uuid":"panic"}]}}`, `{"data":{"events":[{"uuid":"fail"}]}}`} {
		b.acceptPayload(bad, bad)
		b.acceptEvents(fmt.Sprint("good-", i), 1)
	}
	b.waitFor("finished", b.isIdle)
	if r.keys() != 6 { // of the one that failed, what it wanted is done
		t.Errorf("%d of 6 arrived", r.keys())
	}
	dead := b.deadLetters()
	if len(dead) != 5 {
		t.Fatalf("%d dead letters, want 5", len(dead))
	}
	for _, e := range dead {
		if e.Steps[0].Destination != "(rules)" || len(e.Steps[0].History) == 0 || e.Steps[0].History[0].Outcome == "" {
			t.Errorf("dead letter without a reason: %+v", e)
		}
	}
}

// TestRedrive gives an event whose rules could not be run another try when they can.
func TestRedrive(t *testing.T) {
	r := newReceiver(t)
	var mended atomic.Bool
	tell := sendEachTo("a")
	b := newFixture(t, func(c *hook.Call) (dispatch.Plan, error) {
		if !mended.Load() {
			return dispatch.Plan{}, errors.New("out of order")
		}
		return tell(c)
	}, dispatch.Options{})
	b.Use([]rules.Destination{r.destination("a")})
	b.acceptEvents("x", 3)
	b.waitFor("given up", func() bool { return len(b.deadLetters()) == 3 })
	mended.Store(true)
	if n, err := b.ledger.Redrive(context.Background(), ledger.Filter{State: ledger.Dead}); n != 3 || err != nil {
		t.Fatalf("redriven %d, %v", n, err)
	}
	b.waitFor("arrived", func() bool { return r.keys() == 3 && b.isIdle() })
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
		b := newFixture(t, decide, dispatch.Options{})
		b.Use([]rules.Destination{r.destination("a")})
		b.acceptEvents("x", 1)
		b.waitFor("waits", func() bool { return b.ledger.Stats().Steps == 1 })
		back.Store(true)
		b.Use([]rules.Destination{r.destination("a")})
		b.waitFor("arrived", func() bool { return r.keys() == 1 && b.isIdle() })
	})
	t.Run("Never", func(t *testing.T) {
		back.Store(false)
		b := newFixture(t, decide, dispatch.Options{Grace: time.Millisecond})
		b.Use(nil)
		b.acceptEvents("x", 1)
		b.waitFor("given up", func() bool { return b.isIdle() && len(b.deadLetters()) == 1 })
	})
}

func TestDestinationRemoved(t *testing.T) {
	t.Run("Back", func(t *testing.T) {
		r := newReceiver(t)
		b := newFixture(t, sendEachTo("a"), dispatch.Options{})
		b.Use(nil)
		b.acceptEvents("x", 30)
		b.waitFor("waits", func() bool {
			page, _ := b.ledger.List(ledger.Filter{}, "", 100)
			told := 0
			for _, e := range page.Entries {
				if len(e.Steps) == 1 && len(e.Steps[0].History) > 0 {
					told++
				}
			}
			return told == 30
		})
		if d := b.Destinations(); len(d) != 1 || !d[0].Absent || d[0].Open != 30 {
			t.Errorf("got %+v", d)
		}
		b.Use([]rules.Destination{r.destination("a")})
		b.waitFor("arrived", func() bool { return r.keys() == 30 && b.isIdle() })
	})
	t.Run("Never", func(t *testing.T) {
		b := newFixture(t, sendEachTo("a"), dispatch.Options{Grace: time.Millisecond})
		b.Use(nil)
		b.acceptEvents("x", 30)
		b.waitFor("given up", func() bool { return b.isIdle() && len(b.deadLetters()) == 30 })
	})
}

func TestMoved(t *testing.T) {
	old, next := newReceiver(t), newReceiver(t)
	old.status.Store(500)
	b := newFixture(t, sendEachTo("a"), dispatch.Options{})
	b.Use([]rules.Destination{old.destination("a")})
	b.acceptEvents("x", 10)
	b.waitFor("tried", func() bool { return old.keys() == 10 })
	b.Use([]rules.Destination{next.destination("a")})
	b.waitFor("arrived", func() bool { return next.keys() == 10 && b.isIdle() })
	for key := range next.came {
		if old.came[key] == 0 {
			t.Errorf("key %s is new", key)
		}
	}
}

// TestFailingRules has rules that fail beside one that does not. What is planned once is never planned again, whatever the rerun
// comes to, and what is left at the end is one dead letter that says why.
func TestFailingRules(t *testing.T) {
	r := newReceiver(t)
	var mended atomic.Int64
	b := newFixture(t, func(c *hook.Call) (p dispatch.Plan, err error) {
		for i, name := range []string{"good", "bad", "worse"} {
			if int64(i) > mended.Load() {
				return p, fmt.Errorf("rule %q failed: value", name)
			}
			p.Actions = append(p.Actions, dispatch.Action{Rule: name, To: "a", JSON: []byte(`{"to":"a","body":1}`)})
		}
		return p, nil
	}, dispatch.Options{})
	b.Use([]rules.Destination{r.destination("a")})
	b.acceptEvents("x", 1)
	for i, name := range []string{"bad", "worse"} {
		b.waitFor("given up", func() bool { return len(b.deadLetters()) == 1 && b.isIdle() })
		if e := b.deadLetters()[0]; e.Hook != "h" || e.Steps[0].History[0].Outcome != fmt.Sprintf("rule %q failed: value", name) {
			t.Errorf("dead letter %+v", e)
		}
		if r.keys() != i+1 || len(r.bodies) != i+1 {
			t.Errorf("%d keys, %d deliveries, want %d of both", r.keys(), len(r.bodies), i+1)
		}
		b.redrive(1) // in vain
		b.waitFor("given up again", func() bool { return len(b.deadLetters()) == 1 && b.isIdle() })
		mended.Add(1)
		b.redrive(1)
	}
	b.waitFor("all arrived", func() bool { return r.keys() == 3 && b.isIdle() })
	if len(r.bodies) != 3 || len(b.deadLetters()) != 0 {
		t.Errorf("%d deliveries, %d dead letters", len(r.bodies), len(b.deadLetters()))
	}
}

func (b *fixture) redrive(n int) {
	b.t.Helper()
	if got, err := b.ledger.Redrive(context.Background(), ledger.Filter{State: ledger.Dead}); got != n || err != nil {
		b.t.Fatalf("redriven %d, %v, want %d", got, err, n)
	}
}

// TestTooLargeToPlan has rules that ask for more than the ledger keeps of one event: that is given up at once, for it never fits.
func TestTooLargeToPlan(t *testing.T) {
	r := newReceiver(t)
	var ran atomic.Int64
	large := []byte(`{"to":"a","body":"` + strings.Repeat("x", 6<<20) + `"}`)
	b := newFixture(t, func(*hook.Call) (p dispatch.Plan, err error) {
		ran.Add(1)
		for range 3 {
			p.Actions = append(p.Actions, dispatch.Action{Rule: "many", To: "a", JSON: large})
		}
		return p, nil
	}, dispatch.Options{})
	b.Use([]rules.Destination{r.destination("a")})
	b.acceptEvents("x", 1)
	b.waitFor("given up", func() bool { return len(b.deadLetters()) == 1 && b.isIdle() })
	if reason := b.deadLetters()[0].Steps[0].History[0].Outcome; !strings.Contains(reason, ledger.ErrLarge.Error()) {
		t.Errorf("reason %q", reason)
	}
	if ran.Load() != 2 || r.keys() != 0 {
		t.Errorf("the rules ran %d times, %d deliveries", ran.Load(), r.keys())
	}
}
