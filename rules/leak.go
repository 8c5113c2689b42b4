package rules

import "github.com/tenterhook/tenterhook/runtime/expr"

// leaks reports a leaf that carries a password, a one-time code or the message with the code in it (hooks.md section 8)
// to where it is kept. A log, Okta's System Log and an error page never need one. An action may: it is what the policy is
// there for, so that is only said.
func (c *compiler) leaks(n *node, t *expr.Text) {
	if !t.Secret() {
		return
	}
	switch c.form {
	case "log", "debug", "error", "deny":
		c.add(n.problem("a password or one-time code must not get into %s", c.form))
	case "send":
		c.add(n.warning("this sends a password or one-time code, and keeps it until it is delivered"))
	}
}
