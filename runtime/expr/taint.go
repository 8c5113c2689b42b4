package expr

import (
	"crypto/sha256"
	"crypto/subtle"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/schema"
)

// taint is what a value can tell of a secret member.
type taint uint8

const (
	clean    taint = iota
	asked          // it is what came of asking whether it is the secret: of the many askings of a quantifier the secret can be told
	entirely       // it is the secret, has it inside, or was made of all of it
	partly         // it is a part of it, or was found out about it: its length, its order, what a number made of it comes to
)

// Secret reports whether the value can tell something of a secret member: because it is one, has one inside, was made of
// one, or was found out about one, such as its length, or whether it is above something. What verifies a whole secret does
// not: ==, !=, in, password and hmac. A secret can be asked of those only whether it is what somebody else knows already.
func (x *Expression) Secret() bool { return x.code.secret > asked }

// Secret reports whether any of the leaf's expressions is.
func (t *Text) Secret() bool {
	for _, p := range t.parts {
		if p.hole != nil && p.hole.Secret() {
			return true
		}
	}
	return false
}

// SecretLet reports whether the value of the let can carry a secret, as Expression.Secret does.
func (e *Env) SecretLet(name string) bool {
	l := e.lets[name]
	return l != nil && l.code.secret > asked
}

// Mask is what stands for a secret where a decision is explained.
const Mask = "[secret]"

// told is Eval, or the Mask for what carries a secret while a trace is written.
func (x *Expression) told(r *runtime.Run) (runtime.Value, error) {
	v, err := x.Eval(r)
	if err == nil && r.Scratch.Masked && x.code.secret > asked && !v.IsNull() {
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

// secretMember is what the member of that name can tell: one of a shape that knows its members if it is marked, one of any
// other value what the value can.
func (c *code) secretMember(name string) taint {
	if c.secret == clean || !c.shape.HasMembers() {
		return c.secret
	}
	if taintOf(c.shape.Known(name)) == clean {
		return clean
	}
	return c.secret
}

// taintOf is the taint of a member of the event.
func taintOf(s *schema.Schema) taint {
	if s.Secret() {
		return entirely
	}
	return clean
}

// tainted is what a value that was made of all of these can tell.
func tainted(all ...*code) taint {
	most := clean
	for _, c := range all {
		most = max(most, c.secret)
	}
	return most
}

// measured is what a value can tell that was found out about these, or has a part of them.
func measured(all ...*code) taint {
	if most := tainted(all...); most <= asked {
		return most
	}
	return partly
}

// verified is what == and in can tell of these: no more than that they were asked, if they are whole. Of a part of a secret each answer is a good
// deal.
func verified(all ...*code) taint {
	if most := tainted(all...); most != entirely {
		return most
	}
	return asked
}

// told is what a function can tell of a secret among its arguments.
func (f *function) told(from []*code) taint {
	most := clean
	for i, c := range from {
		if f.blind&bit(i) == 0 {
			most = max(most, c.secret)
		} else if c.secret > clean {
			most = max(most, asked)
		}
	}
	if most == entirely && !f.whole {
		return partly
	}
	return most
}
