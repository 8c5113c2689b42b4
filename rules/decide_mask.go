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

// draftForTrace returns the draft of the current rule for a trace. A draft with secrets is rendered
// again with masks.
func draftForTrace(k *chain, r *rule) string {
	switch {
	case r.module: // taint does not reach into a module
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

// Redacted returns the decision d on c for display: answer, actions and logs hold no secrets of the
// call. If a matching rule is tainted, the call is decided again with expr.Mask in place of
// secrets; if that decision differs, only masks are shown.
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

// decideMasked decides again with masks, and returns only masks if the decision differs from d.
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

// minSecretLength is the length from which a secret is searched inside other texts, in bytes.
const minSecretLength = 4

// Conceal replaces the unmodified secrets of a call in a JSON text by expr.Mask, for display of
// actions and answers.
func (h *Hook) Conceal(call jsondoc.Node, text []byte) []byte {
	for _, path := range h.Type.Secrets() {
		n := memberAt(call, path)
		switch secret := jsondoc.AppendEscaped(nil, n.Text()); {
		case n.Kind() == jsondoc.Number: // a number is replaced by a number, to keep the JSON valid
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

// ConcealText is Conceal for plain text.
func (h *Hook) ConcealText(call jsondoc.Node, text string) string {
	var shown string
	if json.Unmarshal(h.Conceal(call, jsondoc.AppendString(nil, text)), &shown) != nil {
		return expr.Mask
	}
	return shown
}
