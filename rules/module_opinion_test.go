package rules_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
)

// TestOpinion: a module without an opinion counts as a rule that does not match, and a denial ends
// the chain like deny.
func TestOpinion(t *testing.T) {
	h := newModuleFolder(t, policy("registration", "", `
- {name: module, stop: true, log: it matched, wasm: modules/strict.wasm, with: {}}
- {name: refuses, wasm: modules/strict.wasm, with: {}}
- {name: after, debug: {after: true}}`), "strict")
	hk := h.openSet(rules.Options{}).Hook("h")
	d := decideCall(t, hk, `{"data":{}}`, nil)
	if len(d.Trace.Rules) != 3 || string(d.Answer) != `{"debugContext":{"after":true}}` || len(d.Logs) != 0 {
		t.Errorf("without an opinion: %s, logs %v, %+v", d.Answer, d.Logs, d.Trace.Rules)
	}
	if r := d.Results; len(r) != 3 || r[0].Matched || r[0].Time <= 0 || r[0].Memory == 0 || !r[2].Matched {
		t.Errorf("without an opinion: %+v", r)
	}
	d = decideCall(t, hk, `{"data":{"evil":true}}`, nil)
	if len(d.Trace.Rules) != 1 || d.Outcome != rules.Denied || !d.Results[0].Matched || len(d.Logs) != 1 {
		t.Errorf("with one: %s, logs %v, %+v", d.Answer, d.Logs, d.Trace.Rules)
	}
	h.files["policy.yaml"] = []byte(policy("registration", "", "- {name: refuses, wasm: modules/strict.wasm, with: {}}\n- {name: after, debug: {after: true}}"))
	hk = h.openSet(rules.Options{}).Hook("h")
	if d = decideCall(t, hk, `{"data":{"evil":true}}`, nil); len(d.Trace.Rules) != 1 || strings.Contains(string(d.Answer), "after") {
		t.Errorf("a refusal: %s, %+v", d.Answer, d.Trace.Rules)
	}
}

// TestWithout: a module that requires `with` is rejected at load if the rule has none, like a module
// that rejects its `with`.
func TestWithout(t *testing.T) {
	h := newModuleFolder(t, policy("registration", "", "- {name: r, wasm: modules/strict.wasm}"), "strict")
	_, err := rules.Load(folder.New(h.files), rules.Options{Modules: h.guests})
	problems, _ := errors.AsType[document.Problems](err)
	if !slices.ContainsFunc(problems, func(p document.Problem) bool {
		return !p.Warning && strings.Contains(p.Message, "rejected a rule without `with`") && strings.HasSuffix(p.Message, "it wrote: limit must be positive")
	}) {
		t.Errorf("got %v", err)
	}
}

// TestTraceTime: the duration of a rule does not depend on the fixed clock of a test.
func TestTraceTime(t *testing.T) {
	h := newModuleFolder(t, policy("registration", "", "- {name: r, wasm: modules/stamp.wasm}"), "stamp")
	hk := h.openSet(rules.Options{}).Hook("h")
	for _, year := range []int{1970, 2090} {
		d := decideCall(t, hk, `{}`, &rules.Fixed{Now: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)})
		if took := d.Trace.Rules[0].Time; took <= 0 || took > time.Hour {
			t.Errorf("in %d it took %v", year, took)
		}
	}
}
