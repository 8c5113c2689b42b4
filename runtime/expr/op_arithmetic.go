package expr

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/schema"
)

// arithmetic is + - * / % ** on numbers, and + on texts.
func (k *compiler) arithmetic(n *ast.BinaryNode) *code {
	operand := k.compile
	if n.Operator == "+" {
		operand = k.compileBytes
	}
	x, y := operand(n.Left), operand(n.Right)
	op, t := n.Operator, number
	if op == "+" {
		t |= text
	}
	ok := k.wantKinds(n, x, t, op) && k.wantKinds(n, y, t, op)
	both := t
	if x.types != 0 {
		both &= x.types
	}
	if y.types != 0 {
		both &= y.types
	}
	if ok && both == 0 {
		return k.report(n, "+ wants two numbers or two texts, got %s and %s", x.types.String(), y.types.String())
	}
	if op == "^" {
		op = "**"
	}
	if y.constant && numeric(y.value) && (op == "/" || op == "%") && y.value.Float() == 0 {
		return k.report(n, "division by zero")
	}
	if op == "%" && (x.constant && x.value.Kind() == runtime.Float || y.constant && y.value.Kind() == runtime.Float) {
		return k.report(n, "%% wants whole numbers")
	}
	pos := k.pos(n)
	calculate := arithmeticFuncs[op]
	c := &code{types: both, null: x.null || y.null, maybeOther: anyUncertain(x, y), taint: derivedTaint(x, y), binary: x.binary || y.binary, timed: (op == "+" || op == "-") && anyTimed(x, y)}
	if both == text {
		c.taint = maxTaint(x, y)
	}
	c.eval = func(r *runtime.Run) runtime.Value {
		charge(r, 1)
		a, b := x.eval(r), y.eval(r)
		if a.IsNull() || b.IsNull() {
			return runtime.Value{}
		}
		if numeric(a) && numeric(b) {
			return calculate(a, b, pos)
		}
		if op != "+" || a.Kind() != runtime.String || b.Kind() != runtime.String {
			fail(pos, "%s wants %s, got %s and %s", op, t.String(), a.Kind(), b.Kind())
		}
		return concatTexts(r, a.Text(), b.Text())
	}
	return k.fold(n, complete(c, pos), x, y)
}

func concatTexts(r *runtime.Run, a, b string) runtime.Value {
	switch {
	case a == "":
		return runtime.TextOf(b)
	case b == "":
		return runtime.TextOf(a)
	}
	return textOfBytes(append(append(reserveText(r, len(a)+len(b)), a...), b...))
}

var arithmeticFuncs = map[string]func(a, b runtime.Value, pos string) runtime.Value{
	"+": func(a, b runtime.Value, pos string) runtime.Value {
		if x, y := a.Int(), b.Int(); ints(a, b) {
			if sum := x + y; (sum > x) == (y > 0) {
				return runtime.IntOf(sum)
			}
			failOverflow(pos)
		}
		return finite(a.Float()+b.Float(), pos)
	},
	"-": func(a, b runtime.Value, pos string) runtime.Value {
		if x, y := a.Int(), b.Int(); ints(a, b) {
			if diff := x - y; (diff < x) == (y > 0) {
				return runtime.IntOf(diff)
			}
			failOverflow(pos)
		}
		return finite(a.Float()-b.Float(), pos)
	},
	"*": func(a, b runtime.Value, pos string) runtime.Value {
		if ints(a, b) {
			return multiply(a.Int(), b.Int(), pos)
		}
		return finite(a.Float()*b.Float(), pos)
	},
	"/": func(a, b runtime.Value, pos string) runtime.Value {
		if b.Float() == 0 {
			fail(pos, "division by zero")
		}
		return finite(a.Float()/b.Float(), pos)
	},
	"%": func(a, b runtime.Value, pos string) runtime.Value {
		if !ints(a, b) {
			fail(pos, "%% wants whole numbers")
		}
		if b.Int() == 0 {
			fail(pos, "division by zero")
		}
		if b.Int() == -1 { // the smallest int64 has no positive counterpart
			return runtime.IntOf(0)
		}
		return runtime.IntOf(a.Int() % b.Int())
	},
	"**": func(a, b runtime.Value, pos string) runtime.Value { return finite(math.Pow(a.Float(), b.Float()), pos) },
}

