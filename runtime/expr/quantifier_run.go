package expr

import (
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func (l *loop) all(r *runtime.Run) runtime.Value  { return runtime.BoolOf(!l.anyHolds(r, false)) }
func (l *loop) any(r *runtime.Run) runtime.Value  { return runtime.BoolOf(l.anyHolds(r, true)) }
func (l *loop) none(r *runtime.Run) runtime.Value { return runtime.BoolOf(!l.anyHolds(r, true)) }

func (l *loop) testAll() func(*runtime.Run) bool  { return l.makeTest(false, false) }
func (l *loop) testAny() func(*runtime.Run) bool  { return l.makeTest(true, true) }
func (l *loop) testNone() func(*runtime.Run) bool { return l.makeTest(true, false) }

// makeTest makes a test for elements whose condition is want. found is its outcome when there is
// one.
func (l *loop) makeTest(want, found bool) func(*runtime.Run) bool {
	if l.body == nil || l.body.elementTest == nil {
		return func(r *runtime.Run) bool { return l.anyHolds(r, want) == found }
	}
	from, test, word := l.operand, l.body.elementTest, l.body.equalsText
	if !want { // any value that is another
		word = nil
	}
	return func(r *runtime.Run) bool {
		v := from.read(r)
		if v.Kind() != runtime.List {
			l.readList(r)
			return !found
		}
		charge(r, 1)
		if word != nil && v.Items() == nil {
			return containsText(r, v.Node(), *word, test) == found
		}
		return anyMeets(r, v, test, want) == found
	}
}

// containsText is anyMeets for any(list, # == "text") over a list of a document: most elements
// differ in length.
func containsText(r *runtime.Run, n jsondoc.Node, word string, test func(*runtime.Run, runtime.Value) bool) bool {
	for item := range n.Elements() {
		charge(r, 1)
		if item.Kind() != jsondoc.String {
			test(r, runtime.NodeOf(item)) // it is not that text, and may be incomparable with one
			continue
		}
		if item.Text() == word {
			return true
		}
	}
	return false
}

// anyMeets reports whether test is want for any value. test does not read #.
func anyMeets(r *runtime.Run, v runtime.Value, test func(*runtime.Run, runtime.Value) bool, want bool) bool {
	for item := range v.Node().Elements() {
		if charge(r, 1); test(r, runtime.NodeOf(item)) == want {
			return true
		}
	}
	for _, item := range v.Items() {
		if charge(r, 1); test(r, item) == want {
			return true
		}
	}
	return false
}

// anyHolds reports whether the condition is want for any value.
func (l *loop) anyHolds(r *runtime.Run, want bool) bool {
	found := false
	if v, ok := l.readList(r); ok {
		l.forEach(r, v, func(_ int, _ runtime.Value, holds bool) bool {
			found = holds == want
			return !found
		})
	}
	return found
}

func (l *loop) one(r *runtime.Run) runtime.Value { return runtime.BoolOf(l.countHolding(r, 2) == 1) }

func (l *loop) count(r *runtime.Run) runtime.Value { return runtime.IntOf(l.countHolding(r, -1)) }

// countHolding counts the values for which the condition holds, up to most.
func (l *loop) countHolding(r *runtime.Run, most int64) int64 {
	times := int64(0)
	if v, ok := l.readList(r); ok {
		l.forEach(r, v, func(_ int, item runtime.Value, holds bool) bool {
			if l.body == nil && item.Kind() > runtime.Bool {
				fail(l.pos, "count without a condition wants a list of booleans, got %s in it", item.Kind())
			}
			if holds {
				times++
			}
			return times != most
		})
	}
	return times
}

func (l *loop) filter(r *runtime.Run) runtime.Value {
	v, ok := l.readList(r)
	if !ok {
		return v
	}
	b := newBuilder(r, 0)
	l.forEach(r, v, func(_ int, item runtime.Value, holds bool) bool {
		if holds {
			b.add(item)
		}
		return true
	})
	return runtime.ListOf(b.values)
}

func (l *loop) mapValues(r *runtime.Run) runtime.Value {
	v, ok := l.readList(r)
	if !ok {
		return v
	}
	b := newBuilder(r, v.Len())
	each(r, v, func(i int, item runtime.Value) bool {
		r.Scratch.Locals[l.local] = item
		r.Scratch.Locals[l.local+1] = runtime.IntOf(int64(i))
		b.add(l.body.eval(r))
		return true
	})
	return runtime.ListOf(b.values)
}

func (l *loop) find(r *runtime.Run) runtime.Value {
	_, v := l.search(r, false)
	return v
}

func (l *loop) findLast(r *runtime.Run) runtime.Value {
	_, v := l.search(r, true)
	return v
}

func (l *loop) findIndex(r *runtime.Run) runtime.Value {
	i, _ := l.search(r, false)
	return i
}

func (l *loop) findLastIndex(r *runtime.Run) runtime.Value {
	i, _ := l.search(r, true)
	return i
}

// search is the first or last value for which the condition holds, and its index; both null without
// one.
func (l *loop) search(r *runtime.Run, last bool) (index, found runtime.Value) {
	if v, ok := l.readList(r); ok {
		l.forEach(r, v, func(i int, item runtime.Value, holds bool) bool {
			if holds {
				index, found = runtime.IntOf(int64(i)), item
			}
			return last || !holds
		})
	}
	return index, found
}

func (l *loop) sum(r *runtime.Run) runtime.Value {
	v, ok := l.readList(r)
	if !ok {
		return v
	}
	total := runtime.IntOf(0)
	each(r, v, func(i int, item runtime.Value) bool {
		if l.body != nil {
			r.Scratch.Locals[l.local] = item
			r.Scratch.Locals[l.local+1] = runtime.IntOf(int64(i))
			item = l.body.eval(r)
		}
		if item.IsNull() {
			r.Scratch.Missed = true
			return true
		}
		if !numeric(item) {
			fail(l.pos, "sum wants numbers, got %s", item.Kind())
		}
		total = arithmeticFuncs["+"](total, item, l.pos)
		return true
	})
	return total
}
