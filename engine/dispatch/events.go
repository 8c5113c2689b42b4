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

// window is how many events are claimed and not planned: enough to fill a commit with plans.
const window = 128

// rulesLane is the name under which an event goes on whose rules could not be run. No destination can have it.
const rulesLane = "(rules)"

// claim takes recorded events to the rules: hooks in turn, the events of each in the order of recording as far as they are as fast as
// each other.
func (d *Dispatch) claim() {
	places := make(places, window)
	for {
		n := places.enter(d.ctx, window/2)
		if n == 0 {
			break
		}
		tasks, err := d.o.Ledger.Claim(d.ctx, n)
		places.leave(n - len(tasks))
		for _, t := range tasks {
			d.all.Go(func() {
				defer places.leave(1)
				d.event(t)
			})
		}
		if d.stopped(err) || d.ctx.Err() != nil {
			return
		}
		if err != nil {
			d.log.Error("claim events", "error", err)
			d.pause(time.Second)
		}
	}
}

// event runs the rules of one event and records what follows. When they cannot be run to their end, one of the steps is to run them
// again; it becomes a dead letter when that cannot be done either.
func (d *Dispatch) event(t ledger.Task) {
	if !d.turns.enter(d.ctx, t.Hook) {
		d.o.Ledger.Release(t)
		return
	}
	p, err := d.decide(t.Hook, t.Payload)
	d.turns.leave()
	actions := d.steps(t.Hook, t.ID, p)
	if err != nil {
		d.log.Warn("the rules of an event could not be run", "hook", t.Hook, "event", t.Ref.String(), "reason", brief(err))
		actions = append(actions, d.again(t.Hook, t.ID, rerun{t.Payload, p.rules()}))
	}
	planned := d.o.Ledger.Plan(d.hard, t, p.Revision, actions)
	if errors.Is(planned, ledger.ErrLarge) {
		err = planned
		actions = []ledger.Action{d.again(t.Hook, t.ID, rerun{payload: t.Payload})}
		planned = d.o.Ledger.Plan(d.hard, t, p.Revision, actions)
	}
	switch {
	case planned == nil:
	case errors.Is(planned, ledger.ErrGone): // an operator dropped it
		return
	case d.stopped(planned), d.hard.Err() != nil:
		return
	default:
		d.log.Error("record what follows from an event", "hook", t.Hook, "event", t.Ref.String(), "error", planned)
		d.o.Ledger.Release(t)
		d.pause(time.Second)
		return
	}
	d.tallies.ran(err, len(actions), time.Since(t.Received))
	for _, a := range actions {
		d.lane(a.Destination)
	}
}

// decide runs the rules on the delivery of one event that a payload is. Nothing that happens in it reaches another event.
func (d *Dispatch) decide(name string, payload []byte) (p Plan, err error) {
	defer func() {
		if r := recover(); r != nil {
			d.log.Error("a panic was caught: this is a bug", "hook", name, "panic", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			p, err = Plan{Revision: p.Revision}, errBug
		}
	}()
	var doc jsondoc.Doc
	if err := doc.Parse(payload, jsondoc.Limits{Bytes: len(payload)}); err != nil {
		return Plan{}, fmt.Errorf("%w: %w", errPayload, err)
	}
	events := doc.Root().Get("data").Get("events")
	if events.Len() != 1 || events.At(0).Kind() != jsondoc.Object {
		return Plan{}, errPayload
	}
	now := time.Now()
	c := &hook.Call{
		Hook: name, ID: doc.Root().Get("eventId").Text(), Type: hook.EventHook, Start: now, Deadline: now.Add(d.o.Budget), Doc: &doc,
	}
	return d.o.Decide(c)
}

var (
	errPayload = errors.New("this is no event")
	errBug     = errors.New("a fault of the server's")
)

// brief is an error's text, for a reason.
func brief(err error) string {
	const most = 300
	text := err.Error()
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}

// pause waits, but not longer than there is work to be begun.
func (d *Dispatch) pause(t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.ctx.Done():
	}
}

// places bounds how many do something at one time.
type places chan struct{}

// enter waits for a place, takes up to most that are free, and returns how many: 0 when the context ended.
func (p places) enter(ctx context.Context, most int) int {
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

func (p places) leave(n int) {
	for range n {
		<-p
	}
}
