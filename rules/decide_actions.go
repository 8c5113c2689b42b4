package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules/destination"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// maxActionBytes limits the actions of one decision with their bodies, in bytes: a rule can ask for
// 256 copies of a large event. The ledger stores that much in one plan, beside the event.
const maxActionBytes = 12 << 20

// droppedAction is the sender of an action that is not made.
const droppedAction = -1

// reserveActions reserves space for all actions of the current rule, or for none if they exceed the
// limit. It copies nothing yet.
func (k *chain) reserveActions() (err error) {
	all, sender, size := k.merge.Actions(), k.rule, k.actionBytes
	for i := len(k.senders); i < len(all); i++ {
		a := &all[i]
		size += len(a.JSON) + len(`,"body":`)
		if to := k.hook.destination(a.To); !k.hook.Type.Inline() && wantsBody(a, to) {
			size += len(k.event.Raw())
		}
	}
	if size <= maxActionBytes {
		k.meter.Spend(int64(size-k.actionBytes) >> 6)
		k.actionBytes = size
	} else {
		sender, err = droppedAction, fmt.Errorf("%w: more than %d MiB of actions", runtime.ErrOutput, maxActionBytes>>20)
	}
	for len(k.senders) < len(all) {
		k.senders = append(k.senders, sender)
	}
	return err
}

// actions sets the actions of d, which never change afterwards. Their JSON is compact, has no null
// but body's, and has its own memory.
//
// An action without a body gets one unless its method is GET or DELETE: the event on an event hook;
// otherwise hook, rule, eventType, eventId, eventTime, source and outcome of the call, and nothing
// from the call's data.
func (k *chain) actions(d *Decision) {
	if k.actionBytes == 0 {
		return
	}
	buffer := make([]byte, 0, k.actionBytes)
	all := k.merge.Actions()
	for i := range all {
		a := &all[i]
		if k.senders[i] == droppedAction {
			continue
		}
		to := k.hook.destination(a.To)
		start := len(buffer)
		buffer = a.Append(buffer, k.body(a, to, d.Outcome))
		rule := k.hook.rules[k.senders[i]].name
		d.Actions = append(d.Actions, hook.Action{
			Rule: rule, To: to.Name, Key: strings.Clone(a.Key), JSON: buffer[start:len(buffer):len(buffer)],
		})
	}
}

// body returns the default body of an action, or nil if the action has one or needs none.
func (k *chain) body(a *hook.Action, to *destination.Spec, o Outcome) []byte {
	switch {
	case !wantsBody(a, to):
		return nil
	case k.hook.Type.Inline():
		return k.defaultBody(a.Rule, o)
	}
	return k.event.Raw()
}

// wantsBody reports whether an action gets a default body.
func wantsBody(a *hook.Action, to *destination.Spec) bool {
	return !a.HasBody() && to.HasBody(a.Method())
}

// defaultBody returns the body of an inline hook's action without one: the hook, the rule and the
// identity of the call. It omits values that are longer than any of Okta's, because of
// maxActionBytes.
func (k *chain) defaultBody(rule string, o Outcome) []byte {
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

// destination returns the destination of an action. The merge accepts only known names.
func (h *Hook) destination(name string) *destination.Spec {
	return &h.destinations[slices.Index(h.names, name)]
}
