package expr

import (
	"strings"

	"github.com/tenterhook/tenterhook/runtime"
)

// operand reads one side of an operator: from its Slot when the value was found before, which is
// the common case. It is a small copy, so that thousands of rules do not load code.
type operand struct {
	slot int
	eval func(*runtime.Run) runtime.Value
}

func (c *code) operand() operand { return operand{c.slot, c.eval} }

func (o operand) read(r *runtime.Run) runtime.Value {
	if s := &r.Scratch.Slots[o.slot]; s.Known {
		return s.Value
	}
	return o.eval(r)
}

// setTest completes a condition on one value: test gets the value of x, and from a quantifier each
// element when x is # or a member of it.
func (c *code) setTest(x *code, test func(*runtime.Run, runtime.Value) bool) *code {
	switch {
	case x.isElement:
		c.elementTest = test
	case x.elementMember != "":
		name := x.elementMember
		c.elementTest = func(r *runtime.Run, v runtime.Value) bool {
			charge(r, 1+int64(v.Len())>>3)
			return test(r, v.Get(name))
		}
	}
	o := x.operand()
	c.test = func(r *runtime.Run) bool { return test(r, o.read(r)) }
	return c
}

// setTextTest sets the test of x == "text" and x != "text", the most common conditions. It reads a
// text in place in its Slot: a Value is too large to copy for that.
func (c *code) setTextTest(x *code, want string, negate bool, pos string) {
	cost, slot, eval := 1+int64(len(want))>>6, x.slot, x.eval
	if x.isElement && !negate {
		c.equalsText = &want
	}
	c.setTest(x, func(r *runtime.Run, v runtime.Value) bool {
		charge(r, cost)
		return isText(r, v, want, pos) != negate
	})
	c.test = func(r *runtime.Run) bool {
		charge(r, cost)
		if v := &r.Scratch.Slots[slot].Value; v.Kind() == runtime.String {
			return (v.Text() == want) != negate
		}
		return isText(r, eval(r), want, pos) != negate
	}
}

func isText(r *runtime.Run, v runtime.Value, want, pos string) bool {
	if v.Kind() == runtime.String {
		return v.Text() == want
	}
	return notEqualText(r, v, pos)
}

// notEqualText returns false for a value that is not a text. It fails for lists and objects, and
// notes a missing value.
func notEqualText(r *runtime.Run, v runtime.Value, pos string) bool {
	switch v.Kind() {
	case runtime.Null:
		r.Scratch.Missed = true
	case runtime.List, runtime.Object:
		fail(pos, "== and != cannot compare %s with a text, a number or a boolean", v.Kind())
	}
	return false
}

// setSearchTest sets the test of x startsWith "part" and similar. name is how the expression calls
// it.
func (c *code) setSearchTest(x *code, part, op, name, pos string) {
	slot, eval, search := x.slot, x.eval, searchers[op]
	find := func(r *runtime.Run, v runtime.Value) bool {
		return hasText(r, v, name, pos) && search(r, v.Text(), part)
	}
	c.setTest(x, find)
	cost := 1 + int64(len(part))>>6
	switch op {
	case "startsWith":
		c.test = func(r *runtime.Run) bool {
			if v := &r.Scratch.Slots[slot].Value; v.Kind() == runtime.String {
				charge(r, cost)
				return strings.HasPrefix(v.Text(), part)
			}
			return find(r, eval(r))
		}
	case "endsWith":
		c.test = func(r *runtime.Run) bool {
			if v := &r.Scratch.Slots[slot].Value; v.Kind() == runtime.String {
				charge(r, cost)
				return strings.HasSuffix(v.Text(), part)
			}
			return find(r, eval(r))
		}
	case "contains":
		c.test = func(r *runtime.Run) bool {
			if v := &r.Scratch.Slots[slot].Value; v.Kind() == runtime.String {
				return searchText(r, v.Text(), part)
			}
			return find(r, eval(r))
		}
	}
}

// hasText reports whether v is a text. It fails for other kinds.
func hasText(r *runtime.Run, v runtime.Value, op, pos string) bool {
	return v.Kind() == runtime.String || failNoText(r, v, op, pos)
}

func failNoText(r *runtime.Run, v runtime.Value, op, pos string) bool {
	if !v.IsNull() {
		fail(pos, "%s wants a text on its left, got %s", op, v.Kind())
	}
	r.Scratch.Missed = true
	return false
}

// comparesInt tests x < 7 and similar.
func comparesInt(want int64, less, orEqual bool, op, pos string) func(*runtime.Run, runtime.Value) bool {
	return func(r *runtime.Run, v runtime.Value) bool {
		charge(r, 1)
		if v.Kind() == runtime.Int {
			return satisfies(compareInts(v.Int(), want), less, orEqual)
		}
		if v.IsNull() {
			r.Scratch.Missed = true
			return false
		}
		return satisfies(compareValues(r, v, runtime.IntOf(want), pos, op), less, orEqual)
	}
}

// satisfies reports whether cmp (below, at or above zero) satisfies <, <=, > or >=.
func satisfies(cmp int, less, orEqual bool) bool {
	if less {
		cmp = -cmp
	}
	return cmp > 0 || orEqual && cmp == 0
}

// isInt tests x == 7 and x != 7.
func isInt(want int64, negate bool, pos string) func(*runtime.Run, runtime.Value) bool {
	return func(r *runtime.Run, v runtime.Value) bool {
		charge(r, 1)
		switch v.Kind() {
		case runtime.Int:
			return (v.Int() == want) != negate
		case runtime.Float:
			return equalNumbers(v, runtime.IntOf(want)) != negate
		}
		return notEqualText(r, v, pos) != negate
	}
}

// isBool tests x == true and x != true.
func isBool(want, negate bool, pos string) func(*runtime.Run, runtime.Value) bool {
	return func(r *runtime.Run, v runtime.Value) bool {
		charge(r, 1)
		if v.Kind() == runtime.Bool {
			return (v.Bool() == want) != negate
		}
		return notEqualText(r, v, pos) != negate
	}
}

// testEquality tests x == y for values of unknown kinds.
func testEquality(x, y operand, negate bool, op, pos string) func(*runtime.Run) bool {
	return func(r *runtime.Run) bool {
		a, b := x.read(r), y.read(r)
		if a.IsNull() || b.IsNull() {
			r.Scratch.Missed = true
			return negate
		}
		if !isComparable(a, b) {
			failIncomparable(pos, op, a, b)
		}
		return equal(r, a, b) != negate
	}
}
