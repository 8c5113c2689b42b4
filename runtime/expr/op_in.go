package expr

import (
	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// in is x in y: a member of a list, a name of an object, a key of a table. Null is in nothing, and nothing is in null.
func (k *compiler) in(n *ast.BinaryNode) *code {
	x, pos := k.compile(n.Left), k.pos(n)
	if b, ok := n.Right.(*ast.BinaryNode); ok && b.Operator == ".." {
		return k.inSpan(n, x, b)
	}
	y := k.source(n.Right)
	c := &code{falls: x.null || y.null, secret: verified(x, y)}
	c.loosen(x, y)
	switch {
	case y.table != nil:
		k.want(n.Left, x, text|number, "in, for a table, on its left")
		c.tested(x, inTable(y.table, pos))
		return judged(c)
	case y.types == text:
		return k.wrong(n, "in wants a list, an object or a table on its right, got a text: want TEXT contains PART")
	case !k.want(n.Right, y, list|object, "in on its right"):
		return unknown()
	}
	held := k.env.heldBy(y)
	if x.types != 0 && !mayBeAlike(x.types, held.kinds) {
		return k.wrong(n, "in cannot compare %s with %s", x.types.String(), held.kinds.String())
	}
	if y.constant && y.types == list {
		k.possibleIn(n.Right, x, y.value)
	}
	switch {
	case tainted(x, y) > asked && y.types == list:
		c.test = inSecretly(x.operand(), y.operand(), pos)
	case held.set != nil:
		c.tested(x, held.set.has(pos))
	default:
		c.test = inValue(x.operand(), y.operand(), pos)
	}
	return k.fold(n, judged(c), x, y)
}

func inTable(t *table.Table, pos string) func(*runtime.Run, runtime.Value) bool {
	return func(r *runtime.Run, v runtime.Value) bool {
		key, ok := tableKey(r, t, v, pos)
		if !ok {
			r.Scratch.Missed = true
			return false
		}
		return t.Has(key) || untaken(t, key, pos)
	}
}

// untaken fails for a key that a table of domains cannot have: a block-list with evil.com in it must not let "evil.com>"
// in. The empty text is in no table. It is false.
func untaken(t *table.Table, key, pos string) bool {
	if key != "" && !t.Takes(key) {
		fail(pos, "a table of domains is asked for what is no domain")
	}
	return false
}

// inSpan is x in a..b, which needs no list.
func (k *compiler) inSpan(n *ast.BinaryNode, x *code, span *ast.BinaryNode) *code {
	lo, hi := k.compile(span.Left), k.compile(span.Right)
	k.want(n.Left, x, number, "in a range")
	k.want(span, lo, number, "..")
	k.want(span, hi, number, "..")
	c := &code{falls: x.null || lo.null || hi.null, secret: measured(x, lo, hi), test: between(x, lo, hi, k.pos(span))}
	return k.fold(n, judged(c.loosen(x, lo, hi)), x, lo, hi)
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
		if unread(v) {
			incomparable(pos, "in", v, from)
		}
		low, high := wantInt(from, pos), wantInt(to, pos)
		i, whole := intOf(v)
		return whole && low <= i && i <= high
	}
}

func inValue(x, y operand, pos string) func(*runtime.Run) bool {
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
				incomparable(pos, "in", v, runtime.TextOf(""))
			}
			charge(r, int64(all.Len())>>3)
			return v.Kind() == runtime.String && !all.Get(v.Text()).IsNull()
		}
		fail(pos, "in wants a list or an object on its right, got %s", all.Kind())
		return false
	}
}

// inList looks at the whole list before it fails for a value that v cannot be compared with: the order decides nothing.
func inList(r *runtime.Run, v, all runtime.Value, pos string) bool {
	if v.Kind() == runtime.String && all.Node().Kind() == jsondoc.Array {
		return textInArray(r, v, all.Node(), pos)
	}
	found, odd := false, runtime.Value{}
	each(r, all, func(_ int, item runtime.Value) bool {
		if !item.IsNull() && !alike(v, item) {
			odd = item
			return true
		}
		found = equalParts(r, v, item)
		return !found
	})
	if !found && !odd.IsNull() {
		incomparable(pos, "in", v, odd)
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
		incomparable(pos, "in", v, runtime.NodeOf(odd))
	}
	return false
}
