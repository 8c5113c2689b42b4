package dispatch

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/engine/fair"
	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// claimWindow bounds the events that are claimed and not planned: enough to fill a commit with
// plans.
const claimWindow = 128

// rulesLane is the lane of events whose rules must run again. No destination can have this name.
const rulesLane = "(rules)"

// claimEvents claims recorded events and runs their rules: hooks in turn, the events of one hook in
// the order of recording as far as their rules take the same time.
func (d *Dispatch) claimEvents() {
	window := fair.New[struct{}](claimWindow)
	for {
		n := window.AcquireUpTo(d.startCtx, struct{}{}, claimWindow/2)
		if n == 0 {
			break
		}
		tasks, err := d.o.Ledger.Claim(d.startCtx, n)
		window.Release(n - len(tasks))
		for _, t := range tasks {
			d.goroutines.Go(func() {
				defer window.Release(1)
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

// planEvent runs the rules of one event and records the plan. If rules failed, one step of the plan
// is their rerun, which becomes a dead letter if they fail again.
func (d *Dispatch) planEvent(t ledger.Task) {
	if d.ruleSlots.Acquire(d.startCtx, t.Hook) != nil {
		d.o.Ledger.Release(t)
		return
	}
	p, err := d.runRules(d.o.Decide, t.Hook, t.Payload)
	d.ruleSlots.Release(1)
	actions := d.ledgerActions(t.Hook, t.ID, p)
	if err != nil {
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
	case errors.Is(planned, ledger.ErrGone): // an operator dropped the event
		return
	case d.isLedgerStopped(planned), d.workCtx.Err() != nil:
		return
	default:
		d.log.Error("record the plan of an event", "hook", t.Hook, "event", t.Entry, "error", planned)
		d.o.Ledger.Release(t)
		d.sleep(time.Second)
		return
	}
	d.logPlan(t, p, actions, err)
	d.metrics.countEvent(err, len(actions), time.Since(t.Received))
	d.ensureLanes(actions)
}

// logPlan logs the rules of an event and its destinations. Decide has logged the failures of rules.
func (d *Dispatch) logPlan(t ledger.Task, p Plan, actions []ledger.Action, err error) {
	var destinations []string
	for _, a := range actions {
		destinations = append(destinations, a.Destination)
	}
	level, attrs := slog.LevelInfo, []any{"hook", t.Hook, "event", t.Entry,
		"rules", strings.Join(p.Rules, ","), "destinations", strings.Join(destinations, ",")}
	if _, logged := errors.AsType[RuleFailures](err); err != nil && !logged {
		level, attrs = slog.LevelWarn, append(attrs, "error", shortReason(err))
	}
	d.log.Log(d.startCtx, level, "event planned", attrs...)
}

// runRules decides on a payload, the delivery of one event. A panic fails only this event.
func (d *Dispatch) runRules(decide func(*hook.Call) (Plan, error), name string, payload []byte) (p Plan, err error) {
	defer func() {
		if r := recover(); r != nil {
			d.log.Error("recovered from a panic: this is a bug", "hook", name, "panic", fmt.Sprintf("%T", r),
				"stack", string(debug.Stack()))
			p, err = Plan{Revision: p.Revision}, errBug
		}
	}()
	var doc jsondoc.Doc
	if err := doc.Parse(payload, jsondoc.Limits{Bytes: len(payload)}); err != nil {
		return Plan{}, fmt.Errorf("%w: %w", errNotEvent, err)
	}
	events := hook.Events(doc.Root())
	if events.Len() != 1 || events.At(0).Kind() != jsondoc.Object {
		return Plan{}, errNotEvent
	}
	now := time.Now()
	return decide(&hook.Call{
		Hook: name, ID: doc.Root().Get("eventId").Text(), Type: hook.EventHook, Doc: &doc,
		Start: now, Deadline: now.Add(d.o.Budget),
	})
}

var (
	errNotEvent = errors.New("the payload is not a delivery of one event")
	errBug      = errors.New("a bug of the server")
)

// shortReason is an error's text, cut for the ledger and the log.
func shortReason(err error) string {
	const limit = 300
	text := err.Error()
	if len(text) > limit {
		return text[:limit] + "..."
	}
	return text
}