func ints(a, b runtime.Value) bool { return a.Kind() == runtime.Int && b.Kind() == runtime.Int }

func multiply(x, y int64, pos string) runtime.Value {
	hi, lo := bits.Mul64(magnitude(x), magnitude(y))
	negative := (x < 0) != (y < 0)
	if hi != 0 || lo > 1<<63 || (lo == 1<<63 && !negative) {
		failOverflow(pos)
	}
	if negative {
		return runtime.IntOf(-int64(lo))
	}
	return runtime.IntOf(int64(lo))
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

// failOverflow ends the run: a payload could choose numbers that wrap around a limit.
func failOverflow(pos string) { fail(pos, "a number beyond 64 bits") }

// finite rejects values that JSON has no number for.
func finite(f float64, pos string) runtime.Value {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		fail(pos, "not a finite number")
	}
	return runtime.FloatOf(f)
}

// sign is -x and +x.
func (k *compiler) sign(n *ast.UnaryNode) *code {
	x := k.compile(n.Node)
	k.wantKinds(n, x, number, n.Operator)
	minus, pos := n.Operator == "-", k.pos(n)
	zero := runtime.IntOf(0)
	c := &code{types: number, null: x.null, maybeOther: x.maybeOther, taint: derivedTaint(x), timed: x.timed}
	c.eval = func(r *runtime.Run) runtime.Value {
		charge(r, 1)
		v := x.eval(r)
		switch {
		case v.IsNull():
		case !numeric(v):
			fail(pos, "%s wants a number, got %s", n.Operator, v.Kind())
		case minus && v.Kind() == runtime.Float:
			return finite(-v.Float(), pos)
		case minus:
			return arithmeticFuncs["-"](zero, v, pos)
		}
		return v
	}
	return k.fold(n, complete(c, pos), x)
}

// makeRange is a..b, both ends included.
func (k *compiler) makeRange(n *ast.BinaryNode) *code {
	x, y := k.compile(n.Left), k.compile(n.Right)
	k.wantKinds(n, x, number, "..")
	k.wantKinds(n, y, number, "..")
	k.wantWhole(n.Left, x)
	k.wantWhole(n.Right, y)
	pos := k.pos(n)
	c := &code{types: list, null: x.null || y.null, maybeOther: anyUncertain(x, y), taint: derivedTaint(x, y), shape: schema.ListOf(schema.New(number))}
	c.eval = func(r *runtime.Run) runtime.Value {
		a, b := x.eval(r), y.eval(r)
		if a.IsNull() || b.IsNull() {
			return runtime.Value{}
		}
		from, to := wantInt(a, pos), wantInt(b, pos)
		if from > to {
			return runtime.ListOf(nil)
		}
		if size := uint64(to) - uint64(from); size >= maxList {
			failTooLarge("a range of more than %d numbers", maxList)
		}
		l := newBuilder(r, int(to-from)+1)
		for i := from; len(l.values) <= int(to-from); i++ {
			l.add(runtime.IntOf(i))
		}
		return runtime.ListOf(l.values)
	}
	return k.fold(n, complete(c, pos), x, y)
}

func wantInt(v runtime.Value, pos string) int64 {
	i, ok := intOf(v)
	if !ok {
		fail(pos, "want a whole number, got %s", describe(v))
	}
	return i
}

// intOf is the value of a number without a fraction, in any notation.
func intOf(v runtime.Value) (int64, bool) {
	if v.Kind() == runtime.Float {
		f := v.Float()
		return int64(f), f == math.Trunc(f) && math.Abs(f) <= 1<<53
	}
	return v.Int(), v.Kind() == runtime.Int
}

// describe is a value's kind, or that it has a fraction; never the value itself.
func describe(v runtime.Value) string {
	if v.Kind() == runtime.Float {
		return "one with a fraction"
	}
	return fmt.Sprint(v.Kind())
}
