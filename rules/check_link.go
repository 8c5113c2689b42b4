package rules

import (
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// checkLink reports LINK_USER in commands if neither the rule nor an earlier one may name the user: the
// merge would reject its draft in every call (hooks.md section 7).
func (c *compiler) checkLink(spec *ruleSpec) {
	if c.HookType != hook.UserImport {
		return
	}
	c.namesUser = c.namesUser || spec.mayNameUser()
	if c.namesUser {
		return
	}
	if link := findWord(spec.output("commands"), "LINK_USER"); link != nil {
		c.Add(link.Problem("LINK_USER needs com.okta.user.update with the id of the user to link, in this rule or an earlier one: want link_user, or that command"))
	}
}

// mayNameUser reports whether the rule gives the id of the user to link, or computes commands that may.
func (r *ruleSpec) mayNameUser() bool {
	commands := r.output("commands")
	return r.module != nil || r.output("link_user") != nil || commands != nil && (commands.Kind == document.Text || hasComputedType(commands) ||
		findWord(commands, "com.okta.user.update") != nil)
}

// hasComputedType reports whether the type of a command is known only per call.
func hasComputedType(commands *document.Node) bool {
	return slices.ContainsFunc(commands.Items, func(n *document.Node) bool {
		typ := n.Get("type")
		return n.Kind == document.Text || typ != nil && typ.HasHoles()
	})
}

// findWord returns the first leaf of the tree that contains the word, or nil.
func findWord(n *document.Node, word string) *document.Node {
	if n == nil || n.Kind == document.Text && strings.Contains(n.Text, word) {
		return n
	}
	for _, item := range n.Items {
		if found := findWord(item, word); found != nil {
			return found
		}
	}
	for _, m := range n.Members {
		if found := findWord(m.Value, word); found != nil {
			return found
		}
	}
	return nil
}
