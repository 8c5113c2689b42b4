package dispatch

import (
	"errors"
	"slices"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// rerun is an event whose rules are to run again, because not all of them came to their end. What the rules in done asked for is
// planned already: they are run with the others, for the sake of those, and what they ask for now is not planned a second time.
type rerun struct {
	payload []byte
	done    []string
}

// encode is the rerun as the ledger keeps it: the delivery, or an object of done and delivery.
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

// decodeRerun reads what spec wrote. A delivery has data, and so is none of the other kind.
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

// ruleNames names the rules that want something done.
func (p Plan) ruleNames() (names []string) {
	for _, a := range p.Actions {
		if !slices.Contains(names, a.Rule) {
			names = append(names, a.Rule)
		}
	}
	return names
}

// rerunAction is the step of an event whose rules are to run again. It carries the event, so that it outlives the ledger's row.
func (d *Dispatch) rerunAction(hookName string, id ledger.ID, r rerun) ledger.Action {
	return ledger.Action{Destination: rulesLane, Key: idempotencyKey(hookName, id, rulesLane, 0), Spec: r.encode()}
}

// rerunRules runs the rules of an event that once could not be run to their end: because its hook was missing, because of a fault, or
// because an operator wants it. When some rule still fails, and another has something new to say, that is planned with a step for
// the rest; so each rerun that leaves one behind has fewer rules before it, and the last becomes the dead letter.
func (d *Dispatch) rerunRules(s ledger.Step) outcome {
	r := decodeRerun(s.Spec)
	p, err := d.runRules(s.Hook, r.payload)
	p.Actions = slices.DeleteFunc(p.Actions, func(a Action) bool { return slices.Contains(r.done, a.Rule) })
	switch {
	case errors.Is(err, ErrNoHook) && time.Since(s.Received) < d.o.Grace:
		return outcome{kind: retry, reason: err.Error(), after: absentBackoff(s.Attempts)}
	case err != nil && len(p.Actions) == 0:
		d.log.Warn("an event was given up", "hook", s.Hook, "event", s.ID.String(), "reason", shortReason(err))
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
	for _, a := range actions {
		d.ensureLane(a.Destination)
	}
	return outcome{kind: done}
}
