package rules

import (
	"slices"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime/expr"
)

// revealable are the forms that a rule may let a secret get into, when it says so.
var revealable = []string{"log", "debug", "error", "deny", "send"}

// leaks reports a leaf that carries a password, a one-time code or the message with the code in it (hooks.md section 8), or
// what was found out about one, to where it is kept: a log, Okta's System Log, an error page, a delivery. A rule that means
// it says so under reveal. A delivery's key and receiver are shown wherever the delivery is listed, and for those nothing
// helps.
func (c *compiler) leaks(n *document.Node, t *expr.Text) {
	if !t.Secret() {
		return
	}
	c.veiled = true
	switch {
	case c.form == "send" && (c.member == "key" || c.member == "to"):
		c.Add(n.Problem("a password or one-time code must not get into %s, which is shown wherever the action is listed: hmac(key, text) is no secret", c.member))
	case !slices.Contains(revealable, c.form):
	case slices.Contains(c.reveals, c.form):
		c.revealed = append(c.revealed, c.form)
	default:
		c.Add(n.Problem("a password or one-time code, or what tells a part of it, must not get into %s, unless the rule says reveal: %s", c.form, c.form))
	}
}

// inVain warns of what a rule reveals and has no secret in. What was found wrong with it, behind the problems before, may have
// one.
func (c *compiler) inVain(spec *ruleSpec, before int) {
	if spec.faulty || slices.ContainsFunc(c.Problems[before:], func(p document.Problem) bool { return !p.Warning }) {
		return
	}
	for i, form := range spec.reveals {
		if !slices.Contains(c.revealed, form) {
			c.Add(spec.revealsAt[i].Warning("nothing secret gets into %s: leave it out of reveal", form))
		}
	}
}

// readReveals reads one form, or a list of them.
func readReveals(d *document.Decoder, r *ruleSpec, n *document.Node) {
	all := []*document.Node{n}
	if n.Kind == document.List {
		all = n.Items
	}
	for _, one := range all {
		if form := d.OneOf(one, revealable...); form != "" {
			r.reveals, r.revealsAt = append(r.reveals, form), append(r.revealsAt, one)
		}
	}
}
