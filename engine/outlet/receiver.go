package outlet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tenterhook/tenterhook/rules/destination"
)

// busyWait is the Result.After while every slot is in use: one is released soon, or the breaker
// opens.
const busyWait = 100 * time.Millisecond

// receiver is one destination with its slots and its breaker.
type receiver struct {
	name    string
	spec    destination.Spec
	slots   chan struct{}
	breaker *breaker
	carrier carrier
}

func newReceiver(name string, s destination.Spec, o Options) *receiver {
	log := o.Log.With("destination", name)
	r := &receiver{name: name, spec: s, slots: make(chan struct{}, s.Concurrency), breaker: newBreaker(s.Breaker, o.Now, log)}
	switch s.Kind {
	case destination.File:
		r.carrier = newLineWriter(s, &file{path: s.File, size: s.Rotate.Size, keep: s.Rotate.Keep, log: log}, log)
	case destination.Stdout:
		r.carrier = newLineWriter(s, stream{o.Stdout}, log)
	default:
		r.carrier = newHTTPSender(s, o)
	}
	return r
}

func (d *receiver) deliver(ctx context.Context, s Step) Result {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	default:
		return Result{Err: ErrBusy, After: busyWait}
	}
	report, wait, ok := d.breaker.allow(s.Key)
	if !ok {
		return Result{Err: ErrPaused, After: wait}
	}
	start := time.Now()
	r := d.attempt(ctx, s)
	r.Elapsed = time.Since(start)
	report(r)
	if r.Verdict == Retry && r.Attempted && s.Attempt >= d.spec.Retry.Attempts {
		r.Verdict, r.Err = Never, fmt.Errorf("%w after %d: %w", ErrExhausted, s.Attempt, r.Err)
	}
	return r
}

// attempt does not count failures against the destination that are the step's or the caller's.
func (d *receiver) attempt(caller context.Context, s Step) Result {
	if err := caller.Err(); err != nil {
		return Result{Err: fmt.Errorf("%w: %w", ErrStopped, err)}
	}
	if !isValidKey(s.Key) {
		return Result{Verdict: Never, Err: fmt.Errorf("%w: its key is not 1 to 255 visible ASCII characters", ErrStep)}
	}
	ctx, cancel := context.WithTimeoutCause(caller, d.spec.Timeout, ErrTimeout)
	defer cancel()
	r := d.carrier.attempt(ctx, s)
	r.Attempted = !errors.Is(r.Err, ErrStep)
	if err := caller.Err(); err != nil && errors.Is(r.Err, ErrTimeout) {
		r.health, r.Err = unknown, fmt.Errorf("%w: %w", ErrStopped, err)
	}
	return r
}

func (d *receiver) state() State {
	breaker, wait := d.breaker.state()
	return State{Destination: d.name, Carrier: d.spec.Kind.String(), Breaker: breaker,
		InFlight: len(d.slots), Concurrency: cap(d.slots), Rest: wait}
}

// isValidKey reports whether a key needs no escaping in a header or a line.
func isValidKey(key string) bool {
	if key == "" || len(key) > 255 {
		return false
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return true
}
