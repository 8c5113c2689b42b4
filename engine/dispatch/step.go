package dispatch

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// ledgerActions converts a plan's actions for the ledger. An action without a key of its rule gets
// one here, once.
func (d *Dispatch) ledgerActions(hookName string, id ledger.ID, p Plan) []ledger.Action {
	actions := make([]ledger.Action, len(p.Actions))
	nth := make(map[string]int, len(p.Actions)) // by rule
	for i, a := range p.Actions {
		actions[i] = ledger.Action{Destination: a.To, Key: a.Key, Spec: a.JSON}
		if actions[i].Key == "" {
			actions[i].Key = idempotencyKey(hookName, id, a.Rule, nth[a.Rule])
		}
		nth[a.Rule]++
	}
	return actions
}

// idempotencyKey is the key of a rule's nth action on an event or an inline call: 32 hexadecimal
// digits that depend on the arguments only.
func idempotencyKey(hookName string, id ledger.ID, rule string, nth int) string {
	b := append([]byte("step\x00"), id[:]...)
	for _, s := range []string{hookName, rule} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	sum := sha256.Sum256(binary.AppendUvarint(b, uint64(nth)))
	return hex.EncodeToString(sum[:16])
}

// outletStep converts a ledger's step for the outlet.
func outletStep(s ledger.Step) (outlet.Step, error) {
	var doc jsondoc.Doc
	if err := doc.Parse(s.Spec, jsondoc.Limits{Bytes: len(s.Spec)}); err != nil {
		return outlet.Step{}, fmt.Errorf("%w: parse its action: %w", outlet.ErrStep, err)
	}
	a := doc.Root()
	return outlet.Step{
		Destination: s.Destination, Key: s.Key, Attempt: s.Attempts + 1,
		Method: cloneText(a.Get("method")), Encoding: cloneText(a.Get("encoding")), Path: cloneText(a.Get("path")),
		Query: textMap(a.Get("query")), Headers: textMap(a.Get("headers")), Body: a.Get("body").Raw(),
	}, nil
}

// cloneText copies a node's text, which shares the memory of its Doc.
func cloneText(n jsondoc.Node) string { return strings.Clone(n.Text()) }

// textMap converts an object of texts.
func textMap(n jsondoc.Node) map[string]string {
	if n.Len() == 0 {
		return nil
	}
	m := make(map[string]string, n.Len())
	for name, value := range n.Members() {
		m[strings.Clone(name)] = cloneText(value)
	}
	return m
}
