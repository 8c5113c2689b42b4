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
	maxQueuedBytes = 64 << 20 // bytes
)

// inlineQueue are the actions of inline calls on their way into the ledger, behind the calls' answers. A crash loses what is here:
// Okta has its answer, and does not ask again.
type inlineQueue struct {
	queue   chan inlineActions
	bytes   atomic.Int64
	dropped atomic.Uint64
}

type inlineActions struct {
	hook  string
	call  ledger.ID
	plan  Plan
	bytes int64
}

func (l *inlineQueue) init() { l.queue = make(chan inlineActions, maxQueued) }

// Enqueue queues what the rules of an inline call want done, and returns at once. It takes ownership of the plan. False: there is no
// room, and the actions are lost; that is logged and counted here.
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

var errQueueFull = errors.New("too many wait for the ledger")

func (d *Dispatch) dropInline(l inlineActions, why error) {
	d.inline.bytes.Add(-l.bytes)
	if n := d.inline.dropped.Add(uint64(len(l.plan.Actions))); n&(n-1) == 0 { // each time there are twice as many
		d.log.Error("actions of inline calls were lost", "hook", l.hook, "so far", n, "error", why)
	}
}

// drainInline takes leavings to the ledger. When no more work is to be begun it takes what is there.
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

// recordInline is patient with a ledger that is full for a moment.
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
	for _, a := range actions {
		d.ensureLane(a.Destination)
	}
}
