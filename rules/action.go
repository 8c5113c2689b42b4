package rules

import (
	"slices"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
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

// actions puts what the rules want to be done into d, in memory of its own.
func (k *chain) actions(d *Decision) {
	all := k.merge.Actions()
	if len(all) == 0 {
		return
	}
	k.text = k.text[:0]
	for i := range all {
		a := &all[i]
		to := k.hook.destination(a.To)
		start := len(k.text)
		k.text = a.Append(k.text, k.body(a, to, d.Outcome))
		d.Actions = append(d.Actions, Action{Rule: k.senders[i], To: to.Name, JSON: k.text[start:]})
	}
	kept := make([]byte, 0, len(k.text)) // nobody else's, for as long as they want
	for i := range d.Actions {
		a := &d.Actions[i]
		start := len(kept)
		kept = append(kept, a.JSON...)
		a.JSON = kept[start:len(kept):len(kept)]
	}
}

// body is what an action is sent that has no body of its own; empty when it has one, or wants none.
func (k *chain) body(a *hook.Action, to *Destination, o Outcome) []byte {
	switch {
	case a.HasBody() || !to.hasBody(a.Method()):
		return nil
	case k.hook.Type.Inline():
		return k.tell(a.Rule, o)
	}
	return k.event.Raw()
}

// tell is the body of an inline hook's action whose rule gives none: which rule it was, of which call.
func (k *chain) tell(rule string, o Outcome) []byte {
	b := runtime.AppendQuoted([]byte(`{"hook":`), k.hook.Name)
	b = runtime.AppendQuoted(append(b, `,"rule":`...), rule)
	for _, name := range []string{"eventType", "eventId", "eventTime", "source"} {
		if n := k.event.Get(name); n.Kind() == hook.String {
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
