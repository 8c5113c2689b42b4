// Package expr is for rules that are written as expressions: it compiles them and keeps the runtime's promise for them.
//
// The language is expr's (https://expr-lang.org), read by its parser. What runs is our own: plain closures that ask the
// Meter inside every operator and function, before anything is allocated, with null as the policy files have it
// (see Compile). Whatever a payload says, an expression ends within its budget.
package expr

import (
	"errors"

	"github.com/tenterhook/tenterhook/runtime"
)

// Expression is a compiled expression, safe for concurrent runs.
type Expression struct {
	test       func(*runtime.Run) bool
	layout     *runtime.Layout
	maybeFalse bool // as code's: a rule that does not match touches no code
	code       *code
	cost       Cost
	needs      []Need
	env        *Env
	inputs     []input

	clauses  []*Clause
	warnings Errors
}

// Compile reads an expression that sees what e has. The error is Errors: everything that was found wrong.
//
// Null is what a payload leaves out; JSON's null is the same. As a condition null is false, and the operands of and,
// or, not and ?: are conditions. == with a missing side is false and != is its negation, so two missing values are
// never equal; x == nil asks whether x is missing. Null is in no list, and nothing is in a missing list. Quantifiers
// (all, any, none, one, count) and len take a missing list as empty. Any other operator or function given null gives
// null. So nothing a payload leaves out makes an expression fail.
//
// A value of a type that an operator cannot work with makes it fail, with runtime.ErrValue: a payload must not be able
// to make a rule that refuses come out false by sending a list where a text was meant. So ==, != and in fail too when they
// compare a text, number or boolean with a list or object, or a list with an object; a text, a number and a boolean are
// merely unequal to each other, and so are parts of lists and objects, whatever they are. A member of what is no object is
// missing.
func Compile(src string, e *Env) (*Expression, error) {
	node, errs := parse(src)
	if errs != nil {
		return nil, errs
	}
	k := newCompiler(e, src)
	c := k.compile(node)
	e.reserve(k.maxLocals)
	if err := k.result(); err != nil {
		return nil, err
	}
	cost, _ := k.cost(node)
	return &Expression{test: c.test, layout: &e.layout, maybeFalse: c.maybeFalse, code: c, cost: cost, needs: k.needs(node), env: e, inputs: k.inputs(node), clauses: sortClauses(k.clauses), warnings: k.warnings}, nil
}

func (e *Env) reserve(locals int) {
	if locals > e.layout.Locals {
		e.layout.Locals = locals
		e.layout.Version++
	}
}

// Eval computes the expression. The value is good until r begins again. An error wraps one of runtime's reasons.
func (x *Expression) Eval(r *runtime.Run) (v runtime.Value, err error) {
	r.Scratch.Resize(x.layout)
	defer recoverFault(r, &err)
	return x.code.eval(r), nil
}

// Test computes the expression as a condition: null is false. Anything that is neither null nor a boolean is an error
// when it is compiled, where that can be known, and else runtime.ErrValue.
func (x *Expression) Test(r *runtime.Run) (yes bool, err error) {
	r.Scratch.Resize(x.layout)
	defer recoverFault(r, &err)
	return x.test(r), nil
}

// Match is Test, and says of a condition that is not true whether that is only because of something missing: missing
// is true when some value for it could have made the condition true. A rule with `missing: match` takes that for a
// match.
func (x *Expression) Match(r *runtime.Run) (yes, missing bool, err error) {
	if yes, err = x.Test(r); yes || err != nil || !x.maybeFalse {
		return yes, false, err
	}
	s, err := x.evalKleene(r)
	if errors.Is(err, runtime.ErrValue) { // in a part that Test had no need to look at: it decides nothing
		return false, true, nil
	}
	return false, s == undecided, err
}

func (x *Expression) evalKleene(r *runtime.Run) (s kleene, err error) {
	defer recoverFault(r, &err)
	return x.code.evalKleene(r), nil
}

// Nullable reports whether the condition can be not true merely because a payload leaves something out. A rule that
// refuses then has a hole, which the policy has to decide on.
func (x *Expression) Nullable() bool {
	return x.code.maybeFalse || (x.code.null && x.code.types&^boolean != 0)
}

// Constant is the value of an expression that needs no event, and whether it is one.
func (x *Expression) Constant() (runtime.Value, bool) { return x.code.value, x.code.constant }

// Condition reports what is wrong with the expression as a condition, nil when nothing can be known to be.
func (x *Expression) Condition() error {
	if x.code.types != 0 && x.code.types&boolean == 0 {
		return Errors{at("", 0, "want a condition, got "+x.code.types.String())}
	}
	return nil
}
