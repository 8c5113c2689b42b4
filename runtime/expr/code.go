package expr

import (
	"fmt"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/schema"
	"github.com/tenterhook/tenterhook/runtime/table"
)

// code is one compiled node of an expression: what runs, and what is known of its value beforehand.
type code struct {
	eval func(*runtime.Run) runtime.Value
	test func(*runtime.Run) bool                // as a condition
	each func(*runtime.Run, runtime.Value) bool // of the innermost quantifier's value, when the condition is about that alone

	types    types
	null     bool           // it may be null
	falls    bool           // as a condition it may be not true merely because something is missing
	rises    bool           // it may be true merely because something is missing
	soft     bool           // it may be another value, though not null, because something is missing
	shape    *schema.Schema // of its members or elements, or of itself
	form     *form          // of a text, when a function with a form gave it
	secret   taint
	constant bool
	value    runtime.Value // when constant
	steps    int64         // instructions of its pattern
	slot     int           // the number of its Slot, when it is a path into the event; Slot 0 is never filled
	hash     bool          // it is the innermost quantifier's value
	part     string        // it is the member of that name of the innermost quantifier's value
	word     *string       // it is whether the innermost quantifier's value is this text
	table    *table.Table

	settle func(*runtime.Run) settled // as a condition, with what is missing left open
}

// loose reports whether the value may be another one, though not null, because something is missing: a list that
// counts as empty, a condition that was taken for false.
func (c *code) loose() bool {
	return c.soft || (c.types == boolean && !c.null && (c.falls || c.rises))
}

func loose(all ...*code) bool {
	for _, c := range all {
		if c.loose() {
			return true
		}
	}
	return false
}

// loosen marks a condition that compares loose values: what is missing may push it either way.
func (c *code) loosen(from ...*code) *code {
	if loose(from...) {
		c.falls, c.rises, c.soft = true, true, true
	}
	return c
}

// settled is a condition's outcome when something it needs may be missing.
type settled uint8

const (
	no settled = iota
	yes
	unsettled // something is missing that would decide it
)

// fault carries an error out of the closures; stop says that the Meter has said no.
type fault struct{ err error }

type stop struct{}

// caught turns a panic of the closures into the error that Eval returns.
func caught(r *runtime.Run, err *error) {
	switch p := recover().(type) {
	case nil:
	case *fault:
		*err = p.err
	case stop:
		*err = r.Meter.Err()
	default:
		panic(p)
	}
}

func charge(r *runtime.Run, n int64) {
	if !r.Meter.Spend(n) {
		panic(stop{})
	}
}

func hold(r *runtime.Run, bytes int64) {
	if !r.Meter.Hold(bytes) {
		panic(stop{})
	}
}

// fail ends the run: a value is of no use to what stands at pos.
func fail(pos, format string, args ...any) {
	panic(&fault{fmt.Errorf("%w: %s (%s)", runtime.ErrValue, fmt.Sprintf(format, args...), pos)})
}

// unknown is the code of what could not be compiled: nothing more is said about it.
func unknown() *code {
	return conditional(&code{
		eval:  func(*runtime.Run) runtime.Value { return runtime.Value{} },
		types: anything,
	}, "")
}

func literal(v runtime.Value) *code {
	c := &code{constant: true, value: v, eval: func(r *runtime.Run) runtime.Value { charge(r, 1); return v }}
	switch v.Kind() {
	case runtime.Null:
		c.null = true
	case runtime.Bool:
		c.types = boolean
	case runtime.Int, runtime.Float:
		c.types = number
	case runtime.String:
		c.types = text
	case runtime.List:
		c.types = list
	case runtime.Object:
		c.types = object
	}
	return conditional(c, "")
}

// conditional completes c with what it is as a condition, from its eval.
func conditional(c *code, pos string) *code {
	eval := c.eval
	if c.test == nil {
		c.test = func(r *runtime.Run) bool {
			v := eval(r)
			switch v.Kind() {
			case runtime.Bool:
				return v.Bool()
			case runtime.Null:
				r.Scratch.Missed = true
			default:
				fail(pos, "want a condition, got %s", v.Kind())
			}
			return false
		}
	}
	if c.null && !c.constant {
		c.falls = true
	}
	if c.settle == nil {
		test := c.test
		c.settle = func(r *runtime.Run) settled {
			r.Scratch.Missed = false
			v := test(r)
			if r.Scratch.Missed {
				return unsettled
			}
			if v {
				return yes
			}
			return no
		}
	}
	return c
}

// judged completes a condition that is never null from its test.
func judged(c *code) *code {
	test := c.test
	c.types = boolean
	c.eval = func(r *runtime.Run) runtime.Value { return runtime.BoolOf(test(r)) }
	return conditional(c, "")
}

// verdict is a condition that may be null.
type verdict uint8

const (
	isFalse verdict = iota
	isTrue
	isNull
)

func verdictOf(b bool) verdict {
	if b {
		return isTrue
	}
	return isFalse
}

// decided completes a condition that may be null from its verdict.
func decided(c *code, decide func(*runtime.Run) verdict) *code {
	c.types = boolean
	c.eval = func(r *runtime.Run) runtime.Value {
		switch decide(r) {
		case isTrue:
			return runtime.BoolOf(true)
		case isFalse:
			return runtime.BoolOf(false)
		}
		return runtime.Value{}
	}
	if c.test == nil {
		c.test = func(r *runtime.Run) bool {
			v := decide(r)
			if v == isNull {
				r.Scratch.Missed = true
			}
			return v == isTrue
		}
	}
	return conditional(c, "")
}
