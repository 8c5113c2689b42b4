package expr

import (
	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// in is x in y: a member of a list, a name of an object, a key of a table. Null is in nothing, and nothing is in null.
func (k *compiler) in(n *ast.BinaryNode) *code {
	x, pos := k.compile(n.Left), k.pos(n)
	if b, ok := n.Right.(*ast.BinaryNode); ok && b.Operator == ".." {
		return k.inSpan(n, x, b)
	}
	y := k.source(n.Right)
	c := &code{falls: x.null || y.null}
	c.loosen(x, y)
	switch {
	case y.table != nil:
		k.want(n.Left, x, text|number, "in, for a table, on its left")
		c.test = inTable(x, y.table, pos)
		return judged(c)
	case y.types == text:
		return k.wrong(n, "in wants a list, an object or a table on its right, got a text: want TEXT contains PART")
	case !k.want(n.Right, y, list|object, "in on its right"):
		return unknown()
	}
	if s := setOf(y); s != nil {
		c.test = s.has(x)
	} else {
		c.test = inValue(x, y, pos)
	}
	return k.fold(n, judged(c), x, y)
}

func inTable(x *code, t *table.Table, pos string) func(*runtime.Run) bool {
	return func(r *runtime.Run) bool {
		key, ok := tableKey(r, x.read(r), pos)
		if !ok {
			r.Scratch.Missed = true
			return false
		}
		return t.Has(key)
	}
}

// set is a constant list of texts and numbers.
type set struct {
	texts   map[string]struct{}
	longest int
	numbers []runtime.Value
}

// setOf makes a set of a constant list that has nothing else in it.
func setOf(y *code) *set {
	if !y.constant || y.value.Kind() != runtime.List {
		return nil
	}
	s := &set{texts: make(map[string]struct{})}
	items := y.value.Built()
	for n := range y.value.Node().Elements() {
		items = append(items, runtime.NodeOf(n))
	}
	for _, item := range items {
		switch {
		case item.Kind() == runtime.String:
			s.texts[item.Text()] = struct{}{}
			s.longest = max(s.longest, len(item.Text()))
		case numeric(item):
			s.numbers = append(s.numbers, item)
		default:
			return nil
		}
	}
	return s
}

func (s *set) has(x *code) func(*runtime.Run) bool {
	return func(r *runtime.Run) bool {
		v := x.read(r)
		switch v.Kind() {
		case runtime.Null:
			r.Scratch.Missed = true
		case runtime.String:
			charge(r, 2)
			if len(v.Text()) > s.longest {
				return false
			}
			charge(r, int64(len(v.Text()))>>6)
			_, ok := s.texts[v.Text()]
			return ok
		case runtime.Int, runtime.Float:
			for _, n := range s.numbers {
				if charge(r, 1); equalNumbers(v, n) {
					return true
				}
			}
		}
		return false
	}
}

// inSpan is x in a..b, which needs no list.
func (k *compiler) inSpan(n *ast.BinaryNode, x *code, span *ast.BinaryNode) *code {
	lo, hi := k.compile(span.Left), k.compile(span.Right)
	k.want(span, lo, number, "..")
	k.want(span, hi, number, "..")
	c := &code{falls: x.null || lo.null || hi.null, test: between(x, lo, hi, k.pos(span))}
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
		low, high := wantInt(from, pos), wantInt(to, pos)
		i, whole := intOf(v)
		return whole && low <= i && i <= high
	}
}

func inValue(x, y *code, pos string) func(*runtime.Run) bool {
	return func(r *runtime.Run) bool {
		charge(r, 1)
		v, all := x.read(r), y.read(r)
		if v.IsNull() || all.IsNull() {
			r.Scratch.Missed = true
			return false
		}
		switch all.Kind() {
		case runtime.List:
			return inList(r, v, all)
		case runtime.Object:
			charge(r, int64(all.Len())>>3)
			return v.Kind() == runtime.String && !all.Get(v.Text()).IsNull()
		}
		fail(pos, "in wants a list or an object on its right, got %s", all.Kind())
		return false
	}
}

func inList(r *runtime.Run, v, all runtime.Value) bool {
	if v.Kind() == runtime.String && all.Node().Kind() == hook.Array {
		return textInArray(r, v.Text(), all.Node())
	}
	found := false
	each(r, all, func(_ int, item runtime.Value) bool {
		found = equalParts(r, v, item)
		return !found
	})
	return found
}

func textInArray(r *runtime.Run, s string, n hook.Node) bool {
	for item := range n.Elements() {
		charge(r, 1)
		if item.Kind() == hook.String && item.Text() == s {
			return true
		}
		if item.Kind() == hook.Null {
			r.Scratch.Missed = true
		}
	}
	return false
}
