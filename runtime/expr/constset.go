package expr

import (
	"math"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// elements describes the values on the right side of an `in`.
type elements struct {
	kinds types     // that may occur; 0 when there are no values
	set   *constSet // of a constant list of texts and numbers, else nil
}

// elementsOf describes the values of y. A list in vars is analysed once for all
// expressions.
func (e *Env) elementsOf(y *code) elements {
	switch {
	case y.types == object:
		return elements{kinds: text}
	case y.types != list:
		return elements{kinds: anything}
	case y.constant:
		return e.elementsOfConstant(y.value)
	case y.shape.Element() != nil:
		return elements{kinds: y.shape.Element().Kinds()}
	}
	return elements{kinds: anything}
}

func (e *Env) elementsOfConstant(v runtime.Value) elements {
	if v.Node().Kind() != jsondoc.Array {
		return elementsOfList(v)
	}
	h, known := e.constElements[v.Node()]
	if !known {
		h = elementsOfList(v)
		e.constElements[v.Node()] = h
	}
	return h
}

func elementsOfList(list runtime.Value) elements {
	h, s := elements{}, &constSet{texts: make(map[string]struct{}), ints: make(map[int64]struct{})}
	consider := func(item runtime.Value) {
		h.kinds |= typeOf(item)
		switch {
		case item.Kind() == runtime.String:
			s.texts[item.Text()] = struct{}{}
			s.longest = max(s.longest, len(item.Text()))
		case item.Kind() == runtime.Int:
			s.ints[item.Int()] = struct{}{}
		case item.Kind() == runtime.Float:
			s.floats = append(s.floats, item)
		default:
			s.other = true
		}
	}
	for _, item := range list.Items() {
		consider(item)
	}
	for n := range list.Node().Elements() {
		consider(runtime.NodeOf(n))
	}
	if !s.other {
		h.set = s
	}
	return h
}

// constSet is a constant list of texts and numbers, for fast lookups.
type constSet struct {
	texts   map[string]struct{}
	longest int
	ints    map[int64]struct{}
	floats  []runtime.Value // and whole numbers beyond 64 bits
	other   bool            // there are values of other kinds
}

func (s *constSet) test(pos string) func(*runtime.Run, runtime.Value) bool {
	return func(r *runtime.Run, v runtime.Value) bool {
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
			if isUnparsedNumber(v) && len(s.ints)+len(s.floats) > 0 {
				fail(pos, "in: %s", unparsedNumber)
			}
			return s.containsNumber(r, v)
		case runtime.List, runtime.Object:
			fail(pos, "in a list of texts and numbers: cannot compare them with %s", v.Kind())
		}
		return false
	}
}

func (s *constSet) containsNumber(r *runtime.Run, v runtime.Value) bool {
	charge(r, 2)
	if i, whole := wholeOf(v); whole {
		if _, ok := s.ints[i]; ok {
			return true
		}
	}
	for _, n := range s.floats {
		if charge(r, 1); equalNumbers(v, n) {
			return true
		}
	}
	return false
}

// wholeOf is the Int that is equal to a number.
func wholeOf(v runtime.Value) (int64, bool) {
	if v.Kind() == runtime.Int {
		return v.Int(), true
	}
	f := v.Float()
	return int64(f), f == math.Trunc(f) && f >= -1<<63 && f < 1<<63
}

const scalar = boolean | number | text

// mayBeComparable reports whether values of the kinds x and y may be comparable. 0 stands for no
// values.
func mayBeComparable(x, y types) bool {
	return y == 0 || x&scalar != 0 && y&scalar != 0 || x&y != 0
}
