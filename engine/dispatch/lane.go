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
	stats tally

	mu           sync.Mutex // guards what follows
	spec         *outlet.Spec
	changed      bool               // spec is not in use yet
	cancelWait   context.CancelFunc // ends what run waits for
	pausedUntil  time.Time          // nothing is taken before
	probing      bool               // it has rested: one step at a time, until one is done
	shuffleUntil time.Time          // it has rested lately: until then steps are taken in no order

	// Changed by run alone, and only while no step is under way; outlet is changed under mu, for those who look.
	outlet   *outlet.Outlet // nil: there is no such destination
	opened   bool
	slots    slots
	inFlight sync.WaitGroup // steps
}

func newLane(d *Dispatch, name string) *lane {
	return &lane{d: d, name: name, slots: make(slots, 4)}
}

// setSpec says what the destination is from now on; nil: there is none.
func (l *lane) setSpec(s *outlet.Spec) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spec, l.changed, l.pausedUntil = s, true, time.Time{}
	if l.cancelWait != nil {
		l.cancelWait()
	}
}

// pauseFor takes nothing for a while.
func (l *lane) pauseFor(t time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(t); until.After(l.pausedUntil) {
		l.pausedUntil = until
	}
}

// setHealthy says whether the destination takes steps as fast as it can, as far as anybody knows.
func (l *lane) setHealthy(yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.probing && yes {
		l.shuffleUntil = time.Now().Add(time.Minute)
	}
	l.probing = !yes
}

// takeSteps takes steps in their order; for a while after a rest in none, because it may be the first in line that the destination fails at,
// and each of them would bring about the next rest.
func (l *lane) takeSteps(ctx context.Context, n int) ([]ledger.Step, error) {
	l.mu.Lock()
	shy := l.probing || time.Now().Before(l.shuffleUntil)
	l.mu.Unlock()
	if shy {
		return l.d.o.Ledger.TakeAny(ctx, l.name, n)
	}
	return l.d.o.Ledger.Take(ctx, l.name, n)
}

func (l *lane) run() {
	for l.d.startCtx.Err() == nil {
		l.reopen()
		ctx := l.newWaitContext()
		if !l.waitPause(ctx) {
			continue
		}
		n := l.slots.acquire(ctx, l.maxSteps())
		if n == 0 {
			continue
		}
		steps, err := l.takeSteps(ctx, n)
		l.slots.release(n - len(steps))
		for _, s := range steps {
			l.inFlight.Go(func() {
				defer l.slots.release(1)
				l.record(s, l.attempt(s))
			})
		}
		if l.d.isLedgerStopped(err) {
			break
		}
		if err != nil && ctx.Err() == nil {
			l.d.log.Error("take steps", "destination", l.name, "error", err)
			l.pauseFor(time.Second)
		}
	}
	l.inFlight.Wait()
	l.close()
}

// maxSteps is how many steps may be taken at one time. A destination that has rested lets one attempt through to find out.
func (l *lane) maxSteps() int {
	l.mu.Lock()
	wary := l.probing
	l.mu.Unlock()
	if !wary {
		return cap(l.slots)
	}
	l.inFlight.Wait()
	return 1
}

// newWaitContext is a context that ends when the destination changes, or no more work is to be begun.
func (l *lane) newWaitContext() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancelWait != nil {
		l.cancelWait()
	}
	ctx, cancel := context.WithCancel(l.d.startCtx)
	l.cancelWait = cancel
	if l.changed {
		cancel()
	}
	return ctx
}

// waitPause waits until something may be taken.
func (l *lane) waitPause(ctx context.Context) bool {
	for {
		l.mu.Lock()
		wait := time.Until(l.pausedUntil)
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

// reopen opens the destination anew when it was changed, behind the last attempt at what it was before.
func (l *lane) reopen() {
	l.mu.Lock()
	spec, fresh := l.spec, l.changed
	l.changed = false
	l.mu.Unlock()
	if !fresh {
		return
	}
	was := l.outlet == nil && l.opened // there was none, or it is the rules' lane
	if l.opened = true; was && (spec != nil || l.name == rulesLane) {
		l.d.goroutines.Go(l.makeDue)
	}
	if l.name == rulesLane {
		return
	}
	l.inFlight.Wait()
	l.close()
	var out *outlet.Outlet
	if spec != nil {
		var err error
		if out, err = outlet.Open(map[string]outlet.Spec{l.name: *spec}, l.d.o.Outlet); err != nil {
			l.d.log.Error("open a destination", "destination", l.name, "error", err) // such a Set should not have come this far
		}
	}
	l.slots = make(slots, 4)
	if out != nil {
		l.slots = make(slots, max(1, out.Concurrency(l.name)))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outlet, l.pausedUntil = out, time.Time{} // what the last attempts at the old one said of its rest is over with it
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

// attempt makes one attempt at a step.
func (l *lane) attempt(s ledger.Step) (o outcome) {
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
		if !l.d.turns.enter(l.d.startCtx, s.Hook) {
			return outcome{kind: release}
		}
		defer l.d.turns.leave()
		return l.d.rerunRules(s)
	case l.outlet == nil:
		return l.retryUnknown(s)
	}
	step, err := outletStep(s)
	if err != nil {
		return outcome{kind: bury, reason: shortReason(err)}
	}
	r := l.outlet.Deliver(l.d.workCtx, step)
	l.stats.tried(r)
	return l.outcomeOf(step, r)
}

// outcomeOf says what follows from a result.
func (l *lane) outcomeOf(s outlet.Step, r outlet.Result) outcome {
	switch {
	case r.Verdict == outlet.Done:
		l.setHealthy(true)
		return outcome{kind: done}
	case r.Verdict == outlet.Never:
		return outcome{kind: bury, reason: shortReason(r.Err)}
	case l.d.workCtx.Err() != nil:
		return outcome{kind: release} // it is tried again when the program runs again
	case !r.Attempted:
		l.setHealthy(false)
		l.pauseFor(max(r.After, 10*time.Millisecond))
		return outcome{kind: release}
	}
	return outcome{kind: retry, reason: shortReason(r.Err), after: max(r.After, l.outlet.Backoff(l.name, s.Attempt))}
}

// retryUnknown is what becomes of a step whose destination is not in the live Set: it waits, with the reason in its history, for Grace.
func (l *lane) retryUnknown(s ledger.Step) outcome {
	const reason = "the policy has no such destination"
	if time.Since(s.Received) >= l.d.o.Grace {
		return outcome{kind: bury, reason: reason}
	}
	return outcome{kind: retry, reason: reason, after: absentBackoff(s.Attempts)}
}

// absentBackoff is how long a step waits for its destination, or its hook, to come back before it is looked at again.
func absentBackoff(attempts int) time.Duration {
	return min(time.Second<<min(attempts, 10), 5*time.Minute)
}

// makeDue makes due what waits for its destination, or its hook, now that the policy has changed.
func (l *lane) makeDue() {
	if l.d.o.Ledger.Destinations()[l.name] == 0 {
		return
	}
	_, err := l.d.o.Ledger.Redrive(l.d.startCtx, ledger.Filter{State: ledger.Waiting, Destination: l.name})
	if err != nil && l.d.startCtx.Err() == nil && !l.d.isLedgerStopped(err) {
		l.d.log.Error("make steps due", "destination", l.name, "error", err)
	}
}
