package rules

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// masked is the draft of the rule under way as a trace shows it. One that carries secrets is written once more without them.
func masked(k *chain, r *rule) string {
	switch {
	case r.module: // whose ways with a secret nobody can follow
		return string(k.hook.Conceal(k.event, bytes.Clone(k.draft.JSON)))
	case !r.veiled || len(k.draft.JSON) == 0:
		return string(k.draft.JSON)
	}
	var m runtime.Meter
	m.Start(k.hook.Budget, time.Now(), time.Time{})
	outer, drawn := k.run.Meter, k.run.Scratch.Drawn
	k.run.Meter, k.run.Scratch.Masked = &m, true
	defer func() { k.run.Meter, k.run.Scratch.Masked, k.run.Scratch.Drawn = outer, false, drawn }()
	var d hook.Draft
	if err := r.program.Run(&k.run, &d); err != nil {
		return expr.Mask
	}
	return string(d.JSON)
}

// shortest is how long a secret is that is looked for inside other texts.
const shortest = 4

// Conceal puts expr.Mask where a JSON text that was made of a call has the call's secrets, as they came: for actions and
// answers that are shown to somebody.
func (h *Hook) Conceal(call hook.Node, text []byte) []byte {
	for _, path := range expr.Secrets(h.Type) {
		n := under(call, path)
		switch secret := hook.AppendEscaped(nil, n.Text()); {
		case n.Kind() == hook.Number: // a number stays one, wherever it stands
			text = bytes.ReplaceAll(text, n.Raw(), bytes.Repeat([]byte("9"), len(n.Raw())))
		case n.Kind() != hook.String:
		case len(secret) >= shortest:
			text = bytes.ReplaceAll(text, secret, []byte(expr.Mask))
		default:
			text = bytes.ReplaceAll(text, []byte(`"`+string(secret)+`"`), []byte(`"`+expr.Mask+`"`))
		}
	}
	return text
}

// ConcealText is Conceal for a text that is no JSON.
func (h *Hook) ConcealText(call hook.Node, text string) string {
	var shown string
	if json.Unmarshal(h.Conceal(call, hook.AppendString(nil, text)), &shown) != nil {
		return expr.Mask
	}
	return shown
}
