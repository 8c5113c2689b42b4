package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/engine/dispatch"
	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Why a call cannot be answered at all.
var (
	ErrNoSet  = errors.New("no rules are loaded")                                   // before the first Swap and after Close
	ErrNoHook = errors.New("no hook of that name is loaded")                        // the live Set has no such hook
	ErrEvents = errors.New("an event hook's deliveries are accepted, not answered") // Answer of one
)

// Patience limits the time of a call, counted from its first byte. Okta waits 3 s, including the
// time to fetch its own access token (hooks.md section 1).
const Patience = 2 * time.Second

// Options configures an Engine.
type Options struct {
	Log      *slog.Logger          // nil: slog.Default()
	Registry prometheus.Registerer // where the metrics are registered; nil: nowhere
	Version  string                // of the program, for the metric tenterhook_build_info

	Concurrency     int           // concurrent calls that run rules, over all hooks; default 4096. Orgs share it equally, or as their policy sets it
	HookConcurrency int           // default for hooks that do not set it; default 256
	Remember        time.Duration // lifetime of answers in the replay cache; default 2 min
	RememberBytes   int64         // memory of the replay cache, over all hooks; default 64 MiB
	LogLines        int           // log lines about rules per second; default 50

	Ledger *ledger.Ledger // records events and actions; nil: event hooks are rejected. The caller closes it after Close
	Outlet outlet.Options // how destinations are opened; Log is the Engine's
}

// Engine answers calls under the Set that is live. It is safe for concurrent use.
type Engine struct {
	o       Options
	log     *decisionLog
	running atomic.Int64 // calls that run rules now

	dispatch *dispatch.Dispatch // nil without a ledger

	live     atomic.Pointer[live]
	draining atomic.Bool
	stale    atomic.Bool
	swaps    atomic.Uint64

	mu       sync.Mutex // guards the fields below, and orders Swap and Close
	stats    map[string]*hookStats
	orgs     map[string]*org
	closed   bool
	closings closings
	closeErr error // joined errors of closing Sets
}

// New makes an Engine that has no Set yet. The caller closes it.
func New(o Options) (*Engine, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	setDefault(&o.Concurrency, 4096)
	setDefault(&o.HookConcurrency, 256)
	setDefault(&o.Remember, 2*time.Minute)
	setDefault(&o.RememberBytes, 64<<20)
	setDefault(&o.LogLines, 50)
	e := &Engine{o: o, stats: make(map[string]*hookStats)}
	e.log = &decisionLog{log: o.Log, limit: int64(o.LogLines)}
	if o.Registry != nil {
		if err := o.Registry.Register(&collector{e: e, version: o.Version}); err != nil {
			return nil, err
		}
	}
	if o.Ledger == nil {
		return e, nil
	}
	if o.Registry != nil {
		if err := o.Registry.Register(ledgerCollector{o.Ledger}); err != nil {
			return nil, err
		}
	}
	var err error
	e.dispatch, err = dispatch.New(dispatch.Options{
		Ledger: o.Ledger, Decide: e.decideEvent, Rerun: e.redecideEvent, Log: o.Log, Registry: o.Registry, Outlet: o.Outlet,
	})
	return e, err
}

func setDefault[T int | int64 | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

// Swap puts a Set live and takes ownership of it. It does not wait for calls: a call in progress
// ends under the Set it began with, which is closed after its last call.
func (e *Engine) Swap(s *rules.Set) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		e.closeSet(s)
		return
	}
	next := e.install(s)
	e.swaps.Add(1)
	if old := e.live.Swap(next); old != nil {
		old.retire()
	}
	if e.dispatch != nil {
		e.dispatch.Use(s.Destinations())
	}
}

// Close stops the deliveries that Finish did not wait for, retires the live Set and waits until
// every Set without calls is closed. A call past its deadline keeps its Set open. The error joins
// those of closing the Sets.
func (e *Engine) Close() error {
	at, now := context.WithCancel(context.Background())
	now()
	e.Finish(at)
	e.mu.Lock()
	e.closed = true
	if old := e.live.Swap(nil); old != nil {
		old.retire()
	}
	e.mu.Unlock()
	e.closings.wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closeErr
}

// Drain makes Ready return false, because the program is about to stop. Calls are answered as
// before.
func (e *Engine) Drain() { e.draining.Store(true) }

// Ready reports whether this Engine should get calls: a Set is live and Drain was not called.
func (e *Engine) Ready() bool { return e.live.Load() != nil && !e.draining.Load() }

// MarkStale records whether the policy folder is newer than the live Set, for the metric
// tenterhook_set_stale.
func (e *Engine) MarkStale(stale bool) { e.stale.Store(stale) }

// Answer decides a call of the hook named c.Hook. It is for embedders. The gate uses a Lease
// instead, because it finds the hook by path and authenticates the call under the same Set.
func (e *Engine) Answer(c *hook.Call) (Reply, error) {
	l := e.Lease()
	if !l.Held() {
		return Reply{}, ErrNoSet
	}
	defer l.Release()
	h := l.Named(c.Hook)
	if h == nil {
		return Reply{}, ErrNoHook
	}
	if !h.Rules.Type.Inline() {
		return Reply{}, ErrEvents
	}
	return h.Answer(c), nil
}
