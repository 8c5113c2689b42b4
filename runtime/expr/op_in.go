package expr

import (
	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// in is x in y: a value of a list, a member's name of an object, a key of a table. Null is in
// nothing, and nothing is in null.
func (k *compiler) in(n *ast.BinaryNode) *code {
	x, pos := k.compile(n.Left), k.pos(n)
	if b, ok := n.Right.(*ast.BinaryNode); ok && b.Operator == ".." {
		return k.inRange(n, x, b)
	}
	y := k.source(n.Right)
	c := &code{maybeFalse: x.null || y.null, taint: comparedTaint(x, y)}
	c.addUncertainty(x, y)
	switch {
	case y.table != nil:
		k.wantKinds(n.Left, x, text|number, "in, for a table, on its left")
		c.setTest(x, inTable(y.table, pos))
		return completeBoolean(c)
	case y.types == text:
		return k.report(n, "in wants a list, an object or a table on its right, got a text: want TEXT contains PART")
	case !k.wantKinds(n.Right, y, list|object, "in on its right"):
		return invalidCode()
	}
	held := k.env.elementsOf(y)
	if x.types != 0 && !mayBeComparable(x.types, held.kinds) {
		return k.report(n, "in cannot compare %s with %s", x.types.String(), held.kinds.String())
	}
	if y.constant && y.types == list {
		k.checkTexts(n.Right, x, y.value)
	}
	switch {
	case maxTaint(x, y) > compared && y.types == list:
		c.test = testInSecretList(x.operand(), y.operand(), pos)
	case held.set != nil:
		c.setTest(x, held.set.test(pos))
	default:
		c.test = inValue(x.operand(), y.operand(), k.either[n], pos)
	}
	return k.fold(n, completeBoolean(c), x, y)
}

func inTable(t *table.Table, pos string) func(*runtime.Run, runtime.Value) bool {
	return func(r *runtime.Run, v runtime.Value) bool {
		key, ok := tableKey(r, t, v, pos)
		if !ok {
			r.Scratch.Missed = true
			return false
		}
		return t.Has(key) || failUnlessKey(t, key, pos)
	}
}

// failUnlessKey fails for a key that a table of domains or networks cannot have: a block list with
// evil.com must not let "evil.com>" pass, nor one with 10.0.0.0/8 "10.1.2.3:80". The empty text is
// in no table. It returns false.
func failUnlessKey(t *table.Table, key, pos string) bool {
	switch {
	case key == "" || t.CanHave(key):
	case t.As() == table.CIDRs:
		fail(pos, "a key for a table of networks is not an IP address")
	default:
		fail(pos, "a key for a table of domains is not a domain")
	}
	return false
}

// inRange is x in a..b. It builds no list.
func (k *compiler) inRange(n *ast.BinaryNode, x *code, span *ast.BinaryNode) *code {
	lo, hi := k.compile(span.Left), k.compile(span.Right)
	k.wantKinds(n.Left, x, number, "in a range")
	k.wantKinds(span, lo, number, "..")
	k.wantKinds(span, hi, number, "..")
	k.wantWhole(span.Left, lo)
	k.wantWhole(span.Right, hi)
	c := &code{maybeFalse: x.null || lo.null || hi.null, taint: derivedTaint(x, lo, hi), test: between(x, lo, hi, k.pos(span))}
	return k.fold(n, completeBoolean(c.addUncertainty(x, lo, hi)), x, lo, hi)
}

func between(x, lo, hi *code, pos string) func(*runtime.Run) bool {
	return func(r *runtime.Run) bool {
		charge(r, 1)
		v, from, to := x.eval(r), lo.eval(r), hi.eval(r)
		if v.IsNull() || from.IsNull() || to.IsNull() {
			r.Scratch.Missed = true
			return false
		}
		if v.Kind() > runtime.String {
			fail(pos, "in a range: cannot compare its numbers with %s", v.Kind())
		}
		if isUnparsedNumber(v) {
			failIncomparable(pos, "in", v, from)
		}
		low, high := wantInt(from, pos), wantInt(to, pos)
		i, whole := intOf(v)
		return whole && low <= i && i <= high
	}
}

// inValue fails for a text on the right, unless or says that it is compared beside it.
func inValue(x, y operand, or bool, pos string) func(*runtime.Run) bool {
	return func(r *runtime.Run) bool {
		charge(r, 1)
		v, all := x.read(r), y.read(r)
		if v.IsNull() || all.IsNull() {
			r.Scratch.Missed = true
			return false
		}
		switch all.Kind() {
		case runtime.List:
			return inList(r, v, all, pos)
		case runtime.Object:
			if v.Kind() > runtime.String {
				failIncomparable(pos, "in", v, runtime.TextOf(""))
			}
			charge(r, int64(all.Len())>>3)
			return v.Kind() == runtime.String && !all.Get(v.Text()).IsNull()
		}
		if !or || all.Kind() != runtime.String {
			fail(pos, "in wants a list or an object on its right, got %s", all.Kind())
		}
		return false
	}
}

// inList reads the whole list before it fails for an incomparable value: the order must not matter.
func inList(r *runtime.Run, v, all runtime.Value, pos string) bool {
	if v.Kind() == runtime.String && all.Node().Kind() == jsondoc.Array {
		return textInArray(r, v, all.Node(), pos)
	}
	found, odd := false, runtime.Value{}
	each(r, all, func(_ int, item runtime.Value) bool {
		if !item.IsNull() && !isComparable(v, item) {
			odd = item
			return true
		}
		found = equalParts(r, v, item)
		return !found
	})
	if !found && !odd.IsNull() {
		failIncomparable(pos, "in", v, odd)
	}
	return found
}

func textInArray(r *runtime.Run, v runtime.Value, n jsondoc.Node, pos string) bool {
	s, odd := v.Text(), jsondoc.Node{}
	for item := range n.Elements() {
		charge(r, 1)
		switch item.Kind() {
		case jsondoc.String:
			if item.Text() == s {
				return true
			}
		case jsondoc.Null:
			r.Scratch.Missed = true
		case jsondoc.Array, jsondoc.Object:
			odd = item
		}
	}
	if odd.Kind() != jsondoc.Missing {
		failIncomparable(pos, "in", v, runtime.NodeOf(odd))
	}
	return false
}
