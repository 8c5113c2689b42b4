// Package dispatch is for what follows the acknowledgement: it takes recorded events to the rules, and what the rules asked for to
// its destinations.
//
// The rules of an event run once. What they ask for is recorded as a plan before any of it is done; from then on a retry repeats
// a step of the plan, under the same idempotency key, and never the rules. Every destination has a lane of its own, which waits for
// no other. What a crash interrupts is claimed and taken anew when the program starts again.
package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// ErrNoHook is what Options.Decide returns when the live Set has no event hook of the call's name.
var ErrNoHook = errors.New("the policy has no such event hook")

// Options are what a Dispatch is made with. Ledger and Decide must be there.
type Options struct {
	Ledger   *ledger.Ledger                 // the caller's, who closes it behind the Dispatch
	Decide   func(*hook.Call) (Plan, error) // runs a hook's rules once, on a delivery of one event, under the Set that is live
	Log      *slog.Logger                   // nil: slog.Default()
	Registry prometheus.Registerer          // where the metrics are registered; nil: nowhere
	Outlet   outlet.Options                 // how destinations are opened; its Log is this one's

	Rules  int           // events whose rules run at one time; default GOMAXPROCS
	Budget time.Duration // of the rules of one event; default 1 s
	Grace  time.Duration // how long what has no hook or no destination waits for one to come back; default 24 h
}

// Plan is what the rules want done about an event, under the Set of that revision. One that comes with an error is as far as the
// rules got: it is carried out, and the event is kept beside it for another try, of which the rules that are in the Plan have no part.
type Plan struct {
	Revision string
	Actions  []Action
}

// Action is one thing a rule wants done: JSON is what it wrote, an object with `to` and, where it says so, `path`, `query`,
// `headers`, `body` and `key`.
type Action struct {
	Rule string
	To   string
	JSON []byte
}

// Dispatch works off a ledger. It is safe for concurrent use.
type Dispatch struct {
	o            Options
	log          *slog.Logger
	startCtx     context.Context // ends when no more work is to be begun
	stopStarting context.CancelFunc
	workCtx      context.Context // ends when work under way is to be given up
	abortWork    context.CancelFunc
	startOnce    sync.Once
	goroutines   sync.WaitGroup // every goroutine

	mu    sync.Mutex // guards lanes and specs
	lanes map[string]*lane
	specs map[string]outlet.Spec // of the live Set; nil before the first Use

	turns        *turns
	inline       inlineQueue
	eventStats   tallies
	ledgerBroken atomic.Bool // it was told that the ledger has stopped
}

// New makes a Dispatch. It does nothing before the first Use. The caller closes it.
func New(o Options) (*Dispatch, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Outlet.Log = o.Log
	if o.Rules <= 0 {
		o.Rules = runtime.GOMAXPROCS(0)
	}
	if o.Budget <= 0 {
		o.Budget = time.Second
	}
	if o.Grace <= 0 {
		o.Grace = 24 * time.Hour
	}
	d := &Dispatch{o: o, log: o.Log, lanes: make(map[string]*lane), turns: newTurns(o.Rules)}
	d.startCtx, d.stopStarting = context.WithCancel(context.Background())
	d.workCtx, d.abortWork = context.WithCancel(context.Background())
	d.inline.init()
	if o.Registry == nil {
		return d, nil
	}
	if err := o.Registry.Register(collector{d}); err != nil {
		return nil, err
	}
	return d, nil
}

// Use makes these the destinations, instead of those before; the first call begins the work. It does not wait: each lane changes
// over when its own attempts under way have ended. A step goes to the destination that has its name now, whatever it was when it
// was planned; one whose destination is gone waits for it to come back, for Grace.
func (d *Dispatch) Use(list []rules.Destination) {
	specs := specsOf(list)
	d.mu.Lock()
	d.specs = specs
	for _, l := range d.lanes {
		l.setSpec(d.spec(l.name))
	}
	d.mu.Unlock()
	for name := range specs {
		d.ensureLane(name)
	}
	d.startOnce.Do(d.start)
}

func (d *Dispatch) start() {
	if d.startCtx.Err() != nil {
		return
	}
	d.goroutines.Go(d.claimEvents)
	d.goroutines.Go(d.openLanes)
	for range inlineWriters {
		d.goroutines.Go(d.drainInline)
	}
}

// openLanes opens lanes for what an operator has made due again, and for what a crash left behind.
func (d *Dispatch) openLanes() {
	const often = 5 * time.Second
	tick := time.NewTicker(often)
	defer tick.Stop()
	for {
		for name := range d.o.Ledger.Destinations() {
			d.ensureLane(name)
		}
		select {
		case <-tick.C:
		case <-d.startCtx.Done():
			return
		}
	}
}

// ensureLane makes sure that there is a lane for a destination.
func (d *Dispatch) ensureLane(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lanes[name] != nil || d.specs == nil || d.startCtx.Err() != nil {
		return
	}
	l := newLane(d, name)
	l.setSpec(d.spec(name))
	d.lanes[name] = l
	d.goroutines.Go(l.run)
}

func (d *Dispatch) spec(name string) *outlet.Spec {
	if s, ok := d.specs[name]; ok {
		return &s
	}
	return nil
}

// Close begins no more work, lets what is under way end until the context does, and gives up the rest: it is still in the
// ledger, and is done when the program runs again. It returns when nothing of the Dispatch runs any more.
func (d *Dispatch) Close(ctx context.Context) {
	d.mu.Lock()
	d.stopStarting()
	d.mu.Unlock()
	d.startOnce.Do(func() {})
	ended := make(chan struct{})
	go func() {
		d.goroutines.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		d.abortWork()
		<-ended
	}
	d.abortWork()
}

// isLedgerStopped tells once that the ledger has stopped, and reports whether an error means that there is no more work to be had from it.
func (d *Dispatch) isLedgerStopped(err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, ledger.ErrBroken):
		if d.ledgerBroken.CompareAndSwap(false, true) {
			d.log.Error("the ledger has stopped: deliveries are refused, and nothing is sent, until the program is started again", "error", err)
		}
		return true
	}
	return errors.Is(err, ledger.ErrClosed)
}
