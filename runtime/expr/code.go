package expr

import (
	"fmt"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/schema"
	"github.com/tenterhook/tenterhook/runtime/table"
)

// code is one compiled node of an expression: closures, and what is known of its value before any
// run.
type code struct {
	eval func(*runtime.Run) runtime.Value
	test func(*runtime.Run) bool // as a condition
	// tests an element of the innermost quantifier, when the condition needs nothing else
	elementTest func(*runtime.Run, runtime.Value) bool

	types       types
	null        bool           // the value may be null
	maybeFalse  bool           // as a condition, something missing may keep it from being true
	maybeTrue   bool           // as a condition, something missing may make it true
	maybeOther  bool           // something missing may make it another value that is not null
	shape       *schema.Schema // of the value
	form        *form          // of a text, when a function with a form gave it
	taint       taint
	binary      bool // a text of bytes that need not be UTF-8: see compileBytes
	timed       bool // a number or its container is calculated from a time, which may have a fraction
	constant    bool
	value       runtime.Value // when constant
	patternSize int64         // instructions of its pattern
	// number of its Slot, when it is a path into the event; Slot 0 is never filled
	slot          int
	isElement     bool    // it is the element of the innermost quantifier
	elementMember string  // it is the member of that name of that element
	equalsText    *string // it tests whether that element is this text
	table         *table.Table

	evalKleene func(*runtime.Run) kleene // as a condition, in three-valued logic
}

// isUncertain reports whether something missing may make the value another one that is not null: a
// list counted as empty, a condition taken for false.
func (c *code) isUncertain() bool {
	return c.maybeOther || (c.types == boolean && !c.null && (c.maybeFalse || c.maybeTrue))
}

func anyUncertain(all ...*code) bool {
	for _, c := range all {
		if c.isUncertain() {
			return true
		}
	}
	return false
}

// addUncertainty marks a condition on uncertain values: something missing may make it true or
// false.
func (c *code) addUncertainty(from ...*code) *code {
	if anyUncertain(from...) {
		c.maybeFalse, c.maybeTrue, c.maybeOther = true, true, true
	}
	return c
}

// kleene is a condition's outcome in three-valued (Kleene) logic, where a missing value is
// undecided.
type kleene uint8

const (
	definitelyFalse kleene = iota
	definitelyTrue
	undecided // a missing value would decide it
)

// fault carries an error out of the closures; exhausted says that a limit of the Meter was reached.
type fault struct{ err error }

type exhausted struct{}

// recoverFault turns a panic of the closures into the error that Eval returns.
func recoverFault(r *runtime.Run, err *error) {
	switch p := recover().(type) {
	case nil:
	case *fault:
		*err = p.err
	case exhausted:
		*err = r.Meter.Err()
	default:
		panic(p)
	}
}

func charge(r *runtime.Run, n int64) {
	if !r.Meter.Spend(n) {
		panic(exhausted{})
	}
}

func reserve(r *runtime.Run, bytes int64) {
	if !r.Meter.Reserve(bytes) {
		panic(exhausted{})
	}
}

// fail ends the run: the operator or function at pos cannot work with a value.
func fail(pos, format string, args ...any) {
	panic(&fault{fmt.Errorf("%w: %s (%s)", runtime.ErrValue, fmt.Sprintf(format, args...), pos)})
}

// invalidCode stands for a node that could not be compiled. It causes no further problems.
func invalidCode() *code {
	return complete(&code{
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
		c.types, c.binary = text, !utf8.ValidString(v.Text())
	case runtime.List:
		c.types = list
	case runtime.Object:
		c.types = object
	}
	return complete(c, "")
}

// complete derives from eval: test, evalKleene and maybeFalse.
func complete(c *code, pos string) *code {
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
		c.maybeFalse = true
	}
	if c.evalKleene == nil {
		test := c.test
		c.evalKleene = func(r *runtime.Run) kleene {
			r.Scratch.Missed = false
			v := test(r)
			if r.Scratch.Missed {
				return undecided
			}
			if v {
				return definitelyTrue
			}
			return definitelyFalse
		}
	}
	return c
}

// completeBoolean completes a condition that is never null from its test.
func completeBoolean(c *code) *code {
	test := c.test
	c.types = boolean
	c.eval = func(r *runtime.Run) runtime.Value { return runtime.BoolOf(test(r)) }
	return complete(c, "")
}

// nullBool is the outcome of a condition that may be null.
type nullBool uint8

const (
	isFalse nullBool = iota
	isTrue
	isNull
)

func nullBoolOf(b bool) nullBool {
	if b {
		return isTrue
	}
	return isFalse
}

// completeNullable completes a condition that may be null from decide.
func completeNullable(c *code, decide func(*runtime.Run) nullBool) *code {
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
	return complete(c, "")
}
