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

// ledgerActions makes the ledger's actions out of a plan's. Each gets its idempotency key here, once.
func (d *Dispatch) ledgerActions(hookName string, id ledger.ID, p Plan) []ledger.Action {
	steps := make([]ledger.Action, len(p.Actions))
	nth := make(map[string]int, len(p.Actions)) // of a rule's actions
	for i, a := range p.Actions {
		steps[i] = ledger.Action{Destination: a.To, Key: customKey(a.JSON), Spec: a.JSON}
		if steps[i].Key == "" {
			steps[i].Key = idempotencyKey(hookName, id, a.Rule, nth[a.Rule])
		}
		nth[a.Rule]++
	}
	return steps
}

// customKey is the key that an action asks for, "" when it does not.
func customKey(action []byte) string {
	var doc jsondoc.Doc
	if doc.Parse(action, jsondoc.Limits{Bytes: len(action)}) != nil {
		return ""
	}
	return cloneText(doc.Root().Get("key"))
}

// idempotencyKey is the idempotency key of a rule's nth action on an event, or on an inline call: 32 hexadecimal digits, the same
// whenever and however often they are worked out.
func idempotencyKey(hookName string, id ledger.ID, rule string, nth int) string {
	b := append([]byte("step\x00"), id[:]...)
	for _, s := range []string{hookName, rule} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	sum := sha256.Sum256(binary.AppendUvarint(b, uint64(nth)))
	return hex.EncodeToString(sum[:16])
}

// outletStep is what the outlet is asked to deliver.
func outletStep(s ledger.Step) (outlet.Step, error) {
	var doc jsondoc.Doc
	if err := doc.Parse(s.Spec, jsondoc.Limits{Bytes: len(s.Spec)}); err != nil {
		return outlet.Step{}, fmt.Errorf("%w: what the rule wrote is no action: %w", outlet.ErrStep, err)
	}
	a := doc.Root()
	return outlet.Step{
		Destination: s.Destination, Key: s.Key, Attempt: s.Attempts + 1,
		Method: cloneText(a.Get("method")), Encoding: cloneText(a.Get("encoding")), Path: cloneText(a.Get("path")),
		Query: textMap(a.Get("query")), Headers: textMap(a.Get("headers")), Body: a.Get("body").Raw(),
	}, nil
}

// cloneText is a text of its own: a Node's shares the memory of its Doc.
func cloneText(n jsondoc.Node) string { return strings.Clone(n.Text()) }

// textMap reads an object of texts.
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
