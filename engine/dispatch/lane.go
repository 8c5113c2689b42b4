package dispatch

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/engine/outlet"
)

// lane carries the steps of one destination. Its run is the only one that takes them, and waits for no other lane.
type lane struct {
	d     *Dispatch
	name  string
	tally tally

	mu    sync.Mutex // guards what follows
	spec  *outlet.Spec
	fresh bool               // spec is not in use yet
	poke  context.CancelFunc // ends what run waits for
	until time.Time          // nothing is taken before
	wary  bool               // it has rested: one step at a time, until one is done
	shy   time.Time          // it has rested lately: until then steps are taken in no order

	// Changed by run alone, and only while no step is under way; outlet is changed under mu, for those who look.
	outlet *outlet.Outlet // nil: there is no such destination
	used   bool
	places places
	under  sync.WaitGroup // steps
}

func newLane(d *Dispatch, name string) *lane {
	return &lane{d: d, name: name, places: make(places, 4)}
}

// change says what the destination is from now on; nil: there is none.
func (l *lane) change(s *outlet.Spec) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spec, l.fresh, l.until = s, true, time.Time{}
	if l.poke != nil {
		l.poke()
	}
}

// rest takes nothing for a while.
func (l *lane) rest(t time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(t); until.After(l.until) {
		l.until = until
	}
}

// trust says whether the destination takes steps as fast as it can, as far as anybody knows.
func (l *lane) trust(yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wary && yes {
		l.shy = time.Now().Add(time.Minute)
	}
	l.wary = !yes
}

// take takes steps in their order; for a while after a rest in none, because it may be the first in line that the destination fails at,
// and each of them would bring about the next rest.
func (l *lane) take(ctx context.Context, n int) ([]ledger.Step, error) {
	l.mu.Lock()
	shy := l.wary || time.Now().Before(l.shy)
	l.mu.Unlock()
	if shy {
		return l.d.o.Ledger.TakeAny(ctx, l.name, n)
	}
	return l.d.o.Ledger.Take(ctx, l.name, n)
}

func (l *lane) run() {
	for l.d.ctx.Err() == nil {
		l.renew()
		ctx := l.waiting()
		if !l.rested(ctx) {
			continue
		}
		n := l.places.enter(ctx, l.most())
		if n == 0 {
			continue
		}
		steps, err := l.take(ctx, n)
		l.places.leave(n - len(steps))
		for _, s := range steps {
			l.under.Go(func() {
				defer l.places.leave(1)
				l.settle(s, l.carry(s))
			})
		}
		if l.d.stopped(err) {
			break
		}
		if err != nil && ctx.Err() == nil {
			l.d.log.Error("take steps", "destination", l.name, "error", err)
			l.rest(time.Second)
		}
	}
	l.under.Wait()
	l.close()
}

// most is how many steps may be taken at one time. A destination that has rested lets one attempt through to find out.
func (l *lane) most() int {
	l.mu.Lock()
	wary := l.wary
	l.mu.Unlock()
	if !wary {
		return cap(l.places)
	}
	l.under.Wait()
	return 1
}

// waiting is a context that ends when the destination changes, or no more work is to be begun.
func (l *lane) waiting() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.poke != nil {
		l.poke()
	}
	ctx, cancel := context.WithCancel(l.d.ctx)
	l.poke = cancel
	if l.fresh {
		cancel()
	}
	return ctx
}

// rested waits until something may be taken.
func (l *lane) rested(ctx context.Context) bool {
	for {
		l.mu.Lock()
		wait := time.Until(l.until)
		l.mu.Unlock()
		if wait <= 0 {
			return ctx.Err() == nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
}

// renew opens the destination anew when it was changed, behind the last attempt at what it was before.
func (l *lane) renew() {
	l.mu.Lock()
	spec, fresh := l.spec, l.fresh
	l.fresh = false
	l.mu.Unlock()
	if !fresh {
		return
	}
	was := l.outlet == nil && l.used // there was none, or it is the rules' lane
	if l.used = true; was && (spec != nil || l.name == rulesLane) {
		l.d.all.Go(l.hurry)
	}
	if l.name == rulesLane {
		return
	}
	l.under.Wait()
	l.close()
	var out *outlet.Outlet
	if spec != nil {
		var err error
		if out, err = outlet.Open(map[string]outlet.Spec{l.name: *spec}, l.d.o.Outlet); err != nil {
			l.d.log.Error("open a destination", "destination", l.name, "error", err) // such a Set should not have come this far
		}
	}
	l.places = make(places, 4)
	if out != nil {
		l.places = make(places, max(1, out.Concurrency(l.name)))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outlet, l.until = out, time.Time{} // what the last attempts at the old one said of its rest is over with it
}

func (l *lane) close() {
	if l.outlet == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := l.outlet.Close(ctx); err != nil {
		l.d.log.Warn("close a destination", "destination", l.name, "error", err)
	}
}

// carry makes one attempt at a step.
func (l *lane) carry(s ledger.Step) (o outcome) {
	defer func() {
		if r := recover(); r != nil {
			l.d.log.Error("a panic was caught: this is a bug", "destination", l.name, "panic", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			o = outcome{kind: retry, reason: errBug.Error(), after: time.Minute}
			if s.Attempts >= 3 {
				o.kind = bury
			}
		}
	}()
	switch {
	case l.name == rulesLane:
		if !l.d.turns.enter(l.d.ctx, s.Hook) {
			return outcome{kind: giveBack}
		}
		defer l.d.turns.leave()
		return l.d.retrace(s)
	case l.outlet == nil:
		return l.orphan(s)
	}
	step, err := outward(s)
	if err != nil {
		return outcome{kind: bury, reason: brief(err)}
	}
	r := l.outlet.Deliver(l.d.hard, step)
	l.tally.tried(r)
	return l.judge(step, r)
}

// judge says what follows from a result.
func (l *lane) judge(s outlet.Step, r outlet.Result) outcome {
	switch {
	case r.Kind == outlet.Done:
		l.trust(true)
		return outcome{kind: done}
	case r.Kind == outlet.Never:
		return outcome{kind: bury, reason: brief(r.Err)}
	case l.d.hard.Err() != nil:
		return outcome{kind: giveBack} // it is tried again when the program runs again
	case !r.Attempted:
		l.trust(false)
		l.rest(max(r.After, 10*time.Millisecond))
		return outcome{kind: giveBack}
	}
	return outcome{kind: retry, reason: brief(r.Err), after: max(r.After, l.outlet.Backoff(l.name, s.Attempt))}
}

// orphan is what becomes of a step whose destination is not in the live Set: it waits, with the reason in its history, for Grace.
func (l *lane) orphan(s ledger.Step) outcome {
	const reason = "the policy has no such destination"
	if time.Since(s.Received) >= l.d.o.Grace {
		return outcome{kind: bury, reason: reason}
	}
	return outcome{kind: retry, reason: reason, after: patience(s.Attempts)}
}

// patience is how long a step waits for its destination, or its hook, to come back before it is looked at again.
func patience(attempts int) time.Duration {
	return min(time.Second<<min(attempts, 10), 5*time.Minute)
}

// hurry makes due what waits for its destination, or its hook, now that the policy has changed.
func (l *lane) hurry() {
	if l.d.o.Ledger.Destinations()[l.name] == 0 {
		return
	}
	_, err := l.d.o.Ledger.Redrive(l.d.ctx, ledger.Filter{State: ledger.Waiting, Destination: l.name})
	if err != nil && l.d.ctx.Err() == nil && !l.d.stopped(err) {
		l.d.log.Error("make steps due", "destination", l.name, "error", err)
	}
}
