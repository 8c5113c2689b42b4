package expr

import (
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func (l *loop) all(r *runtime.Run) runtime.Value  { return runtime.BoolOf(!l.holds(r, false)) }
func (l *loop) any(r *runtime.Run) runtime.Value  { return runtime.BoolOf(l.holds(r, true)) }
func (l *loop) none(r *runtime.Run) runtime.Value { return runtime.BoolOf(!l.holds(r, true)) }

func (l *loop) testAll() func(*runtime.Run) bool  { return l.looking(false, false) }
func (l *loop) testAny() func(*runtime.Run) bool  { return l.looking(true, true) }
func (l *loop) testNone() func(*runtime.Run) bool { return l.looking(true, false) }

// looking looks for a value that the condition comes out as want for, and is found when there is one.
func (l *loop) looking(want, found bool) func(*runtime.Run) bool {
	if l.body == nil || l.body.each == nil {
		return func(r *runtime.Run) bool { return l.holds(r, want) == found }
	}
	from, test, word := l.from, l.body.each, l.body.word
	if !want { // any value that is another
		word = nil
	}
	return func(r *runtime.Run) bool {
		v := from.read(r)
		if v.Kind() != runtime.List {
			l.values(r)
			return !found
		}
		charge(r, 1)
		if word != nil && v.Built() == nil {
			return spelled(r, v.Node(), *word, test) == found
		}
		return meets(r, v, test, want) == found
	}
}

// spelled is meets for any(list, # == "text") of a list that was sent: most values are texts of another length.
func spelled(r *runtime.Run, n jsondoc.Node, word string, test func(*runtime.Run, runtime.Value) bool) bool {
	for item := range n.Elements() {
		charge(r, 1)
		if item.Kind() != jsondoc.String {
			test(r, runtime.NodeOf(item)) // it is not that text, and may be nothing to compare with one
			continue
		}
		if item.Text() == word {
			return true
		}
	}
	return false
}

// meets reports whether test comes out as want for any value. It needs nothing that is put where # is read.
func meets(r *runtime.Run, v runtime.Value, test func(*runtime.Run, runtime.Value) bool, want bool) bool {
	for item := range v.Node().Elements() {
		if charge(r, 1); test(r, runtime.NodeOf(item)) == want {
			return true
		}
	}
	for _, item := range v.Built() {
		if charge(r, 1); test(r, item) == want {
			return true
		}
	}
	return false
}

// holds reports whether the condition comes out as want for any value.
func (l *loop) holds(r *runtime.Run, want bool) bool {
	found := false
	if v, ok := l.values(r); ok {
		l.run(r, v, func(_ int, _ runtime.Value, holds bool) bool {
			found = holds == want
			return !found
		})
	}
	return found
}

func (l *loop) one(r *runtime.Run) runtime.Value { return runtime.BoolOf(l.times(r, 2) == 1) }

func (l *loop) count(r *runtime.Run) runtime.Value { return runtime.IntOf(l.times(r, -1)) }

// times is how often the condition holds; nobody asks beyond most.
func (l *loop) times(r *runtime.Run, most int64) int64 {
	times := int64(0)
	if v, ok := l.values(r); ok {
		l.run(r, v, func(_ int, item runtime.Value, holds bool) bool {
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
	v, ok := l.values(r)
	if !ok {
		return v
	}
	b := building(r, 0)
	l.run(r, v, func(_ int, item runtime.Value, holds bool) bool {
		if holds {
			b.add(item)
		}
		return true
	})
	return runtime.ListOf(b.values)
}

func (l *loop) each(r *runtime.Run) runtime.Value {
	v, ok := l.values(r)
	if !ok {
		return v
	}
	b := building(r, v.Len())
	each(r, v, func(i int, item runtime.Value) bool {
		r.Scratch.Locals[l.at] = item
		r.Scratch.Locals[l.at+1] = runtime.IntOf(int64(i))
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

// search is the first value the condition holds for, or the last, and where it is; both null when there is none.
func (l *loop) search(r *runtime.Run, last bool) (index, found runtime.Value) {
	if v, ok := l.values(r); ok {
		l.run(r, v, func(i int, item runtime.Value, holds bool) bool {
			if holds {
				index, found = runtime.IntOf(int64(i)), item
			}
			return last || !holds
		})
	}
	return index, found
}

func (l *loop) sum(r *runtime.Run) runtime.Value {
	v, ok := l.values(r)
	if !ok {
		return v
	}
	total := runtime.IntOf(0)
	each(r, v, func(i int, item runtime.Value) bool {
		if l.body != nil {
			r.Scratch.Locals[l.at] = item
			r.Scratch.Locals[l.at+1] = runtime.IntOf(int64(i))
			item = l.body.eval(r)
		}
		if item.IsNull() {
			r.Scratch.Missed = true
			return true
		}
		if !numeric(item) {
			fail(l.pos, "sum wants numbers, got %s", item.Kind())
		}
		total = calculators["+"](total, item, l.pos)
		return true
	})
	return total
}
