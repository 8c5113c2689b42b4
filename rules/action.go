package rules

import (
	"fmt"
	"slices"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Action is one delivery that a rule asks for, to be made once the answer is out. JSON is an object with to, and those of
// method, path, query, headers, encoding, body and key that the rule gives or that have a default; it is compact, has
// no null but body's, and is never changed afterwards.
//
// An action without a body of its own is sent the event, if it is an event hook's; else hook, rule, eventType, eventId,
// eventTime, source and outcome of the call, and nothing of what the call says. A GET or DELETE is sent none.
type Action struct {
	Rule int    // its place in the hook, from 0
	To   string // the destination's name
	JSON []byte
}

// mostActions bounds the actions of one decision, in bytes with the bodies they are given: a rule can ask for 256 copies of
// an event of megabytes. The ledger keeps that much in one plan, and the event beside it.
const mostActions = 12 << 20

// dropped is among the senders for an action that is not made.
const dropped = -1

// afford takes the actions of the rule under way, or none of them when there is no room for all. Nothing is copied yet.
func (k *chain) afford() (err error) {
	all, sender, size := k.merge.Actions(), k.rule, k.asked
	for i := len(k.senders); i < len(all); i++ {
		a := &all[i]
		size += len(a.JSON) + len(`,"body":`)
		if to := k.hook.destination(a.To); !k.hook.Type.Inline() && wantsBody(a, to) {
			size += len(k.event.Raw())
		}
	}
	if size <= mostActions {
		k.meter.Spend(int64(size-k.asked) >> 6)
		k.asked = size
	} else {
		sender, err = dropped, fmt.Errorf("%w: more than %d MiB of actions", runtime.ErrOutput, mostActions>>20)
	}
	for len(k.senders) < len(all) {
		k.senders = append(k.senders, sender)
	}
	return err
}

// actions puts what the rules want to be done into d, in memory of its own.
func (k *chain) actions(d *Decision) {
	if k.asked == 0 {
		return
	}
	kept := make([]byte, 0, k.asked) // nobody else's, for as long as they want
	all := k.merge.Actions()
	for i := range all {
		a := &all[i]
		if k.senders[i] == dropped {
			continue
		}
		to := k.hook.destination(a.To)
		start := len(kept)
		kept = a.Append(kept, k.body(a, to, d.Outcome))
		d.Actions = append(d.Actions, Action{Rule: k.senders[i], To: to.Name, JSON: kept[start:len(kept):len(kept)]})
	}
}

// body is what an action is sent that has no body of its own; empty when it has one, or wants none.
func (k *chain) body(a *hook.Action, to *Destination, o Outcome) []byte {
	switch {
	case !wantsBody(a, to):
		return nil
	case k.hook.Type.Inline():
		return k.tell(a.Rule, o)
	}
	return k.event.Raw()
}

// wantsBody reports whether an action is to be given a body.
func wantsBody(a *hook.Action, to *Destination) bool { return !a.HasBody() && to.hasBody(a.Method()) }

// tell is the body of an inline hook's action whose rule gives none: which rule it was, of which call. What is longer than
// anything Okta says there is left out, for the same reason as there is mostActions.
func (k *chain) tell(rule string, o Outcome) []byte {
	b := jsondoc.AppendString([]byte(`{"hook":`), k.hook.Name)
	b = jsondoc.AppendString(append(b, `,"rule":`...), rule)
	for _, name := range []string{"eventType", "eventId", "eventTime", "source"} {
		if n := k.event.Get(name); n.Kind() == jsondoc.String && len(n.Raw()) <= 1024 {
			b = append(append(append(b, `,"`...), name...), `":`...)
			b = append(b, n.Raw()...)
		}
	}
	return append(append(append(b, `,"outcome":"`...), o.String()...), `"}`...)
}

// destination finds what an action is sent to. The merge has let no other names through.
func (h *Hook) destination(name string) *Destination {
	return &h.destinations[slices.Index(h.names, name)]
}

// hasBody reports whether what is sent by the method has a body. Files and stdout are lines, and those are bodies.
func (d *Destination) hasBody(method string) bool {
	if method == "" {
		method = d.Method
	}
	return d.File != "" || d.Stdout || method != "GET" && method != "DELETE"
}
