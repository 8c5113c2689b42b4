package expr

import (
	"math"
	"slices"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
)

func length(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	v := args[0]
	if v.Kind() == runtime.String {
		return runtime.IntOf(characters(r, v.Text()))
	}
	return runtime.IntOf(int64(v.Len()))
}

func abs(_ *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	v := args[0]
	if v.Kind() == runtime.Float {
		return finite(math.Abs(v.Float()), pos)
	}
	if v.Int() < 0 {
		return calculators["-"](runtime.IntOf(0), v, pos)
	}
	return v
}

func ceil(_ *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	return rounded(args[0], math.Ceil, pos)
}

func floor(_ *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	return rounded(args[0], math.Floor, pos)
}

func round(_ *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	return rounded(args[0], math.Round, pos)
}

func rounded(v runtime.Value, f func(float64) float64, pos string) runtime.Value {
	if v.Kind() == runtime.Int {
		return v
	}
	return whole(f(v.Float()), pos)
}

// whole is f, which has no fraction, as an Int.
func whole(f float64, pos string) runtime.Value {
	if !(f >= -1<<63 && f < 1<<63) {
		overflow(pos)
	}
	return runtime.IntOf(int64(f))
}

func smallest(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	return extreme(r, args, pos, -1)
}

func largest(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	return extreme(r, args, pos, 1)
}

// extreme is the number furthest to one side, of the arguments and of the lists among them.
func extreme(r *runtime.Run, args []runtime.Value, pos string, side int) (best runtime.Value) {
	consider := func(_ int, v runtime.Value) bool {
		if v.IsNull() {
			r.Scratch.Missed = true
			return true
		}
		if !numeric(v) {
			fail(pos, "want numbers, got %s", v.Kind())
		}
		if best.IsNull() || ordered(r, v, best, pos, "min or max")*side > 0 {
			best = v
		}
		return true
	}
	for i, v := range args {
		if charge(r, 1); v.Kind() == runtime.List {
			each(r, v, consider)
		} else {
			consider(i, v)
		}
	}
	return best
}

func first(_ *runtime.Run, args []runtime.Value, _ string) runtime.Value { return args[0].At(0) }

func last(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	charge(r, int64(args[0].Len())>>3)
	return args[0].At(args[0].Len() - 1)
}

func keys(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	b := building(r, args[0].Len())
	eachMember(r, args[0], func(name string, _ runtime.Value) bool { b.add(runtime.TextOf(name)); return true })
	return runtime.ListOf(b.values)
}

func values(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	b := building(r, args[0].Len())
	eachMember(r, args[0], func(_ string, v runtime.Value) bool { b.add(v); return true })
	return runtime.ListOf(b.values)
}

func concat(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	size := 0
	for _, v := range args {
		size += v.Len()
	}
	b := building(r, size)
	for _, v := range args {
		each(r, v, func(_ int, item runtime.Value) bool { b.add(item); return true })
	}
	return runtime.ListOf(b.values)
}

// uniq compares every value with those kept so far; the Meter is asked for each comparison.
func uniq(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	b := building(r, 0)
	each(r, args[0], func(_ int, item runtime.Value) bool {
		if item.IsNull() {
			r.Scratch.Missed = true
			return true
		}
		for _, kept := range b.values {
			if equal(r, kept, item) {
				return true
			}
		}
		b.add(item)
		return true
	})
	return runtime.ListOf(b.values)
}

// sorted asks the Meter inside every comparison.
func sorted(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	b := building(r, args[0].Len())
	each(r, args[0], func(_ int, item runtime.Value) bool {
		if !numeric(item) && item.Kind() != runtime.String {
			fail(pos, "sort wants numbers or texts, got %s", item.Kind())
		}
		b.add(item)
		return true
	})
	slices.SortStableFunc(b.values, func(x, y runtime.Value) int {
		charge(r, 1)
		if numeric(x) != numeric(y) {
			fail(pos, "sort wants all numbers or all texts")
		}
		return ordered(r, x, y, pos, "sort")
	})
	return runtime.ListOf(b.values)
}

// slice is x[a:b] of a list or a text; either end may be left out, or count from the end.
func (k *compiler) slice(n *ast.SliceNode) *code {
	x := k.compile(n.Node)
	k.want(n, x, list|text, "[ : ]")
	from, to := literal(runtime.IntOf(0)), literal(runtime.IntOf(math.MaxInt64))
	if n.From != nil {
		from = k.compile(n.From)
		k.want(n.From, from, number, "[ : ]")
	}
	if n.To != nil {
		to = k.compile(n.To)
		k.want(n.To, to, number, "[ : ]")
	}
	pos := k.pos(n)
	c := &code{types: x.types & (list | text), null: x.null || from.null || to.null, soft: loose(x, from, to), shape: x.shape, secret: measured(x, from, to)}
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
	return k.fold(n, conditional(c, pos), x, from, to)
}

// bounds puts the ends of a slice inside 0..size, in order.
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
		return runtime.ListOf(v.Built()[from:to])
	}
	b := building(r, int(to-from))
	each(r, v, func(i int, item runtime.Value) bool {
		if int64(i) >= from && int64(i) < to {
			b.add(item)
		}
		return int64(i) < to
	})
	return runtime.ListOf(b.values)
}

// sliceText counts characters, so that no half of one is left over.
func sliceText(r *runtime.Run, s string, from, to int64) runtime.Value {
	if from < 0 || to < 0 {
		from, to = bounds(characters(r, s), from, to)
	}
	start := skip(r, s, from)
	return runtime.TextOf(s[start : start+skip(r, s[start:], max(0, to-from))])
}

// characters is how many characters s has; the Meter is asked for every window.
func characters(r *runtime.Run, s string) int64 {
	n := 0
	for len(s) > 0 {
		w := s[:min(len(s), window)]
		charge(r, 1+int64(len(w))>>4)
		for i := range len(w) {
			if utf8.RuneStart(w[i]) {
				n++
			}
		}
		s = s[len(w):]
	}
	return int64(n)
}

// skip is how many bytes the first n characters have; all of s when it has fewer.
func skip(r *runtime.Run, s string, n int64) int {
	for i := range len(s) {
		if i&(window-1) == 0 {
			charge(r, 1+int64(min(window, len(s)-i))>>4)
		}
		if utf8.RuneStart(s[i]) {
			if n == 0 {
				return i
			}
			n--
		}
	}
	return len(s)
}
