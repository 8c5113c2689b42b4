package rules

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// maskedDraft is the draft of the rule under way as a trace shows it. One that carries secrets is written once more without them.
func maskedDraft(k *chain, r *rule) string {
	switch {
	case r.module: // whose ways with a secret nobody can follow
		return string(k.hook.Conceal(k.event, bytes.Clone(k.draft.JSON)))
	case !r.tainted || len(k.draft.JSON) == 0:
		return string(k.draft.JSON)
	}
	var m runtime.Meter
	m.Start(k.hook.Budget, time.Now(), time.Time{})
	if k.run.Background {
		m.ExcludeTime(testLeniency)
	}
	outer, drawn := k.run.Meter, k.run.Scratch.Draws
	k.run.Meter, k.run.Scratch.Masked = &m, true
	defer func() { k.run.Meter, k.run.Scratch.Masked, k.run.Scratch.Draws = outer, false, drawn }()
	var d hook.Draft
	if err := r.program.Run(&k.run, &d); err != nil {
		return expr.Mask
	}
	return string(d.JSON)
}

// Redacted is d, which the hook has decided on c, as somebody may see it: its answer, actions and logs do not have the call's
// secrets. Where a rule wrote something that carries one, in whatever form, everything is decided once more with expr.Mask in
// its place; if that comes to anything else, the Mask is all there is to see.
func (h *Hook) Redacted(c *hook.Call, d *Decision) *Decision {
	if !h.Type.HasSecrets() {
		return d
	}
	shown := *d
	if slices.ContainsFunc(d.Results, func(r RuleResult) bool { return h.rules[r.Rule].tainted }) {
		shown = h.decideMasked(c, d)
	}
	call := c.Doc.Root()
	shown.Answer = h.Conceal(call, bytes.Clone(shown.Answer))
	shown.Actions, shown.Logs = slices.Clone(shown.Actions), slices.Clone(shown.Logs)
	for i, a := range shown.Actions {
		shown.Actions[i].JSON = h.Conceal(call, bytes.Clone(a.JSON))
	}
	for i, l := range shown.Logs {
		shown.Logs[i].Text = h.ConcealText(call, l.Text)
	}
	return &shown
}

// decideMasked is d with what masked rules write, or nothing but Masks where they do not end as they did.
func (h *Hook) decideMasked(c *hook.Call, d *Decision) Decision {
	call := *c
	if call.Start = time.Now(); !c.Deadline.IsZero() {
		call.Deadline = call.Start.Add(c.Deadline.Sub(c.Start))
	}
	m, shown := Decision{Masked: true, Fixed: d.Fixed}, *d
	h.Decide(&call, &m)
	if m.Outcome == d.Outcome && len(m.Results) == len(d.Results) && len(m.Actions) == len(d.Actions) && len(m.Logs) == len(d.Logs) {
		shown.Answer, shown.Actions, shown.Logs = m.Answer, m.Actions, m.Logs
		return shown
	}
	mask := jsondoc.AppendString(nil, expr.Mask)
	shown.Answer, shown.Actions, shown.Logs = mask, slices.Clone(d.Actions), slices.Clone(d.Logs)
	for i := range shown.Actions {
		shown.Actions[i].JSON = mask
	}
	for i := range shown.Logs {
		shown.Logs[i].Text = expr.Mask
	}
	return shown
}

// minSecretLength is how long a secret is that is looked for inside other texts.
const minSecretLength = 4

// Conceal puts expr.Mask where a JSON text that was made of a call has the call's secrets, as they came: for actions and
// answers that are shown to somebody.
func (h *Hook) Conceal(call jsondoc.Node, text []byte) []byte {
	for _, path := range h.Type.Secrets() {
		n := under(call, path)
		switch secret := jsondoc.AppendEscaped(nil, n.Text()); {
		case n.Kind() == jsondoc.Number: // a number stays one, wherever it stands
			text = bytes.ReplaceAll(text, n.Raw(), bytes.Repeat([]byte("9"), len(n.Raw())))
		case n.Kind() != jsondoc.String:
		case len(secret) >= minSecretLength:
			text = bytes.ReplaceAll(text, secret, []byte(expr.Mask))
		default:
			text = bytes.ReplaceAll(text, []byte(`"`+string(secret)+`"`), []byte(`"`+expr.Mask+`"`))
		}
	}
	return text
}

// ConcealText is Conceal for a text that is no JSON.
func (h *Hook) ConcealText(call jsondoc.Node, text string) string {
	var shown string
	if json.Unmarshal(h.Conceal(call, jsondoc.AppendString(nil, text)), &shown) != nil {
		return expr.Mask
	}
	return shown
}
