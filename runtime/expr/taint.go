package expr

import (
	"crypto/sha256"
	"crypto/subtle"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/schema"
)

// taint describes how a value depends on a secret member.
type taint uint8

const (
	clean taint = iota
	// the outcome of a comparison with it: many of them, as in a quantifier, can reveal the secret
	compared
	whole // it is or contains the secret, or was made of all of it
	// it is a part of the secret or a property of it: its length, its order, a number computed from
	// it
	partial
)

// Secret reports whether the value reveals something of a secret member: because it is one,
// contains one, was made of one, or is a property of one, such as its length. Verifying a whole
// secret does not count: ==, !=, in, password and hmac only confirm a value that the caller has
// already.
func (x *Expression) Secret() bool { return x.code.taint > compared }

// Secret reports whether any of the leaf's expressions is secret.
func (t *Text) Secret() bool {
	for _, p := range t.segments {
		if p.hole != nil && p.hole.Secret() {
			return true
		}
	}
	return false
}

// SecretLet reports whether the value of the let can carry a secret, as Expression.Secret does.
func (e *Env) SecretLet(name string) bool {
	l := e.lets[name]
	return l != nil && l.code.taint > compared
}

// Mask replaces secret values where a decision is explained.
const Mask = "[secret]"

// evalMasked is Eval, with Mask in place of a secret value while a trace is written.
func (x *Expression) evalMasked(r *runtime.Run) (runtime.Value, error) {
	v, err := x.Eval(r)
	if err == nil && r.Scratch.Masked && x.code.taint > compared && !v.IsNull() {
		v = runtime.TextOf(Mask)
	}
	return v, err
}

// equalConstantTime is equal for two texts, one of them secret. Its time does not depend on
// where they differ, nor on the length of the other.
func equalConstantTime(r *runtime.Run, a, b runtime.Value) bool {
	if a.Kind() != runtime.String || b.Kind() != runtime.String {
		return equal(r, a, b)
	}
	charge(r, 8+int64(len(a.Text())+len(b.Text()))>>4)
	x, y := sha256.Sum256(bytesOf(a.Text())), sha256.Sum256(bytesOf(b.Text()))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// testSecretEquality tests x == y and x != y where one of them is secret.
func testSecretEquality(x, y operand, negate bool, op, pos string) func(*runtime.Run) bool {
	return func(r *runtime.Run) bool {
		a, b := x.read(r), y.read(r)
		if a.IsNull() || b.IsNull() {
			r.Scratch.Missed = true
			return negate
		}
		if !isComparable(a, b) {
			failIncomparable(pos, op, a, b)
		}
		return equalConstantTime(r, a, b) != negate
	}
}

// testInSecretList tests x in a list where one of them is secret. It always reads the whole list.
func testInSecretList(x, y operand, pos string) func(*runtime.Run) bool {
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
			case !isComparable(v, item):
				odd = item
			case equalConstantTime(r, v, item):
				found = true
			}
			return true
		})
		if !found && !odd.IsNull() {
			failIncomparable(pos, "in", v, odd)
		}
		return found
	}
}

// memberTaint is the taint of a member: from the schema when that knows the members, else the taint
// of c.
func (c *code) memberTaint(name string) taint {
	if c.taint == clean || !c.shape.HasMembers() {
		return c.taint
	}
	if taintOf(c.shape.Known(name)) == clean {
		return clean
	}
	return c.taint
}

// taintOf is the taint of a member of the event.
func taintOf(s *schema.Schema) taint {
	if s.Secret() {
		return whole
	}
	return clean
}

// maxTaint is the taint of a value made of all of these.
func maxTaint(all ...*code) taint {
	most := clean
	for _, c := range all {
		most = max(most, c.taint)
	}
	return most
}

// derivedTaint is the taint of a property or part of these.
func derivedTaint(all ...*code) taint {
	if most := maxTaint(all...); most <= compared {
		return most
	}
	return partial
}

// comparedTaint is the taint of == and in: compared when they are whole. Each comparison with a
// part of a secret reveals more.
func comparedTaint(all ...*code) taint {
	if most := maxTaint(all...); most != whole {
		return most
	}
	return compared
}

// taintOf is the taint of the function's result.
func (f *function) taintOf(from []*code) taint {
	most := clean
	for i, c := range from {
		if f.hiddenArgs&bit(i) == 0 {
			most = max(most, c.taint)
		} else if c.taint > clean {
			most = max(most, compared)
		}
	}
	if most == whole && !f.keepsSecret {
		return partial
	}
	return most
}
