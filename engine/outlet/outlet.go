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
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/tenterhook/tenterhook/rules/destination"
)

// Problems is the error of Open: all problems of all destinations.
type Problems []string

func (p Problems) Error() string { return strings.Join(p, "\n") }

// Options configure an Outlet.
type Options struct {
	Log      *slog.Logger     // default slog.Default()
	Now      func() time.Time // base of Retry-After; default time.Now
	Resolver *net.Resolver    // of destinations' host names; default net.DefaultResolver
	Stdout   io.Writer        // of stdout destinations; default os.Stdout
	Version  string           // of the program, for the User-Agent
}

// Outlet delivers steps to the destinations it was opened with. It is safe for concurrent use.
type Outlet struct {
	receivers map[string]*receiver

	mu       sync.Mutex // guards closed, and orders Close after the last inFlight.Add
	closed   bool
	inFlight sync.WaitGroup // deliveries
}

// carrier makes one attempt at one kind of destination. Its Result lacks Elapsed and Attempted.
type carrier interface {
	attempt(ctx context.Context, s Step) Result
	close() error
}

// Open makes an Outlet of destinations by name. Its error is Problems: those of all destinations. A
// file that is not writable is no error: it is logged, and its steps are retried. The caller closes
// the Outlet.
func Open(specs map[string]destination.Spec, o Options) (*Outlet, error) {
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
		spec := specs[name]
		for _, p := range spec.Validate() {
			problems = append(problems, fmt.Sprintf("%s: %s", name, p))
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	out := &Outlet{receivers: make(map[string]*receiver, len(specs))}
	for _, name := range names {
		out.receivers[name] = newReceiver(name, specs[name].WithDefaults(), o)
	}
	return out, nil
}

// Deliver makes one attempt at a step. It waits for the destination only, at most for its timeout.
// If every slot is in use or the breaker is open, it returns at once without an attempt.
func (o *Outlet) Deliver(ctx context.Context, s Step) Result {
	d := o.receivers[s.Destination]
	if d == nil {
		return withDestination(s, Result{Verdict: Never, Err: ErrUnknown})
	}
	if !o.beginDelivery() {
		return withDestination(s, Result{Err: ErrClosed})
	}
	defer o.inFlight.Done()
	return withDestination(s, d.deliver(ctx, s))
}

// withDestination adds the destination to an error.
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

// Backoff is the wait after the nth attempt, counted from 1: doubled from the destination's first
// wait up to its longest, with a jitter of half to either side, so that steps which failed together
// are not retried together. It is 0 for an unknown destination.
func (o *Outlet) Backoff(destination string, attempts int) time.Duration {
	d := o.receivers[destination]
	if d == nil {
		return 0
	}
	const jitter = 0.5
	longest := time.Duration(float64(d.spec.Retry.Max) / (1 + jitter)) // the library adds jitter after capping
	b := backoff.ExponentialBackOff{
		InitialInterval:     min(d.spec.Retry.First, longest),
		MaxInterval:         longest,
		Multiplier:          2,
		RandomizationFactor: jitter,
	}
	wait := b.NextBackOff()
	for range min(attempts, 64) - 1 {
		wait = b.NextBackOff()
	}
	return wait
}

// Concurrency is the number of slots of a destination, 0 if it is unknown.
func (o *Outlet) Concurrency(destination string) int {
	d := o.receivers[destination]
	if d == nil {
		return 0
	}
	return cap(d.slots)
}

// States lists the state of each destination, by name.
func (o *Outlet) States() []State {
	states := make([]State, 0, len(o.receivers))
	for _, name := range slices.Sorted(maps.Keys(o.receivers)) {
		states = append(states, o.receivers[name].state())
	}
	return states
}

// Close rejects further steps, waits for deliveries in flight, which takes at most the longest
// timeout, and closes connections and files. If the context ends first, Close returns its error and
// finishes in the background.
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

// closeCarriers closes all destinations concurrently: a hung disk must not keep another's
// connections.
func (o *Outlet) closeCarriers() error {
	errs := make(chan error, len(o.receivers))
	for _, d := range o.receivers {
		go func() { errs <- d.carrier.close() }()
	}
	var first error
	for range o.receivers {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}
