package expr

import (
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// secrets are the members that nobody but Okta and the rules may see: the password, the one-time code, and the message
// that has the code in it (hooks.md section 8).
var secrets = map[hook.Type][]string{
	hook.PasswordImport: {"data.context.credential.password"},
	hook.Telephony:      {"data.messageProfile.otpCode", "data.messageProfile.msgTemplate"},
}

// Secret reports whether the value can carry a secret member, or a part of it: because it is one, has one inside, or was
// made of one. What was only found out about it does not: comparisons, searches, quantifiers that give a boolean or a
// place, count and len.
func (x *Expression) Secret() bool { return x.code.secret }

// Secret reports whether any of the leaf's expressions is.
func (t *Text) Secret() bool {
	for _, p := range t.parts {
		if p.hole != nil && p.hole.Secret() {
			return true
		}
	}
	return false
}

// hide marks the member at the path, and what it is inside of.
func (s *shape) hide(path string) {
	s.secret = true
	for name := range strings.SplitSeq(path, ".") {
		s = s.members[name]
		s.secret = true
	}
}

// secretMember reports whether the member of that name can carry a secret: one of a shape that knows its members can if
// it is marked, one of any other value if the value can.
func (c *code) secretMember(name string) bool {
	if !c.secret || !c.shape.closed() {
		return c.secret
	}
	m := c.shape.members[name]
	return m != nil && m.secret
}

func secret(all ...*code) bool {
	for _, c := range all {
		if c.secret {
			return true
		}
	}
	return false
}
