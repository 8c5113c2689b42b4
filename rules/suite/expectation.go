package suite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// compare compares a decision with the expectation. Failures quote only the redacted decision.
func compare(h *rules.Hook, want *Expect, d, redacted *rules.Decision) (failures []Failure) {
	add := func(what, text string) {
		if text != "" {
			failures = append(failures, Failure{what, text})
		}
	}
	matched, failed, reasons := matchedAndFailed(h, d)
	if want.Rules != nil {
		add("rules", diffNames(want.Rules, matched))
	}
	if text := diffNames(want.Failed, failed); text != "" {
		add("failed", strings.Join(append([]string{text}, reasons...), "\n"))
	}
	if want.Actions != nil {
		add("actions", diffActions(want.Actions, d.Actions, redacted.Actions))
	}
	if h.Type.Inline() {
		compareAnswer(h, want, d, redacted, add)
	}
	return failures
}

// compareAnswer checks the answer against the contract and the expectation.
func compareAnswer(h *rules.Hook, want *Expect, d, redacted *rules.Decision, add func(what, text string)) {
	var answer jsondoc.Doc
	if err := answer.Parse(d.Answer, jsondoc.Limits{}); err != nil {
		add("contract", "the answer is no JSON: "+err.Error())
		return
	}
	var masked jsondoc.Doc
	if err := masked.Parse(redacted.Answer, jsondoc.Limits{}); err != nil {
		add("contract", "the answer without its secrets is no JSON: "+err.Error())
		return
	}
	root := answer.Root()
	for _, p := range hook.CheckAnswer(h.Type, root, h.Released...) {
		add("contract", strings.TrimPrefix(p.Path+": "+p.Message, ": "))
	}
	parts := []struct {
		what string
		want []byte
		of   func(answer jsondoc.Node) []byte
	}{
		{"answer", want.Answer, jsondoc.Node.Raw},
		{"commands", want.Commands, func(n jsondoc.Node) []byte { return rawOr(n.Get("commands"), "[]") }},
		{"error", want.Error, func(n jsondoc.Node) []byte { return errorPart(n, want.Error) }},
		{"claims", want.Claims, func(n jsondoc.Node) []byte { return claims(n.Get("commands")) }},
	}
	for _, part := range parts {
		if part.want != nil {
			add(part.what, diffJSON(part.want, part.of(root), part.of(masked.Root())))
		}
	}
}

// errorPart returns the part of an answer that expect.error describes: the error, or its
// errorSummary if a text is expected.
func errorPart(answer jsondoc.Node, want []byte) []byte {
	if bytes.HasPrefix(want, []byte(`"`)) {
		return rawOr(answer.Get("error").Get("errorSummary"), "null")
	}
	return rawOr(answer.Get("error"), "null")
}

// matchedAndFailed names the matching and the failed rules, with the reasons of failures.
func matchedAndFailed(h *rules.Hook, d *rules.Decision) (matched, failed, reasons []string) {
	names := h.RuleNames()
	for i := range d.Results {
		r := &d.Results[i]
		if r.Err != nil {
			failed = append(failed, names[r.Rule])
			reasons = append(reasons, fmt.Sprintf("%s: %s: %s%s", h.RuleAt(r.Rule), names[r.Rule], r.Err, d.Wrote(names[r.Rule])))
			continue
		}
		if r.Matched {
			matched = append(matched, names[r.Rule])
		}
	}
	return matched, failed, reasons
}

func diffNames(want, got []string) string {
	if slices.Equal(want, got) {
		return ""
	}
	return fmt.Sprintf("want %s\ngot  %s", joinNames(want), joinNames(got))
}

func joinNames(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func rawOr(n jsondoc.Node, missing string) []byte {
	if n.Kind() == jsondoc.Missing {
		return []byte(missing)
	}
	return n.Raw()
}

// claims collects the claims that commands add or replace (hooks.md section 4), as {"id": {name:
// value}, "access": {...}}. A claim beneath another keeps its path as name: employee/manager.
func claims(commands jsondoc.Node) []byte {
	all := map[string]map[string]json.RawMessage{}
	for c := range commands.Elements() {
		token := map[string]string{"com.okta.identity.patch": "id", "com.okta.access.patch": "access"}[c.Get("type").Text()]
		if token == "" {
			continue
		}
		for op := range c.Get("value").Elements() {
			root, path, _ := jsondoc.CutPointer(op.Get("path").Text())
			name, below, ok := jsondoc.CutPointer(path)
			if kind := op.Get("op").Text(); !ok || root != "claims" || kind != "add" && kind != "replace" {
				continue
			}
			if all[token] == nil {
				all[token] = map[string]json.RawMessage{}
			}
			if below != "" {
				name = path[1:]
			}
			all[token][name] = op.Get("value").Raw()
		}
	}
	text, _ := json.Marshal(all) // the values are valid JSON
	return text
}
