package rules

import (
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
)

// Rules that deny or restrict fail closed, so Okta's own commands are searched for denials too. A
// computed command counts as a denial, because it may be one.

// commandsRestrict reports whether a list of commands may deny or restrict.
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

// wordRestricts checks the results of registrations and passwords. Imports deny nothing.
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

// operationRestricts checks one operation of a patch. Only `add` never restricts, except for
// lifetimes, which may become shorter.
func operationRestricts(n *document.Node) bool {
	op, path := n.Get("op"), n.Get("path")
	if op == nil || path == nil {
		return n.HasHoles()
	}
	return op.Text != "add" || path.HasHoles() ||
		strings.HasSuffix(path.Text, "/expiration") || strings.HasSuffix(path.Text, "/sessionLifetime")
}
