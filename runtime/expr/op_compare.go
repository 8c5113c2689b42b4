package expr

import (
	"fmt"
	"iter"
	"math"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func (k *compiler) binary(n *ast.BinaryNode) *code {
	switch n.Operator {
	case "and", "&&":
		return k.chain(n, true)
	case "or", "||":
		return k.chain(n, false)
	case "==", "!=":
		return k.equality(n)
	case "<", ">", "<=", ">=":
		return k.order(n)
	case "in":
		return k.in(n)
	case "contains", "startsWith", "endsWith":
		return k.find(n)
	case "matches":
		return k.matches(n)
	case "??":
		return k.coalesce(n)
	case "..":
		return k.makeRange(n)
	case "+", "-", "*", "/", "%", "**", "^":
		return k.arithmetic(n)
	}
	return k.report(n, "the operator %s is not supported", n.Operator)
}

// equality is x == y and x != y.
func (k *compiler) equality(n *ast.BinaryNode) *code {
	x, y := k.compile(n.Left), k.compile(n.Right)
	negate := n.Operator == "!="
	if isNil(n.Left) {
		return k.missing(n, y, negate)
	}
	if isNil(n.Right) {
		return k.missing(n, x, negate)
	}
	if x.types != 0 && y.types != 0 && x.types&y.types == 0 {
		hint := ""
		if u, ok := n.Left.(*ast.UnaryNode); ok && x.types == boolean && (u.Operator == "not" || u.Operator == "!") {
			hint = "; not binds closer than " + n.Operator + ": write not (…)"
		}
		return k.report(n, "%s is never equal to %s%s", x.types.String(), y.types.String(), hint)
	}
	k.checkText(n.Right, x, y.value)
	k.checkText(n.Left, y, x.value)
	c := &code{maybeFalse: !negate && (x.null || y.null), maybeTrue: negate && (x.null || y.null), taint: comparedTaint(x, y)}
	c.addUncertainty(x, y)
	if x.constant {
		x, y = y, x
	}
	setEqualityTest(c, x, y, negate, n.Operator, k.pos(n))
	if v := y.value; k.either[n] && y.constant && v.Kind() == runtime.String && maxTaint(x, y) <= compared {
		c.setEitherTest(x, v.Text(), negate, k.pos(n))
	}
	return k.fold(n, completeBoolean(c), x, y)
}

// setEqualityTest sets the test of c: one specialised for the constant, where there is one.
func setEqualityTest(c, x, y *code, negate bool, op, pos string) {
	switch v := y.value; {
	case maxTaint(x, y) > compared:
		c.test = testSecretEquality(x.operand(), y.operand(), negate, op, pos)
	case y.constant && v.Kind() == runtime.String:
		c.setTextTest(x, v.Text(), negate, pos)
	case y.constant && v.Kind() == runtime.Int:
		c.setTest(x, isInt(v.Int(), negate, pos))
	case y.constant && v.Kind() == runtime.Bool:
		c.setTest(x, isBool(v.Bool(), negate, pos))
	default:
		c.test = testEquality(x.operand(), y.operand(), negate, op, pos)
	}
}

// isComparable reports whether a and b may be compared for equality: lists with lists only, objects
// with objects only. A list that contains a denied text is not merely unequal to it; nor is an
// unparsed number to the number that it may be.
func isComparable(a, b runtime.Value) bool {
	if numeric(a) && numeric(b) {
		return !isUnparsedNumber(a) && !isUnparsedNumber(b)
	}
	return max(a.Kind(), runtime.String) == max(b.Kind(), runtime.String)
}

// isUnparsedNumber reports whether v is a number that was too long to parse (see runtime.NodeOf).
func isUnparsedNumber(v runtime.Value) bool {
	return v.Kind() == runtime.Float && math.IsNaN(v.Float())
}

const unparsedNumber = "a number that is too long to be read"

func failIncomparable(pos, op string, a, b runtime.Value) {
	if numeric(a) && numeric(b) {
		fail(pos, "%s: %s", op, unparsedNumber)
	}
	fail(pos, "%s cannot compare %s with %s", op, a.Kind(), b.Kind())
}

func isNil(n ast.Node) bool { _, ok := n.(*ast.NilNode); return ok }

// missing is x == nil and x != nil.
func (k *compiler) missing(n ast.Node, x *code, negate bool) *code {
	eval := x.eval
	c := &code{test: func(r *runtime.Run) bool { charge(r, 1); return eval(r).IsNull() != negate }, taint: comparedTaint(x)}
	c.addUncertainty(x)
	return k.fold(n, completeBoolean(c), x)
}

// equal compares values that are not null. Values of different kinds are unequal. Inside lists and
// objects null equals nothing.
func equal(r *runtime.Run, a, b runtime.Value) bool {
	charge(r, 1)
	switch ka, kb := a.Kind(), b.Kind(); {
	case ka == runtime.String && kb == ka:
		if len(a.Text()) != len(b.Text()) {
			return false
		}
		charge(r, int64(len(a.Text()))>>6)
		return a.Text() == b.Text()
	case ka == runtime.Bool && kb == ka:
		return a.Bool() == b.Bool()
	case numeric(a) && numeric(b):
		return equalNumbers(a, b)
	case ka == runtime.List && kb == ka:
		return equalLists(r, a, b)
	case ka == runtime.Object && kb == ka:
		return equalObjects(r, a, b)
	}
	return false
}

func numeric(v runtime.Value) bool { return v.Kind() == runtime.Int || v.Kind() == runtime.Float }

// equalNumbers compares numbers exactly: whole numbers beyond int64, and numbers beyond float64, by
// their digits. It fails for an unparsed number: 5 can be written in any length.
func equalNumbers(a, b runtime.Value) bool {
	c, ok := compareNumbers(a, b)
	if !ok {
		panic(&fault{fmt.Errorf("%w: %s", runtime.ErrValue, unparsedNumber)})
	}
	if c != 0 {
		return false
	}
	if a.Kind() != runtime.Float || b.Kind() != runtime.Float {
		return true
	}
	x, y := a.Node().Raw(), b.Node().Raw()
	if x == nil || y == nil || !math.IsInf(a.Float(), 0) && (!a.IsWhole() || !b.IsWhole()) {
		return true
	}
	return jsondoc.Equal(a.Node(), b.Node())
}

// compareNumbers is below, at or above zero as a is to b; false when either is NaN.
func compareNumbers(a, b runtime.Value) (int, bool) {
	ia, ib := a.Kind() == runtime.Int, b.Kind() == runtime.Int
	switch {
	case ia && ib:
		return compareInts(a.Int(), b.Int()), true
	case ia:
		c, ok := compareMixed(a.Int(), b.Float())
		return c, ok
	case ib:
		c, ok := compareMixed(b.Int(), a.Float())
		return -c, ok
	}
	x, y := a.Float(), b.Float()
	switch {
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, x == y
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareMixed compares without rounding the integer.
func compareMixed(i int64, f float64) (int, bool) {
	switch {
	case math.IsNaN(f):
		return 0, false
	case f >= 1<<63:
		return -1, true
	case f < -1<<63:
		return 1, true
	}
	whole := math.Trunc(f)
	if c := compareInts(i, int64(whole)); c != 0 {
		return c, true
	}
	switch {
	case f > whole:
		return -1, true
	case f < whole:
		return 1, true
	}
	return 0, true
}

func equalParts(r *runtime.Run, a, b runtime.Value) bool {
	if a.IsNull() || b.IsNull() {
		r.Scratch.Missed = true
		return false
	}
	return equal(r, a, b)
}

func equalLists(r *runtime.Run, a, b runtime.Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	if a.Node().Kind() == jsondoc.Missing { // At is constant time for a built list
		a, b = b, a
	}
	at := b.At
	if b.Node().Kind() != jsondoc.Missing && b.Len() > few {
		next, stop := iter.Pull(b.Node().Elements())
		defer stop()
		at = func(int) runtime.Value { n, _ := next(); return runtime.NodeOf(n) }
	}
	same := true
	each(r, a, func(i int, item runtime.Value) bool {
		same = equalParts(r, item, at(i))
		return same
	})
	return same
}

// few is the length up to which indexing a document's list is faster than iterating.
const few = 32

func equalObjects(r *runtime.Run, a, b runtime.Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	same := true
	eachMember(r, a, func(name string, v runtime.Value) bool {
		charge(r, int64(b.Len())>>3)
		other := b.Get(name)
		same = equalParts(r, v, other)
		return same
	})
	return same
}

// order is <, >, <= and >=, between two numbers or two texts.
func (k *compiler) order(n *ast.BinaryNode) *code {
	x, y := k.compileShared(n.Left), k.compileShared(n.Right)
	op := n.Operator
	ok := k.wantKinds(n, x, number|text, op) && k.wantKinds(n, y, number|text, op)
	if ok && x.types != 0 && y.types != 0 && x.types&y.types&(number|text) == 0 {
		k.report(n, "%s wants two numbers or two texts, got %s and %s", op, x.types.String(), y.types.String())
	}
	less, orEqual := op[0] == '<', len(op) == 2
	pos := k.pos(n)
	c := &code{null: x.null || y.null, taint: derivedTaint(x, y)}
	c.addUncertainty(x, y)
	if y.constant && y.value.Kind() == runtime.Int {
		c.setTest(x, comparesInt(y.value.Int(), less, orEqual, op, pos))
	}
	a, b := x.operand(), y.operand()
	completeNullable(c, func(r *runtime.Run) nullBool {
		charge(r, 1)
		a, b := a.read(r), b.read(r)
		if a.IsNull() || b.IsNull() {
			return isNull
		}
		return nullBoolOf(satisfies(compareValues(r, a, b, pos, op), less, orEqual))
	})
	return k.fold(n, c, x, y)
}

// compileShared compiles a side of a comparison once: in a < b < c the parser puts the same b on
// two sides, and in a nest of those the work would double at every level.
func (k *compiler) compileShared(n ast.Node) *code {
	if c := k.shared[n]; c != nil {
		return c
	}
	c := k.compile(n)
	if k.shared == nil {
		k.shared = make(map[ast.Node]*code)
	}
	k.shared[n] = c
	return c
}

// compareValues compares two numbers or two texts, and fails for other kinds.
func compareValues(r *runtime.Run, a, b runtime.Value, pos, op string) int {
	if numeric(a) && numeric(b) {
		c, ok := compareNumbers(a, b)
		if !ok {
			failIncomparable(pos, op, a, b)
		}
		return c
	}
	if a.Kind() != runtime.String || b.Kind() != runtime.String {
		fail(pos, "%s wants two numbers or two texts, got %s and %s", op, a.Kind(), b.Kind())
	}
	charge(r, int64(min(len(a.Text()), len(b.Text())))>>6)
	return strings.Compare(a.Text(), b.Text())
}
