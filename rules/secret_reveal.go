package rules

import (
	"slices"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime/expr"
)

// revealable lists the outputs in which a rule may reveal a secret.
var revealable = []string{"log", "debug", "error", "deny", "send"}

// checkSecretUse reports a leaf that writes a secret of the call (hooks.md section 8), or a value
// derived from one, to a log, Okta's System Log, an error page or a delivery. A rule allows it
// under reveal. The key and the receiver of a delivery are shown in lists, so they never may hold
// one.
func (c *compiler) checkSecretUse(n *document.Node, t *expr.Text) {
	if !t.Secret() {
		return
	}
	c.tainted = true
	switch {
	case c.form == "send" && (c.member == "key" || c.member == "to"):
		c.Add(n.Problem("a password or one-time code must not get into %s, which is shown wherever the action is listed: hmac(key, text) is no secret", c.member))
	case !slices.Contains(revealable, c.form):
	case slices.Contains(c.reveals, c.form):
		c.usedReveals = append(c.usedReveals, c.form)
	default:
		c.Add(n.Problem("a password or one-time code, or what tells a part of it, must not get into %s, unless the rule says reveal: %s", c.form, c.form))
	}
}

// warnUnusedReveal warns about entries of reveal without a secret. It is silent if the rule has
// problems after `before`, because a broken output may hold one.
func (c *compiler) warnUnusedReveal(spec *ruleSpec, before int) {
	if spec.faulty || slices.ContainsFunc(c.Problems[before:], func(p document.Problem) bool { return !p.Warning }) {
		return
	}
	for i, form := range spec.reveals {
		if !slices.Contains(c.usedReveals, form) {
			c.Add(spec.revealsAt[i].Warning("nothing secret gets into %s: leave it out of reveal", form))
		}
	}
}

// readReveals reads one output name, or a list of them.
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
