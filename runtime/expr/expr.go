package expr

import (
	"errors"

	"github.com/tenterhook/tenterhook/runtime"
)

// Expression is a compiled expression, safe for concurrent runs.
type Expression struct {
	test       func(*runtime.Run) bool
	layout     *runtime.Layout
	maybeFalse bool // copied from code, so that a rule that does not match does not load code
	code       *code
	cost       Cost
	needs      []Need
	env        *Env
	inputs     []input
	terms      []*Expression

	clauses  []*Clause
	warnings Errors
}

// Compile compiles an expression that can read what e has. The error is Errors: all problems.
//
// Null is a value that the payload leaves out; JSON's null is the same. As a condition null is
// false, and the operands of and, or, not and ?: are conditions. == with a missing side is false
// and != is its negation, so two missing values are never equal; x == nil tests whether x is
// missing. Null is in no list, and nothing is in a missing list. Quantifiers (all, any, none, one,
// count) and len take a missing list as empty. Any other operator or function given null gives
// null. So no missing value makes an expression fail.
//
// A value of a kind that an operator cannot work with makes the expression fail with
// runtime.ErrValue: a payload must not turn a refusal false by sending a list in place of a text.
// So ==, != and in also fail when they compare a text, number or boolean with a list or object, or
// a list with an object. A text, a number and a boolean are merely unequal to each other, and so
// are parts of lists and objects of any kinds. A member of a value that is not an object is
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
	return &Expression{test: c.test, layout: &e.layout, maybeFalse: c.maybeFalse, code: c, terms: k.terms(node), cost: cost, needs: k.needs(node), env: e, inputs: k.inputs(node), clauses: sortClauses(k.clauses), warnings: k.warnings}, nil
}

func (e *Env) reserve(locals int) {
	if locals > e.layout.Locals {
		e.layout.Locals = locals
		e.layout.Version++
	}
}

// Eval computes the expression. The value is valid until r begins again. An error wraps one of
// runtime's reasons.
func (x *Expression) Eval(r *runtime.Run) (v runtime.Value, err error) {
	r.Scratch.Resize(x.layout)
	defer recoverFault(r, &err)
	return x.code.eval(r), nil
}

// Test computes the expression as a condition: null is false. A value that is neither null nor a
// boolean is an error: at compile time where it is known, else runtime.ErrValue.
func (x *Expression) Test(r *runtime.Run) (yes bool, err error) {
	r.Scratch.Resize(x.layout)
	defer recoverFault(r, &err)
	return x.test(r), nil
}

// Match is Test, and for a condition that is not true reports whether only a missing value keeps it
// from being true: missing is true when some value in its place could make it true. A rule with
// `missing: match` then matches.
func (x *Expression) Match(r *runtime.Run) (yes, missing bool, err error) {
	if yes, err = x.Test(r); yes || err != nil || !x.maybeFalse {
		return yes, false, err
	}
	s, err := x.evalKleene(r)
	if errors.Is(err, runtime.ErrValue) { // in a part that Test skipped: it decides nothing
		return false, true, nil
	}
	return false, s == undecided, err
}

func (x *Expression) evalKleene(r *runtime.Run) (s kleene, err error) {
	defer recoverFault(r, &err)
	return x.code.evalKleene(r), nil
}

// Nullable reports whether something missing can keep the condition from being true. A rule that
// denies then has a gap, and the policy must decide about it.
func (x *Expression) Nullable() bool {
	return x.code.maybeFalse || (x.code.null && x.code.types&^boolean != 0)
}

// Constant is the value of an expression that reads no event. ok reports whether it is one.
func (x *Expression) Constant() (runtime.Value, bool) { return x.code.value, x.code.constant }

// Condition reports why the expression cannot be a condition; nil when it can or nothing is known.
func (x *Expression) Condition() error {
	if x.code.types != 0 && x.code.types&boolean == 0 {
		return Errors{at("", 0, "want a condition, got "+x.code.types.String())}
	}
	return nil
}
