package rules

import (
	"slices"
	"strings"
)

// What refuses or takes something away fails closed, so it is looked for in Okta's own commands too. Where the call decides
// what a command is, it may be a refusal: what decides is computed, so it counts as one.

// commandsRestrict looks at a list of commands.
func commandsRestrict(n *node) bool {
	if n.kind != listNode {
		return n.computed()
	}
	return slices.ContainsFunc(n.items, commandRestricts)
}

func commandRestricts(n *node) bool {
	what, value := n.get("type"), n.get("value")
	if what == nil || value == nil || what.computed() {
		return n.kind == textNode || what != nil && what.computed()
	}
	switch {
	case what.text == "com.okta.action.update":
		return wordRestricts(value)
	case strings.HasSuffix(what.text, ".patch"):
		return value.kind != listNode && value.computed() || slices.ContainsFunc(value.items, operationRestricts)
	}
	return false
}

// wordRestricts looks at what registers a user or takes a password. An import refuses nothing.
func wordRestricts(n *node) bool {
	if n.kind != mapNode {
		return n.computed()
	}
	for _, key := range []string{"registration", "credential"} {
		if word := n.get(key); word != nil && (word.computed() || word.text == "DENY" || word.text == "UNVERIFIED") {
			return true
		}
	}
	return false
}

// operationRestricts looks at one operation of a patch. Only to add is surely to take nothing away, but for a lifetime,
// which may be shorter than what was there.
func operationRestricts(n *node) bool {
	op, path := n.get("op"), n.get("path")
	if op == nil || path == nil {
		return n.computed()
	}
	return op.text != "add" || path.computed() ||
		strings.HasSuffix(path.text, "/expiration") || strings.HasSuffix(path.text, "/sessionLifetime")
}
