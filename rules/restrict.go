package rules

import (
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
)

// What refuses or takes something away fails closed, so it is looked for in Okta's own commands too. Where the call decides
// what a command is, it may be a refusal: what decides is computed, so it counts as one.

// commandsRestrict looks at a list of commands.
func commandsRestrict(n *document.Node) bool {
	if n.Kind != document.List {
		return n.HasHoles()
	}
	return slices.ContainsFunc(n.Items, commandRestricts)
}

func commandRestricts(n *document.Node) bool {
	what, value := n.Get("type"), n.Get("value")
	if what == nil || value == nil || what.HasHoles() {
		return n.Kind == document.Text || what != nil && what.HasHoles()
	}
	switch {
	case what.Text == "com.okta.action.update":
		return wordRestricts(value)
	case strings.HasSuffix(what.Text, ".patch"):
		return value.Kind != document.List && value.HasHoles() || slices.ContainsFunc(value.Items, operationRestricts)
	}
	return false
}

// wordRestricts looks at what registers a user or takes a password. An import refuses nothing.
func wordRestricts(n *document.Node) bool {
	if n.Kind != document.Map {
		return n.HasHoles()
	}
	for _, key := range []string{"registration", "credential"} {
		if word := n.Get(key); word != nil && (word.HasHoles() || word.Text == "DENY" || word.Text == "UNVERIFIED") {
			return true
		}
	}
	return false
}

// operationRestricts looks at one operation of a patch. Only to add is surely to take nothing away, but for a lifetime,
// which may be shorter than what was there.
func operationRestricts(n *document.Node) bool {
	op, path := n.Get("op"), n.Get("path")
	if op == nil || path == nil {
		return n.HasHoles()
	}
	return op.Text != "add" || path.HasHoles() ||
		strings.HasSuffix(path.Text, "/expiration") || strings.HasSuffix(path.Text, "/sessionLifetime")
}
