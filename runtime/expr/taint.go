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
	compared       // it is what came of asking whether it is the secret: of the many askings of a quantifier the secret can be told
	whole          // it is the secret, has it inside, or was made of all of it
	partial        // it is a part of it, or was found out about it: its length, its order, what a number made of it comes to
)

// Secret reports whether the value can tell something of a secret member: because it is one, has one inside, was made of
// one, or was found out about one, such as its length, or whether it is above something. What verifies a whole secret does
// not: ==, !=, in, password and hmac. A secret can be asked of those only whether it is what somebody else knows already.
func (x *Expression) Secret() bool { return x.code.taint > compared }

// Secret reports whether any of the leaf's expressions is.
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

// Mask is what stands for a secret where a decision is explained.
const Mask = "[secret]"

// evalMasked is Eval, or the Mask for what carries a secret while a trace is written.
func (x *Expression) evalMasked(r *runtime.Run) (runtime.Value, error) {
	v, err := x.Eval(r)
	if err == nil && r.Scratch.Masked && x.code.taint > compared && !v.IsNull() {
		v = runtime.TextOf(Mask)
	}
	return v, err
}

// equalConstantTime is equal for two texts of which one is secret: it takes the same time wherever they differ, and however long
// the other one is.
func equalConstantTime(r *runtime.Run, a, b runtime.Value) bool {
	if a.Kind() != runtime.String || b.Kind() != runtime.String {
		return equal(r, a, b)
	}
	charge(r, 8+int64(len(a.Text())+len(b.Text()))>>4)
	x, y := sha256.Sum256(bytesOf(a.Text())), sha256.Sum256(bytesOf(b.Text()))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// testSecretEquality is x == y, and x != y, where one of them is secret.
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

// testInSecretList is x in a list where one of them is secret: it looks at the whole list, whatever it finds.
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

// memberTaint is what the member of that name can tell: one of a shape that knows its members if it is marked, one of any
// other value what the value can.
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

// maxTaint is what a value that was made of all of these can tell.
func maxTaint(all ...*code) taint {
	most := clean
	for _, c := range all {
		most = max(most, c.taint)
	}
	return most
}

// derivedTaint is what a value can tell that was found out about these, or has a part of them.
func derivedTaint(all ...*code) taint {
	if most := maxTaint(all...); most <= compared {
		return most
	}
	return partial
}

// comparedTaint is what == and in can tell of these: no more than that they were asked, if they are whole. Of a part of a secret each answer is a good
// deal.
func comparedTaint(all ...*code) taint {
	if most := maxTaint(all...); most != whole {
		return most
	}
	return compared
}

// taintOf is what a function can tell of a secret among its arguments.
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
