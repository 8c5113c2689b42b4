package dispatch

import (
	"errors"
	"slices"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// rerun is an event whose rules must run again because some of them failed. The actions of the
// rules in done are planned already: these rules run again for the sake of the others, and their
// actions are ignored.
type rerun struct {
	payload []byte
	done    []string
}

// encode renders the rerun for the ledger: the delivery, or an object of done and delivery.
func (r rerun) encode() []byte {
	if len(r.done) == 0 {
		return r.payload
	}
	b := []byte(`{"done":`)
	for i, name := range r.done {
		b = jsondoc.AppendString(append(b, "[,"[min(i, 1)]), name)
	}
	b = append(append(b, `],"delivery":`...), r.payload...)
	return append(b, '}')
}

// decodeRerun parses the result of encode. A bare delivery has the member data, so the two forms
// cannot be confused.
func decodeRerun(spec []byte) rerun {
	var doc jsondoc.Doc
	if doc.Parse(spec, jsondoc.Limits{Bytes: len(spec)}) != nil {
		return rerun{payload: spec}
	}
	root := doc.Root()
	done, delivery := root.Get("done"), root.Get("delivery")
	if root.Len() != 2 || done.Kind() != jsondoc.Array || delivery.Kind() != jsondoc.Object {
		return rerun{payload: spec}
	}
	r := rerun{payload: delivery.Raw()}
	for name := range done.Elements() {
		r.done = append(r.done, cloneText(name))
	}
	return r
}

// ruleNames lists the rules with actions.
func (p Plan) ruleNames() (names []string) {
	for _, a := range p.Actions {
		if !slices.Contains(names, a.Rule) {
			names = append(names, a.Rule)
		}
	}
	return names
}

// rerunAction is the step of an event whose rules run again. It holds the event, because the
// ledger's row of the event ends with the plan.
func (d *Dispatch) rerunAction(hookName string, id ledger.ID, r rerun) ledger.Action {
	return ledger.Action{Destination: rulesLane, Key: idempotencyKey(hookName, id, rulesLane, 0), Spec: r.encode()}
}

// rerunRules runs the rules of an event again: its hook was missing, a rule failed, or an operator
// redrove it. If one rule still fails and another has new actions, these are planned together with
// a further rerun. Each rerun has fewer rules than the one before; the last one becomes the dead
// letter.
func (d *Dispatch) rerunRules(s ledger.Step) outcome {
	r := decodeRerun(s.Spec)
	p, err := d.runRules(d.o.Rerun, s.Hook, r.payload)
	p.Actions = slices.DeleteFunc(p.Actions, func(a hook.Action) bool { return slices.Contains(r.done, a.Rule) })
	switch {
	case errors.Is(err, ErrNoHook):
		return d.waitOrBury(s, ErrNoHook)
	case err != nil && len(p.Actions) == 0:
		return outcome{kind: bury, reason: shortReason(err)}
	}
	actions := d.ledgerActions(s.Hook, s.Event, p)
	if err != nil {
		actions = append(actions, d.rerunAction(s.Hook, s.Event, rerun{r.payload, append(r.done, p.ruleNames()...)}))
	}
	err = d.o.Ledger.Queue(d.workCtx, s.Hook, s.Event, p.Revision, actions)
	full := errors.Is(err, ledger.ErrFull) || errors.Is(err, ledger.ErrSpace)
	switch {
	case full && time.Since(s.Received) < d.o.Grace:
		return outcome{kind: retry, reason: err.Error(), after: max(absentBackoff(s.Attempts), 10*time.Second)}
	case full, errors.Is(err, ledger.ErrLarge):
		return outcome{kind: bury, reason: err.Error()}
	case err != nil:
		return outcome{kind: release}
	}
	d.ensureLanes(actions)
	return outcome{kind: done}
}
