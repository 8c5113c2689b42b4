package dispatch

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/tenterhook/tenterhook/engine/fair"
	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/rules/destination"
)

// defaultConcurrency is the number of slots of a lane without a destination.
const defaultConcurrency = 4

// lane is the worker of one destination. Only its run takes the destination's steps.
type lane struct {
	d       *Dispatch
	name    string
	metrics *laneMetrics

	mu           sync.Mutex // guards the fields below
	spec         *destination.Spec
	changed      bool               // spec is not in use yet
	cancelWait   context.CancelFunc // ends the wait of run
	pausedUntil  time.Time
	probing      bool      // after a pause: one step at a time, until one is done
	shuffleUntil time.Time // after a pause: steps are taken at random until then

	// Changed by run alone, and only while no step is in flight. outlet is changed under mu, for
	// status.
	outlet      *outlet.Outlet // nil: the destination does not exist
	opened      bool
	concurrency int
	slots       *fair.Limiter[struct{}] // in-flight steps
	inFlight    sync.WaitGroup
}

func newLane(d *Dispatch, name string) *lane {
	l := &lane{d: d, name: name, metrics: d.metrics.ofLane(name)}
	l.setConcurrency(defaultConcurrency)
	return l
}

func (l *lane) setConcurrency(n int) {
	l.concurrency, l.slots = n, fair.New[struct{}](n)
}

// setSpec replaces the destination; nil removes it.
func (l *lane) setSpec(s *destination.Spec) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spec, l.changed, l.pausedUntil = s, true, time.Time{}
	if l.cancelWait != nil {
		l.cancelWait()
	}
}

// pauseFor takes no steps for a while.
func (l *lane) pauseFor(t time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(t); until.After(l.pausedUntil) {
		l.pausedUntil = until
	}
}

// setHealthy records whether the destination accepts steps.
func (l *lane) setHealthy(healthy bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.probing && healthy {
		l.shuffleUntil = time.Now().Add(time.Minute)
	}
	l.probing = !healthy
}

// takeSteps takes steps in their order. After the breaker closes it takes them at random for a
// minute: if the destination fails because of the step at the head, that step would open the
// breaker again at once.
func (l *lane) takeSteps(ctx context.Context, n int) ([]ledger.Step, error) {
	l.mu.Lock()
	shuffle := l.probing || time.Now().Before(l.shuffleUntil)
	l.mu.Unlock()
	if shuffle {
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
		n := l.slots.AcquireUpTo(ctx, struct{}{}, l.maxSteps())
		if n == 0 {
			continue
		}
		steps, err := l.takeSteps(ctx, n)
		l.slots.Release(n - len(steps))
		for _, s := range steps {
			l.inFlight.Go(func() {
				defer l.slots.Release(1)
				l.metrics.running.Inc()
				defer l.metrics.running.Dec()
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

// maxSteps is the number of steps that may be taken at once. A paused destination is probed with
// one attempt.
func (l *lane) maxSteps() int {
	l.mu.Lock()
	probing := l.probing
	l.mu.Unlock()
	if !probing {
		return l.concurrency
	}
	l.inFlight.Wait()
	return 1
}

// newWaitContext returns a context that ends when the destination changes or no work may start.
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

// waitPause waits for the end of the pause, and reports false if the context ends first.
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

// reopen opens a changed destination, after the last attempt at the old one.
func (l *lane) reopen() {
	l.mu.Lock()
	spec, changed := l.spec, l.changed
	l.changed = false
	l.mu.Unlock()
	if !changed {
		return
	}
	wasMissing := l.outlet == nil && l.opened // always true of the rules' lane
	if l.opened = true; wasMissing && (spec != nil || l.name == rulesLane) {
		l.d.goroutines.Go(l.makeDue)
	}
	if l.name == rulesLane {
		return
	}
	l.inFlight.Wait()
	l.close()
	out := l.open(spec)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outlet, l.pausedUntil = out, time.Time{} // the pause was the old destination's
}

// open returns nil if there is no destination.
func (l *lane) open(spec *destination.Spec) *outlet.Outlet {
	l.setConcurrency(defaultConcurrency)
	if spec == nil {
		return nil
	}
	out, err := outlet.Open(map[string]destination.Spec{l.name: *spec}, l.d.o.Outlet)
	if err != nil { // rules.Load rejects such a Set
		l.d.log.Error("open a destination", "destination", l.name, "error", err)
		return nil
	}
	l.setConcurrency(max(1, out.Concurrency(l.name)))
	return out
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
			l.d.log.Error("recovered from a panic: this is a bug", "destination", l.name, "panic", fmt.Sprintf("%T", r),
				"stack", string(debug.Stack()))
			o = outcome{kind: retry, reason: errBug.Error(), after: time.Minute}
			if s.Attempts >= 3 {
				o.kind = bury
			}
		}
	}()
	switch {
	case l.name == rulesLane:
		if l.d.ruleSlots.Acquire(l.d.startCtx, s.Hook) != nil {
			return outcome{kind: release}
		}
		defer l.d.ruleSlots.Release(1)
		return l.d.rerunRules(s)
	case l.outlet == nil:
		return l.d.waitOrBury(s, errNoDestination)
	}
	step, err := outletStep(s)
	if err != nil {
		return outcome{kind: bury, reason: shortReason(err)}
	}
	r := l.outlet.Deliver(l.d.workCtx, step)
	l.metrics.countAttempt(r)
	return l.outcomeOf(step, r)
}

func (l *lane) outcomeOf(s outlet.Step, r outlet.Result) outcome {
	switch {
	case r.Verdict == outlet.Done:
		l.setHealthy(true)
		return outcome{kind: done}
	case r.Verdict == outlet.Never:
		return outcome{kind: bury, reason: shortReason(r.Err)}
	case l.d.workCtx.Err() != nil:
		return outcome{kind: release} // retried when the program runs again
	case !r.Attempted:
		l.setHealthy(false)
		l.pauseFor(max(r.After, 10*time.Millisecond))
		return outcome{kind: release}
	}
	return outcome{kind: retry, reason: shortReason(r.Err), after: max(r.After, l.outlet.Backoff(l.name, s.Attempt))}
}

// makeDue makes the lane's waiting steps due, because a policy change brought back their
// destination or hook.
func (l *lane) makeDue() {
	if l.d.o.Ledger.Destinations()[l.name] == 0 {
		return
	}
	_, err := l.d.o.Ledger.Redrive(l.d.startCtx, ledger.Filter{State: ledger.Waiting, Destination: l.name})
	if err != nil && l.d.startCtx.Err() == nil && !l.d.isLedgerStopped(err) {
		l.d.log.Error("make steps due", "destination", l.name, "error", err)
	}
}
