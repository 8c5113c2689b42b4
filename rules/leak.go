package rules

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// told are the members that nobody but Okta and the rules may see: the password, the one-time code, and the message that
// has the code in it (hooks.md section 8).
var told = map[hook.Type]*regexp.Regexp{
	hook.PasswordImport: regexp.MustCompile(`(?s)\$\{.*\bpassword\b`),
	hook.Telephony:      regexp.MustCompile(`(?s)\$\{.*\b(?:otpCode|msgTemplate)\b`),
}

// leaks reports a text that would carry a password or a code into a log, Okta's System Log or an error page. It sees what
// is written; a let by another name it does not follow.
func (c *compiler) leaks(n *node, into string) {
	if n.kind == textNode && told[c.hookType] != nil && told[c.hookType].MatchString(n.text) {
		c.add(n.problem("a password or one-time code must not get into %s", into))
	}
	for _, item := range n.items {
		c.leaks(item, into)
	}
	for _, m := range n.members {
		c.leaks(m.value, into)
	}
}

// whole are the parts of a call that have what nobody may see among what they have.
var whole = map[hook.Type]*regexp.Regexp{
	hook.PasswordImport: regexp.MustCompile(`\bpassword\b|\bdata(?:\.context(?:\.credential)?)?\s*(?:[^.\s\w?\[]|$)`),
	hook.Telephony:      regexp.MustCompile(`\b(?:otpCode|msgTemplate)\b|\bdata(?:\.messageProfile)?\s*(?:[^.\s\w?\[]|$)`),
}

var words = regexp.MustCompile(`[A-Za-z_]\w*`)

// secretive reports whether an expression has a password or a code in it, by itself or by a let that has. With a hole
// around it, it begins behind the ${.
func (c *compiler) secretive(expression string) bool {
	if whole[c.hookType] == nil {
		return false
	}
	return whole[c.hookType].MatchString(expression) ||
		slices.ContainsFunc(words.FindAllString(expression, -1), func(w string) bool { return slices.Contains(c.secrets, w) })
}

// reveals warns of an action that carries a password or a code: it is kept until it is delivered, and then it is
// elsewhere.
func (c *compiler) reveals(n *node) {
	if _, hole, ok := strings.Cut(n.text, "${"); ok && n.kind == textNode && c.secretive(hole) {
		c.add(n.warning("this sends a password or one-time code, and keeps it until it is delivered"))
	}
	for _, item := range n.items {
		c.reveals(item)
	}
	for _, m := range n.members {
		c.reveals(m.value)
	}
}
