package dispatch

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// claimWindow is how many events are claimed and not planned: enough to fill a commit with plans.
const claimWindow = 128

// rulesLane is the name under which an event goes on whose rules could not be run. No destination can have it.
const rulesLane = "(rules)"

// claimEvents takes recorded events to the rules: hooks in turn, the events of each in the order of recording as far as they are as fast as
// each other.
func (d *Dispatch) claimEvents() {
	places := make(slots, claimWindow)
	for {
		n := places.acquire(d.startCtx, claimWindow/2)
		if n == 0 {
			break
		}
		tasks, err := d.o.Ledger.Claim(d.startCtx, n)
		places.release(n - len(tasks))
		for _, t := range tasks {
			d.goroutines.Go(func() {
				defer places.release(1)
				d.planEvent(t)
			})
		}
		if d.isLedgerStopped(err) || d.startCtx.Err() != nil {
			return
		}
		if err != nil {
			d.log.Error("claim events", "error", err)
			d.sleep(time.Second)
		}
	}
}

// planEvent runs the rules of one event and records what follows. When they cannot be run to their end, one of the steps is to run them
// again; it becomes a dead letter when that cannot be done either.
func (d *Dispatch) planEvent(t ledger.Task) {
	if !d.turns.enter(d.startCtx, t.Hook) {
		d.o.Ledger.Release(t)
		return
	}
	p, err := d.runRules(t.Hook, t.Payload)
	d.turns.leave()
	actions := d.ledgerActions(t.Hook, t.ID, p)
	if err != nil {
		d.log.Warn("the rules of an event could not be run", "hook", t.Hook, "event", t.Ref.String(), "reason", shortReason(err))
		actions = append(actions, d.rerunAction(t.Hook, t.ID, rerun{t.Payload, p.ruleNames()}))
	}
	planned := d.o.Ledger.Plan(d.workCtx, t, p.Revision, actions)
	if errors.Is(planned, ledger.ErrLarge) {
		err = planned
		actions = []ledger.Action{d.rerunAction(t.Hook, t.ID, rerun{payload: t.Payload})}
		planned = d.o.Ledger.Plan(d.workCtx, t, p.Revision, actions)
	}
	switch {
	case planned == nil:
	case errors.Is(planned, ledger.ErrGone): // an operator dropped it
		return
	case d.isLedgerStopped(planned), d.workCtx.Err() != nil:
		return
	default:
		d.log.Error("record what follows from an event", "hook", t.Hook, "event", t.Ref.String(), "error", planned)
		d.o.Ledger.Release(t)
		d.sleep(time.Second)
		return
	}
	d.eventStats.ran(err, len(actions), time.Since(t.Received))
	for _, a := range actions {
		d.ensureLane(a.Destination)
	}
}

// runRules runs the rules on the delivery of one event that a payload is. Nothing that happens in it reaches another event.
func (d *Dispatch) runRules(name string, payload []byte) (p Plan, err error) {
	defer func() {
		if r := recover(); r != nil {
			d.log.Error("a panic was caught: this is a bug", "hook", name, "panic", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			p, err = Plan{Revision: p.Revision}, errBug
		}
	}()
	var doc jsondoc.Doc
	if err := doc.Parse(payload, jsondoc.Limits{Bytes: len(payload)}); err != nil {
		return Plan{}, fmt.Errorf("%w: %w", errNotEvent, err)
	}
	events := doc.Root().Get("data").Get("events")
	if events.Len() != 1 || events.At(0).Kind() != jsondoc.Object {
		return Plan{}, errNotEvent
	}
	now := time.Now()
	c := &hook.Call{
		Hook: name, ID: doc.Root().Get("eventId").Text(), Type: hook.EventHook, Start: now, Deadline: now.Add(d.o.Budget), Doc: &doc,
	}
	return d.o.Decide(c)
}

var (
	errNotEvent = errors.New("this is no event")
	errBug      = errors.New("a fault of the server's")
)

// shortReason is an error's text, for a reason.
func shortReason(err error) string {
	const most = 300
	text := err.Error()
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}

// sleep waits, but not longer than there is work to be begun.
func (d *Dispatch) sleep(t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.startCtx.Done():
	}
}

// slots bounds how many do something at one time.
type slots chan struct{}

// acquire waits for a place, takes up to most that are free, and returns how many: 0 when the context ended.
func (p slots) acquire(ctx context.Context, most int) int {
	select {
	case p <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	for n := 1; n < most; n++ {
		select {
		case p <- struct{}{}:
		default:
			return n
		}
	}
	return most
}

func (p slots) release(n int) {
	for range n {
		<-p
	}
}
