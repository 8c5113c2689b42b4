package dispatch

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

const (
	inlineWriters  = 4
	maxQueued      = 4096
	maxQueuedBytes = 64 << 20
)

// inlineQueue holds the actions of answered inline calls until they are in the ledger. A crash
// loses them: Okta has its answer and does not repeat the call.
type inlineQueue struct {
	queue   chan inlineActions
	bytes   atomic.Int64
	dropped atomic.Uint64 // actions, for the log
}

type inlineActions struct {
	hook  string
	call  ledger.ID
	plan  Plan
	bytes int64
}

func (q *inlineQueue) init() { q.queue = make(chan inlineActions, maxQueued) }

// Enqueue queues the actions of an inline call and returns at once. It takes ownership of the plan.
// If the queue is full it returns false: the actions are dropped, counted and logged.
func (d *Dispatch) Enqueue(hookName string, call ledger.ID, p Plan) bool {
	if len(p.Actions) == 0 {
		return true
	}
	l := inlineActions{hook: hookName, call: call, plan: p}
	for _, a := range p.Actions {
		l.bytes += int64(len(a.JSON))
	}
	if d.inline.bytes.Add(l.bytes) > maxQueuedBytes || d.startCtx.Err() != nil {
		d.dropInline(l, errQueueFull)
		return false
	}
	select {
	case d.inline.queue <- l:
		return true
	default:
		d.dropInline(l, errQueueFull)
		return false
	}
}

var errQueueFull = errors.New("the queue in front of the ledger is full")

func (d *Dispatch) dropInline(l inlineActions, reason error) {
	d.inline.bytes.Add(-l.bytes)
	dropped := len(l.plan.Actions)
	d.metrics.dropped.Add(float64(dropped))
	if n := d.inline.dropped.Add(uint64(dropped)); n&(n-1) == 0 { // each time the count has doubled
		d.log.Error("actions of inline calls were dropped", "hook", l.hook, "total", n, "error", reason)
	}
}

// drainInline moves queued actions into the ledger. After the end of startCtx it empties the queue
// and returns.
func (d *Dispatch) drainInline() {
	for {
		select {
		case l := <-d.inline.queue:
			d.recordInline(l)
			continue
		default:
		}
		select {
		case l := <-d.inline.queue:
			d.recordInline(l)
		case <-d.startCtx.Done():
			if len(d.inline.queue) == 0 {
				return
			}
		}
	}
}

// recordInline retries for 5 s if the ledger's queue is full.
func (d *Dispatch) recordInline(l inlineActions) {
	const tries = 50
	actions := d.ledgerActions(l.hook, l.call, l.plan)
	var err error
	for range tries {
		err = d.o.Ledger.Queue(d.workCtx, l.hook, l.call, l.plan.Revision, actions)
		if !errors.Is(err, ledger.ErrFull) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		d.isLedgerStopped(err)
		d.dropInline(l, err)
		return
	}
	d.inline.bytes.Add(-l.bytes)
	d.ensureLanes(actions)
}
