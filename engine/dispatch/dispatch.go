package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/engine/fair"
	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/rules/destination"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// ErrNoHook is returned by Options.Decide if the live Set has no event hook of the call's name.
var ErrNoHook = errors.New("the policy has no such event hook")

// RuleFailures is returned by Options.Decide if rules failed: one text for each rule, without
// values from the event. Decide has logged them.
type RuleFailures []string

func (f RuleFailures) Error() string { return strings.Join(f, "; ") }

// Options configure a Dispatch. Ledger and Decide are required.
type Options struct {
	Ledger   *ledger.Ledger        // closed by the caller, after the Dispatch
	Log      *slog.Logger          // default slog.Default()
	Registry prometheus.Registerer // for the metrics; nil: not registered
	Outlet   outlet.Options        // for all destinations; its Log is replaced by Log

	// Decide runs the rules of an event hook once, for a delivery of one event, under the live Set.
	// Rerun does the same for rules that ran before, without logging the failures of rules: the
	// step's outcome has them. Rerun defaults to Decide.
	Decide, Rerun func(*hook.Call) (Plan, error)

	Rules  int           // events whose rules run concurrently; default GOMAXPROCS
	Budget time.Duration // for the rules of one event; default 1 s
	Grace  time.Duration // wait for a removed hook or destination to come back; default 24 h
}

// Plan holds the actions that rules ask for on one event, under the Set of that revision. A Plan
// that is returned with an error is partial: its actions are delivered, and the event is kept for a
// rerun of the other rules.
type Plan struct {
	Revision string
	Rules    []string // names of the rules that matched, for the log
	Actions  []hook.Action
}

// Dispatch processes a ledger. It is safe for concurrent use.
type Dispatch struct {
	o   Options
	log *slog.Logger

	startCtx     context.Context // ends when no new work may start
	stopStarting context.CancelFunc
	workCtx      context.Context // ends when running work must stop
	abortWork    context.CancelFunc
	startOnce    sync.Once
	goroutines   sync.WaitGroup

	mu    sync.Mutex // guards lanes and specs
	lanes map[string]*lane
	specs map[string]destination.Spec // of the live Set; nil before the first Use

	ruleSlots    *fair.Limiter[string] // running rules, fair between hooks
	inline       inlineQueue
	metrics      *metrics
	ledgerBroken atomic.Bool // logged that the ledger stopped
}

// New makes a Dispatch. It starts no work before the first Use. The caller closes it.
func New(o Options) (*Dispatch, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Outlet.Log = o.Log
	if o.Rerun == nil {
		o.Rerun = o.Decide
	}
	if o.Rules <= 0 {
		o.Rules = runtime.GOMAXPROCS(0)
	}
	if o.Budget <= 0 {
		o.Budget = time.Second
	}
	if o.Grace <= 0 {
		o.Grace = 24 * time.Hour
	}
	d := &Dispatch{
		o: o, log: o.Log, lanes: make(map[string]*lane),
		ruleSlots: fair.New[string](o.Rules), metrics: newMetrics(),
	}
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

// Use replaces the destinations; the first call starts the work. It does not wait: each lane
// switches after its running attempts have ended. A step goes to the destination that has its name
// now, whatever it was when the step was planned. A step without a destination waits for Grace.
func (d *Dispatch) Use(list []destination.Spec) {
	specs := make(map[string]destination.Spec, len(list))
	for _, s := range list {
		specs[s.Name] = s
	}
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

// openLanes opens lanes for steps of earlier runs of the program and for steps that an operator
// redrove.
func (d *Dispatch) openLanes() {
	const interval = 5 * time.Second
	tick := time.NewTicker(interval)
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

// ensureLane opens the lane of a destination if there is none.
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

func (d *Dispatch) ensureLanes(actions []ledger.Action) {
	for _, a := range actions {
		d.ensureLane(a.Destination)
	}
}

func (d *Dispatch) spec(name string) *destination.Spec {
	if s, ok := d.specs[name]; ok {
		return &s
	}
	return nil
}

// Close starts no more work, waits for running work until the context ends, and then aborts it.
// Aborted work is still in the ledger and continues when the program starts again. Close returns
// after all goroutines have ended.
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

// isLedgerStopped reports whether an error means that the ledger takes no more calls. It logs the
// first error of a broken ledger.
func (d *Dispatch) isLedgerStopped(err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, ledger.ErrBroken):
		if d.ledgerBroken.CompareAndSwap(false, true) {
			d.log.Error("the ledger has stopped: event deliveries get 503 and actions are not sent "+
				"until the program restarts", "error", err)
		}
		return true
	}
	return errors.Is(err, ledger.ErrClosed)
}

// sleep waits, at most until no new work may start.
func (d *Dispatch) sleep(t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.startCtx.Done():
	}
}
