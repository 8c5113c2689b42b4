// Package outlet is for calling out: it carries steps to destinations, each with limits and a breaker of its own.
//
// A destination is an HTTP endpoint, a file of JSON lines, or standard output. Deliver makes one attempt and says what
// became of it; queues, waiting and dead letters are its caller's. Nothing is shared between two destinations, neither
// connections nor slots, so that one that stalls costs the others nothing.
//
// No error of this package and nothing it logs quotes a URL, a header, a body or what was answered: all of these may hold
// secrets, and an answer may hold ours. Errors are made of our own words, numbers, addresses and the system's errors.
// net/http itself has one line that quotes bytes nobody asked for, to the standard library's logger; who runs the program
// silences that logger.
package outlet

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Options are what an Outlet is opened with.
type Options struct {
	Log      *slog.Logger     // nil: slog.Default()
	Now      func() time.Time // what Retry-After is counted from; nil: time.Now
	Resolver *net.Resolver    // of destinations' names; nil: net.DefaultResolver
	Stdout   io.Writer        // where a stdout destination writes; nil: os.Stdout
	Version  string           // of the program, for the User-Agent
}

// Outlet carries steps to the destinations it was opened with. It is safe for concurrent use.
type Outlet struct {
	destinations map[string]*destination

	mu       sync.Mutex // guards closed, and orders Close behind the last under.Add
	closed   bool
	inFlight sync.WaitGroup // deliveries under way
}

// carrier makes one attempt at one kind of destination. What it returns has no Elapsed and no Attempted yet.
type carrier interface {
	attempt(ctx context.Context, s Step) Result
	close() error
}

// Open makes an Outlet of destinations by name. Its error is Problems: all of every Spec's. A file that cannot be written
// is not one of them: it is logged, and its steps are told to come again. The caller closes the Outlet.
func Open(specs map[string]Spec, o Options) (*Outlet, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Stdout == nil {
		o.Stdout = os.Stdout
	}
	names := slices.Sorted(maps.Keys(specs))
	var problems Problems
	for _, name := range names {
		for _, p := range specs[name].Validate() {
			problems = append(problems, Problem{Path: name + "." + p.Path, Message: p.Message})
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	out := &Outlet{destinations: make(map[string]*destination, len(specs))}
	for _, name := range names {
		out.destinations[name] = newDestination(name, specs[name].withDefaults(), o)
	}
	return out, nil
}

// Deliver makes one attempt at a step and waits for nothing but its destination, for that no longer than the destination's
// timeout. When every slot is taken, or the destination rests, it comes back at once without an attempt.
func (o *Outlet) Deliver(ctx context.Context, s Step) Result {
	d := o.destinations[s.Destination]
	if d == nil {
		return withDestination(s, Result{Verdict: Never, Err: ErrUnknown})
	}
	if !o.beginDelivery() {
		return withDestination(s, Result{Err: ErrClosed})
	}
	defer o.inFlight.Done()
	return withDestination(s, d.deliver(ctx, s))
}

// withDestination says in the error which destination it is about.
func withDestination(s Step, r Result) Result {
	if r.Err != nil {
		r.Err = fmt.Errorf("deliver to %q: %w", s.Destination, r.Err)
	}
	return r
}

func (o *Outlet) beginDelivery() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	o.inFlight.Add(1)
	return true
}

// Backoff is how long to wait after so many attempts, counted from 1, before the next: doubled from the destination's first
// wait up to its longest, and spread by half to either side so that steps which failed together do not return together.
// It is 0 for a destination that there is not.
func (o *Outlet) Backoff(destination string, attempts int) time.Duration {
	d := o.destinations[destination]
	if d == nil {
		return 0
	}
	const spread = 0.5
	longest := time.Duration(float64(d.spec.Retry.Max) / (1 + spread)) // the library spreads what it has capped
	b := backoff.ExponentialBackOff{
		InitialInterval:     min(d.spec.Retry.First, longest),
		MaxInterval:         longest,
		Multiplier:          2,
		RandomizationFactor: spread,
	}
	wait := b.NextBackOff()
	for range min(attempts, 64) - 1 {
		wait = b.NextBackOff()
	}
	return wait
}

// Concurrency is how many attempts a destination takes at one time; 0 when there is none of that name.
func (o *Outlet) Concurrency(destination string) int {
	d := o.destinations[destination]
	if d == nil {
		return 0
	}
	return cap(d.slots)
}

// States tells how each destination is, by name.
func (o *Outlet) States() []State {
	states := make([]State, 0, len(o.destinations))
	for _, name := range slices.Sorted(maps.Keys(o.destinations)) {
		states = append(states, o.destinations[name].state())
	}
	return states
}

// Close lets no more steps in, waits until those under way have ended, which takes no longer than the longest timeout, and
// lets go of connections and files. When the context ends first, its error is returned and the rest goes on behind it.
func (o *Outlet) Close(ctx context.Context) error {
	o.mu.Lock()
	closed := o.closed
	o.closed = true
	o.mu.Unlock()
	if closed {
		return nil
	}
	ended := make(chan error, 1)
	go func() {
		o.inFlight.Wait()
		ended <- o.closeCarriers()
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return fmt.Errorf("close the outlet: %w", ctx.Err())
	}
}

// closeCarriers gives every destination the same time to let go: a hung disk must not keep another's connections.
func (o *Outlet) closeCarriers() error {
	errs := make(chan error, len(o.destinations))
	for _, d := range o.destinations {
		go func() { errs <- d.carrier.close() }()
	}
	var first error
	for range o.destinations {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}
