package expr

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/runtime"
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

// Secrets are the paths of the members of a call of that type that are secret.
func Secrets(t hook.Type) []string { return slices.Clone(secrets[t]) }

// SecretLet reports whether the value of the let can carry a secret, as Expression.Secret does.
func (e *Env) SecretLet(name string) bool {
	l := e.lets[name]
	return l != nil && l.code.secret
}

// Mask is what stands for a secret where a decision is explained.
const Mask = "[secret]"

// told is Eval, or the Mask for what carries a secret while a trace is written.
func (x *Expression) told(r *runtime.Run) (runtime.Value, error) {
	v, err := x.Eval(r)
	if err == nil && r.Scratch.Masked && x.code.secret && !v.IsNull() {
		v = runtime.TextOf(Mask)
	}
	return v, err
}

// equalSecretly is equal for two texts of which one is secret: it takes the same time wherever they differ, and however long
// the other one is.
func equalSecretly(r *runtime.Run, a, b runtime.Value) bool {
	if a.Kind() != runtime.String || b.Kind() != runtime.String {
		return equal(r, a, b)
	}
	charge(r, 8+int64(len(a.Text())+len(b.Text()))>>4)
	x, y := sha256.Sum256(bytesOf(a.Text())), sha256.Sum256(bytesOf(b.Text()))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// sameSecrets is x == y, and x != y, where one of them is secret.
func sameSecrets(x, y operand, negate bool, op, pos string) func(*runtime.Run) bool {
	return func(r *runtime.Run) bool {
		a, b := x.read(r), y.read(r)
		if a.IsNull() || b.IsNull() {
			r.Scratch.Missed = true
			return negate
		}
		if !alike(a, b) {
			incomparable(pos, op, a, b)
		}
		return equalSecretly(r, a, b) != negate
	}
}

// inSecretly is x in a list where one of them is secret: it looks at the whole list, whatever it finds.
func inSecretly(x, y operand, pos string) func(*runtime.Run) bool {
	return func(r *runtime.Run) bool {
		charge(r, 1)
		v, all := x.read(r), y.read(r)
		if v.IsNull() || all.Kind() != runtime.List {
			if !v.IsNull() && !all.IsNull() {
				fail(pos, "in wants a list on its right beside a secret, got %s", all.Kind())
			}
			r.Scratch.Missed = true
			return false
		}
		found, odd := false, runtime.Value{}
		each(r, all, func(_ int, item runtime.Value) bool {
			switch {
			case item.IsNull():
				r.Scratch.Missed = true
			case !alike(v, item):
				odd = item
			case equalSecretly(r, v, item):
				found = true
			}
			return true
		})
		if !found && !odd.IsNull() {
			incomparable(pos, "in", v, odd)
		}
		return found
	}
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
