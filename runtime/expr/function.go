package expr

import (
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
)

// function is what can be called by name. When an argument is null it is not called, and gives null.
type function struct {
	usage, doc string
	args       []types // kinds of the arguments; the last may be repeated when rest is set
	optional   int     // how many of them may be left out
	rest       bool
	gives      types
	null       bool // what it gives may be null when no argument is
	call       func(r *runtime.Run, args []runtime.Value, pos string) runtime.Value
}

// functions are all there are beside the quantifiers; the reference of the language is written from both tables.
var functions = map[string]*function{
	"len": {usage: "len(text, list, object or table) number", doc: "how many characters, values or members; 0 when it is missing",
		args: []types{text | list | object}, gives: number, call: length},
	"upper": {usage: "upper(text) text", doc: "in upper case",
		args: []types{text}, gives: text, call: upper},
	"lower": {usage: "lower(text) text", doc: "in lower case",
		args: []types{text}, gives: text, call: lower},
	"trim": {usage: "trim(text, characters) text", doc: "without white space, or those characters, at both ends",
		args: []types{text, text}, optional: 1, gives: text, call: trim},
	"trimPrefix": {usage: "trimPrefix(text, prefix) text", doc: "without that prefix",
		args: []types{text, text}, gives: text, call: trimPrefix},
	"trimSuffix": {usage: "trimSuffix(text, suffix) text", doc: "without that suffix",
		args: []types{text, text}, gives: text, call: trimSuffix},
	"hasPrefix": {usage: "hasPrefix(text, prefix) boolean", doc: "the same as startsWith",
		args: []types{text, text}, gives: boolean, call: hasPrefix},
	"hasSuffix": {usage: "hasSuffix(text, suffix) boolean", doc: "the same as endsWith",
		args: []types{text, text}, gives: boolean, call: hasSuffix},
	"split": {usage: "split(text, separator, parts) list", doc: "the text's parts, at most so many",
		args: []types{text, text, number}, optional: 1, gives: list, call: split},
	"join": {usage: "join(list, separator) text", doc: "texts, numbers and booleans put together; null ones are left out",
		args: []types{list, text}, optional: 1, gives: text, call: join},
	"replace": {usage: "replace(text, old, new) text", doc: "with every old replaced by new",
		args: []types{text, text, text}, gives: text, call: replace},
	"domain": {usage: "domain(email) text", doc: "what follows the @, in lower case; null when it is no mail address",
		args: []types{text}, gives: text, null: true, call: domain},
	"localPart": {usage: "localPart(email) text", doc: "what is before the @; null when it is no mail address",
		args: []types{text}, gives: text, null: true, call: localPart},
	"string": {usage: "string(value) text", doc: "a text, number or boolean as a text",
		args: []types{text | number | boolean}, gives: text, call: toText},
	"int": {usage: "int(value) number", doc: "a number without its fraction, or what a text says",
		args: []types{text | number}, gives: number, call: toInt},
	"float": {usage: "float(value) number", doc: "a number, or what a text says",
		args: []types{text | number}, gives: number, call: toFloat},
	"abs":   {usage: "abs(number) number", doc: "without its sign", args: []types{number}, gives: number, call: abs},
	"ceil":  {usage: "ceil(number) number", doc: "the next whole number above", args: []types{number}, gives: number, call: ceil},
	"floor": {usage: "floor(number) number", doc: "the next whole number below", args: []types{number}, gives: number, call: floor},
	"round": {usage: "round(number) number", doc: "the nearest whole number, halves away from zero",
		args: []types{number}, gives: number, call: round},
	"min": {usage: "min(numbers or a list) number", doc: "the smallest; null ones in a list are left out",
		args: []types{number | list}, rest: true, gives: number, null: true, call: smallest},
	"max": {usage: "max(numbers or a list) number", doc: "the largest; null ones in a list are left out",
		args: []types{number | list}, rest: true, gives: number, null: true, call: largest},
	"first": {usage: "first(list) value", doc: "the first value, null when there is none",
		args: []types{list}, gives: anything, null: true, call: first},
	"last": {usage: "last(list) value", doc: "the last value, null when there is none",
		args: []types{list}, gives: anything, null: true, call: last},
	"keys": {usage: "keys(object) list", doc: "the members' names",
		args: []types{object}, gives: list, call: keys},
	"values": {usage: "values(object) list", doc: "the members' values",
		args: []types{object}, gives: list, call: values},
	"concat": {usage: "concat(lists) list", doc: "the values of all lists, one list after the other",
		args: []types{list}, rest: true, gives: list, call: concat},
	"uniq": {usage: "uniq(list) list", doc: "every value once, null ones left out",
		args: []types{list}, gives: list, call: uniq},
	"sort": {usage: "sort(list) list", doc: "a list of numbers or of texts, in order",
		args: []types{list}, gives: list, call: sorted},
}

