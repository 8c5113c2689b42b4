package expr

import (
	"math"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
)

// slice is x[a:b] of a list or a text; either end may be left out, or count from the end.
func (k *compiler) slice(n *ast.SliceNode) *code {
	x := k.compile(n.Node)
	k.wantKinds(n, x, list|text, "[ : ]")
	from, to := literal(runtime.IntOf(0)), literal(runtime.IntOf(math.MaxInt64))
	if n.From != nil {
		from = k.compile(n.From)
		k.wantKinds(n.From, from, number, "[ : ]")
		k.wantWhole(n.From, from)
	}
	if n.To != nil {
		to = k.compile(n.To)
		k.wantKinds(n.To, to, number, "[ : ]")
		k.wantWhole(n.To, to)
	}
	pos := k.pos(n)
	c := &code{types: x.types & (list | text), null: x.null || from.null || to.null, maybeOther: anyUncertain(x, from, to), shape: x.shape, taint: derivedTaint(x, from, to)}
	c.eval = func(r *runtime.Run) runtime.Value {
		charge(r, 1)
		v, a, b := x.eval(r), from.eval(r), to.eval(r)
		if v.IsNull() || a.IsNull() || b.IsNull() {
			return runtime.Value{}
		}
		switch v.Kind() {
		case runtime.String:
			return sliceText(r, v.Text(), wantInt(a, pos), wantInt(b, pos))
		case runtime.List:
			return sliceList(r, v, wantInt(a, pos), wantInt(b, pos))
		}
		fail(pos, "[ : ] wants a list or a text, got %s", v.Kind())
		return v
	}
	return k.fold(n, complete(c, pos), x, from, to)
}

// bounds moves the ends of a slice into 0..size, in order.
func bounds(size, from, to int64) (int64, int64) {
	if from < 0 {
		from += size
	}
	if to < 0 {
		to += size
	}
	from = min(max(0, from), size)
	return from, max(from, min(to, size))
}

func sliceList(r *runtime.Run, v runtime.Value, from, to int64) runtime.Value {
	from, to = bounds(int64(v.Len()), from, to)
	if v.Node().Raw() == nil {
		return runtime.ListOf(v.Items()[from:to])
	}
	b := newBuilder(r, int(to-from))
	each(r, v, func(i int, item runtime.Value) bool {
		if int64(i) >= from && int64(i) < to {
			b.add(item)
		}
		return int64(i) < to
	})
	return runtime.ListOf(b.values)
}

// sliceText counts characters, so that none is cut in half.
func sliceText(r *runtime.Run, s string, from, to int64) runtime.Value {
	if from < 0 || to < 0 {
		from, to = bounds(characters(r, s), from, to)
	}
	start := skip(r, s, from)
	return runtime.TextOf(s[start : start+skip(r, s[start:], max(0, to-from))])
}
