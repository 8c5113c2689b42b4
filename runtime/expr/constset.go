package expr

import (
	"math"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// held is what is known of the right side of an `in`.
type held struct {
	kinds types // of what is compared, as far as they are known; 0 when there is nothing
	set   *set  // of a constant list of texts and numbers, else nil
}

// heldBy is what is known of y. A list of the policy's variables is looked through once, however many expressions look
// into it.
func (e *Env) heldBy(y *code) held {
	switch {
	case y.types == object:
		return held{kinds: text}
	case y.types != list:
		return held{kinds: anything}
	case y.constant:
		return e.heldByConstant(y.value)
	case y.shape.Element() != nil:
		return held{kinds: y.shape.Element().Kinds()}
	}
	return held{kinds: anything}
}

func (e *Env) heldByConstant(v runtime.Value) held {
	if v.Node().Kind() != jsondoc.Array {
		return heldByList(v)
	}
	h, known := e.held[v.Node()]
	if !known {
		h = heldByList(v)
		e.held[v.Node()] = h
	}
	return h
}

func heldByList(list runtime.Value) held {
	h, s := held{}, &set{texts: make(map[string]struct{}), ints: make(map[int64]struct{})}
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
	for _, item := range list.Built() {
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

// set is a constant list of texts and numbers.
type set struct {
	texts   map[string]struct{}
	longest int
	ints    map[int64]struct{}
	floats  []runtime.Value // and whole numbers beyond 64 bits
	other   bool            // something else is in it
}

func (s *set) has(pos string) func(*runtime.Run, runtime.Value) bool {
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
			if unread(v) && len(s.ints)+len(s.floats) > 0 {
				fail(pos, "in: %s", tooLong)
			}
			return s.hasNumber(r, v)
		case runtime.List, runtime.Object:
			fail(pos, "in a list of texts and numbers: cannot compare them with %s", v.Kind())
		}
		return false
	}
}

func (s *set) hasNumber(r *runtime.Run, v runtime.Value) bool {
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

// wholeOf is a number as the Int that it is equal to.
func wholeOf(v runtime.Value) (int64, bool) {
	if v.Kind() == runtime.Int {
		return v.Int(), true
	}
	f := v.Float()
	return int64(f), f == math.Trunc(f) && f >= -1<<63 && f < 1<<63
}

const scalar = boolean | number | text

// mayBeAlike reports whether some value of x's kinds can be compared with one of y's. 0 is nothing to compare with.
func mayBeAlike(x, y types) bool {
	return y == 0 || x&scalar != 0 && y&scalar != 0 || x&y != 0
}
