package rules

import (
	"regexp"

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
