package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/tenterhook/tenterhook/engine/dispatch"
	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// recordAnswered hands the lasting parts of an answered inline call to the ledger: its id and the
// actions of its rules. It does not wait for the disk: both are durable some time after the answer,
// or lost if the machine fails before.
func (h *Hook) recordAnswered(c *hook.Call, d *rules.Decision) {
	events := h.e.o.Ledger
	if events == nil {
		return
	}
	var id ledger.ID
	if c.ID != "" {
		id = ledger.Key(h.Rules.Name, c.ID)
		events.Note(id)
	}
	if len(d.Actions) == 0 {
		return
	}
	if c.ID == "" { // never a hash of the body: it may hold a password
		rand.Read(id[:])
	}
	h.e.dispatch.Enqueue(h.Rules.Name, id, h.plan(d))
}

// plan returns the actions of a decision for dispatch.
func (h *Hook) plan(d *rules.Decision) dispatch.Plan {
	return dispatch.Plan{Revision: h.revision, Actions: slices.Clone(d.Actions)}
}

// decideEvent runs the rules of an event hook for dispatch, under the live Set, and logs rules that
// fail.
func (e *Engine) decideEvent(c *hook.Call) (dispatch.Plan, error) { return e.runEvent(c, e.log) }

// redecideEvent is decideEvent for rules that ran before. Their failure is logged once already, and
// dispatch logs the event's end.
func (e *Engine) redecideEvent(c *hook.Call) (dispatch.Plan, error) { return e.runEvent(c, nil) }

func (e *Engine) runEvent(c *hook.Call, failures *decisionLog) (dispatch.Plan, error) {
	l := e.Lease()
	defer l.Release()
	if !l.Held() {
		return dispatch.Plan{}, dispatch.ErrNoHook
	}
	h := l.Named(c.Hook)
	if h == nil || h.Rules.Type != hook.EventHook {
		return dispatch.Plan{Revision: l.l.revision}, dispatch.ErrNoHook
	}
	d := decisions.Get().(*rules.Decision)
	h.decide(c, d)
	h.recordDecision(c, d, failures)
	p, err := h.plan(d), h.ruleErrors(d)
	for _, r := range d.Results {
		if r.Matched {
			p.Rules = append(p.Rules, h.ruleStats[r.Rule].rule)
		}
	}
	decisions.Put(d)
	return p, err
}

// ruleErrors returns the failures of an event hook's rules, without values from the event, or nil.
func (h *Hook) ruleErrors(d *rules.Decision) error {
	var failed dispatch.RuleFailures
	for _, r := range d.Results {
		if r.Err != nil {
			failed = append(failed, fmt.Sprintf("rule %q failed: %s", h.ruleStats[r.Rule].rule, runtime.Reason(r.Err)))
		}
	}
	switch {
	case failed != nil:
		return failed
	case d.Outcome == rules.Failed:
		return errors.New("the rules failed")
	}
	return nil
}

// Finish stops new deliveries to destinations. It waits for those in progress until the context
// ends, and leaves the others in the ledger. The caller calls it after the last call, before Close.
func (e *Engine) Finish(ctx context.Context) {
	if e.dispatch != nil {
		e.dispatch.Close(ctx)
	}
}
