package expr

import (
	"math"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/runtime"
)

// numberFunctions work on numbers.
var numberFunctions = map[string]*function{
	"int": {usage: "int(value) number", doc: "a number without its fraction, or the whole number in a text",
		example: `int('42')`, value: `42`, cost: "1 + value/16",
		args: []types{text | number}, result: number, keepsSecret: true, call: toInt},
	"float": {usage: "float(value) number", doc: "a number, or the number in a text",
		example: `float('4.5')`, value: `4.5`, cost: "1 + value/16",
		args: []types{text | number}, result: number, call: toFloat},
	"abs": {usage: "abs(number) number", doc: "without its sign",
		example: `abs(-3)`, value: `3`,
		args: []types{number}, result: number, call: abs},
	"ceil": {usage: "ceil(number) number", doc: "the next whole number above",
		example: `ceil(2.1)`, value: `3`,
		args: []types{number}, result: number, call: ceil},
	"floor": {usage: "floor(number) number", doc: "the next whole number below",
		example: `floor(2.9)`, value: `2`,
		args: []types{number}, result: number, call: floor},
	"round": {usage: "round(number) number", doc: "the nearest whole number, halves away from zero",
		example: `round(2.5)`, value: `3`,
		args: []types{number}, result: number, call: round},
	"min": {usage: "min(numbers or a list) number", doc: "the smallest; null ones in a list are left out",
		example: `min(3, [1, nil], 2)`, value: `1`, cost: "1 for each value",
		args: []types{number | list}, variadic: true, result: number, null: true, call: smallest},
	"max": {usage: "max(numbers or a list) number", doc: "the largest; null ones in a list are left out",
		example: `max([3, 9])`, value: `9`, cost: "1 for each value",
		args: []types{number | list}, variadic: true, result: number, null: true, call: largest},
}

func toInt(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	v := args[0]
	if v.Kind() == runtime.Int {
		return v
	}
	if v.Kind() == runtime.Float {
		return intValue(math.Trunc(v.Float()), pos)
	}
	if s := trimNumber(r, v.Text()); s != "" {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return runtime.IntOf(i)
		}
	}
	fail(pos, "int wants a text that is a whole number")
	return v
}

func toFloat(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	v := args[0]
	if numeric(v) {
		return finite(v.Float(), pos)
	}
	if s := trimNumber(r, v.Text()); s != "" {
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return finite(f, pos)
		}
	}
	fail(pos, "float wants a text that is a number")
	return v
}

// trimNumber is s without surrounding white space, "" when that is longer than any number.
func trimNumber(r *runtime.Run, s string) string {
	charge(r, int64(len(s))>>4)
	if s = strings.TrimSpace(s); len(s) > 64 {
		return ""
	}
	return s
}

func abs(_ *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	v := args[0]
	if v.Kind() == runtime.Float {
		return finite(math.Abs(v.Float()), pos)
	}
	if v.Int() < 0 {
		return arithmeticFuncs["-"](runtime.IntOf(0), v, pos)
	}
	return v
}

func ceil(_ *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	return roundWith(args[0], math.Ceil, pos)
}

func floor(_ *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	return roundWith(args[0], math.Floor, pos)
}

func round(_ *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	return roundWith(args[0], math.Round, pos)
}

func roundWith(v runtime.Value, f func(float64) float64, pos string) runtime.Value {
	if v.Kind() == runtime.Int {
		return v
	}
	return intValue(f(v.Float()), pos)
}

// intValue is a whole f as an Int.
func intValue(f float64, pos string) runtime.Value {
	if !(f >= -1<<63 && f < 1<<63) {
		failOverflow(pos)
	}
	return runtime.IntOf(int64(f))
}

func smallest(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	return extreme(r, args, pos, -1)
}

func largest(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	return extreme(r, args, pos, 1)
}

// extreme is the largest or smallest number of the arguments and of the lists among them.
func extreme(r *runtime.Run, args []runtime.Value, pos string, side int) (best runtime.Value) {
	consider := func(_ int, v runtime.Value) bool {
		if v.IsNull() {
			r.Scratch.Missed = true
			return true
		}
		if !numeric(v) {
			fail(pos, "want numbers, got %s", v.Kind())
		}
		if best.IsNull() || compareValues(r, v, best, pos, "min or max")*side > 0 {
			best = v
		}
		return true
	}
	for i, v := range args {
		if charge(r, 1); v.Kind() == runtime.List {
			each(r, v, consider)
		} else {
			consider(i, v)
		}
	}
	return best
}