// refused are functions that expr has and we do not, and what to do instead.
var refused = map[string]string{
	"reduce":     "it can double what it holds at every step: use sum, join, count or map",
	"repeat":     "write the text out",
	"fromJSON":   "members of the event can be read as they are",
	"toJSON":     "a leaf that is exactly one ${…} keeps its type",
	"now":        "the time comes with a later version",
	"date":       "the time comes with a later version",
	"duration":   "the time comes with a later version",
	"timezone":   "the time comes with a later version",
	"groupBy":    "use filter or count",
	"sortBy":     "use sort",
	"get":        "write x[key]",
	"type":       "compare with nil to see what is missing",
	"flatten":    "use concat",
	"splitAfter": "use split",
	"toBase64":   "it is not needed by any hook",
	"fromBase64": "it is not needed by any hook",
	"toPairs":    "use keys or values",
	"fromPairs":  "write the object out",
	"reverse":    "use last, or x[-1]",
	"take":       "write x[:n]",
	"mean":       "write sum(x) / len(x)",
	"median":     "use sort",
	"indexOf":    "use contains or split", "lastIndexOf": "use contains or split",
	"bitand": noBits, "bitor": noBits, "bitxor": noBits, "bitnand": noBits, "bitnot": noBits, "bitshl": noBits,
	"bitshr": noBits, "bitushr": noBits,
}

const noBits = "hooks carry no bit fields"

// call compiles name(arguments).
func (k *compiler) call(n ast.Node, name string, args []ast.Node) *code {
	if q := quantifiers[name]; q != nil {
		return k.quantify(n, name, q, args)
	}
	if f := functions[name]; f != nil {
		return k.function(n, name, f, args)
	}
	if why, ok := refused[name]; ok {
		return k.wrong(n, "%s is not supported: %s", name, why)
	}
	var all []string
	for name := range functions {
		all = append(all, name)
	}
	for name := range quantifiers {
		all = append(all, name)
	}
	slices.Sort(all)
	return k.wrongName(n, "function", name, all)
}

func (k *compiler) function(n ast.Node, name string, f *function, args []ast.Node) *code {
	if len(args) < len(f.args)-f.optional || (len(args) > len(f.args) && !f.rest) {
		return k.wrong(n, "want %s, got %d arguments", f.usage, len(args))
	}
	before := k.next
	at := k.local(len(args)) // what an argument needs while it is computed comes after
	from := make([]*code, len(args))
	null, soft := f.null, false
	for i, arg := range args {
		if name == "len" {
			if from[i] = k.source(arg); from[i].table != nil {
				k.next = before
				return literal(runtime.IntOf(int64(from[i].table.Len())))
			}
		} else {
			from[i] = k.compile(arg)
		}
		k.want(arg, from[i], f.args[min(i, len(f.args)-1)], name)
		null, soft = null || from[i].null, soft || from[i].loose()
	}
	c := &code{types: f.gives, null: null, soft: soft, secret: f.gives != boolean && name != "len" && secret(from...)}
	if name == "len" {
		c.null, c.soft = false, soft || null
	}
	k.next = before
	c.eval = f.calling(name, from, at, k.pos(n))
	return k.fold(n, conditional(c, k.pos(n)), from...)
}

// calling computes the arguments into the locals from at on, looks at their kinds, and calls.
func (f *function) calling(name string, from []*code, at int, pos string) func(*runtime.Run) runtime.Value {
	nullIsZero := name == "len"
	return func(r *runtime.Run) runtime.Value {
		charge(r, 1)
		args := r.Scratch.Locals[at : at+len(from)]
		for i, c := range from {
			v := c.eval(r)
			if v.IsNull() {
				if nullIsZero {
					r.Scratch.Missed = true
					return runtime.IntOf(0)
				}
				return v
			}
			if want := f.args[min(i, len(f.args)-1)]; want&typeOf(v) == 0 {
				fail(pos, "%s wants %s, got %s", name, want.words(), v.Kind())
			}
			args[i] = v
		}
		return f.call(r, args, pos)
	}
}

// typeOf is a value's kind as a set of one.
func typeOf(v runtime.Value) types {
	return [...]types{0, boolean, number, number, text, list, object}[v.Kind()]
}
