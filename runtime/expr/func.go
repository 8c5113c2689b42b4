package expr

import (
	"maps"
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/schema"
	"github.com/tenterhook/tenterhook/runtime/table"
)

// callFunc computes a function. The kinds of its arguments were checked. It charges before it
// works.
type callFunc func(r *runtime.Run, args []runtime.Value, pos string) runtime.Value

// function is a function of the language, with all facts about it. A null argument gives null
// without a call.
type function struct {
	usage, doc     string
	example, value string  // an expression and its value as JSON, for the reference
	cost           string  // in fuel, with the argument names of usage; "" is 1
	args           []types // kinds of the arguments; the last may repeat when variadic is set
	optional       int     // how many may be left out
	variadic       bool
	result         types
	null           bool  // the result may be null when no argument is
	nullArgs       uint8 // bit i: argument i may be null
	impure         bool  // the result differs from call to call: never folded
	hiddenArgs     uint8 // bit i: the result reveals nothing of a secret argument i
	shape          func(from []*code) *schema.Schema
	// reports problems of the arguments
	check func(k *compiler, n ast.Node, args []ast.Node, from []*code)
	// why every call fails with that constant as argument i, and what to write; "" when it does not
	constProblem func(i int, v runtime.Value) string

	call callFunc
	// the operator that it is another name of
	op string
	// bit i: argument i must be constant
	constArgs uint8
	zoneArg   uint8 // bit i: argument i may be of the call all the same, and the result then null
	// makes the call for the constant arguments; the others are null
	bind func(e *Env, args []runtime.Value) (callFunc, error)

	// price is the most fuel of a call, by the sizes of the arguments and the number of
	// instructions of the pattern in the second argument (1 without one). Without price a call
	// takes at most two units a byte, the cost of reading every value, and a constant.
	price func(args []size, pattern int64) int64
	// of the result, where the sizes of the arguments do not bound it
	size func(args []size, sum int64) size
	form func(string) string // a text that form changes is never the result
	// cheap, of one text alone, giving a text or null: see Member
	pure        bool
	keepsSecret bool // the result reveals all of a secret argument
	// bit i: argument i may be bytes that are not UTF-8
	bytesArgs uint8
	binary    bool // the result may be such bytes
	// a missing argument counts as empty: the result is 0
	empty bool
	// the result for a table, which otherwise is not a value
	table func(*table.Table) runtime.Value
}

// functions are all functions beside the quantifiers. The reference is written from both tables.
var functions = mergeTables(textFunctions, addressFunctions, patternFunctions, numberFunctions, listFunctions, timeFunctions,
	digestFunctions, encodingFunctions, urlFunctions, eventFunctions, passwordFunctions)

func mergeTables(tables ...map[string]*function) map[string]*function {
	all := make(map[string]*function)
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

// callOf is the function's name and the arguments of a call; "" for any other node.
func callOf(n ast.Node) (name string, args []ast.Node) {
	switch n := n.(type) {
	case *ast.BuiltinNode:
		return n.Name, n.Arguments
	case *ast.CallNode:
		if id, ok := n.Callee.(*ast.IdentifierNode); ok {
			return id.Value, n.Arguments
		}
	}
	return "", nil
}

// call compiles name(arguments).
func (k *compiler) call(n ast.Node, name string, args []ast.Node) *code {
	if q := quantifiers[name]; q != nil {
		return k.quantifier(n, name, q, args)
	}
	if f := functions[name]; f != nil {
		return k.function(n, name, f, args)
	}
	if why, ok := unsupportedFuncs[name]; ok {
		return k.report(n, "%s is not supported: %s", name, why)
	}
	var all []string
	for name := range functions {
		all = append(all, name)
	}
	for name := range quantifiers {
		all = append(all, name)
	}
	slices.Sort(all)
	before := len(k.errs)
	c := k.reportUnknown(n, "function", name, all)
	if len(k.errs) > before && k.errs[before].Suggest == "" { // such as lenght for len
		if meant := schema.Guess(name, all); meant != "" {
			e := k.errs[before]
			e.Suggest, e.Message = meant, e.Message+", did you mean "+meant+"?"
		}
	}
	return c
}

func (k *compiler) function(n ast.Node, name string, f *function, args []ast.Node) *code {
	if len(args) < len(f.args)-f.optional || (len(args) > len(f.args) && !f.variadic) {
		return k.report(n, "want %s, got %d arguments", f.usage, len(args))
	}
	if f.table != nil {
		if t := k.tableOf(args[0]); t != nil {
			return literal(f.table(t))
		}
	}
	before := k.next
	at := k.local(len(args)) // the locals that an argument needs come after
	from := make([]*code, len(args))
	c := &code{types: f.result, null: f.null, binary: f.binary}
	for i, arg := range args {
		compile := k.compile
		if f.bytesArgs&bit(i) != 0 {
			compile = k.compileBytes
		}
		from[i] = compile(arg)
		k.wantKinds(arg, from[i], f.kinds(i), name)
		c.maybeOther = c.maybeOther || from[i].isUncertain()
		c.null = c.null || f.zoneArg&bit(i) != 0 && !from[i].constant
		if f.nullArgs&bit(i) == 0 {
			c.null = c.null || from[i].null
		} else if from[i].null {
			c.maybeFalse, c.maybeOther = true, true
		}
	}
	c.taint = f.taintOf(from)
	c.timed = name == "parseTime" || f.result == number && anyTimed(from...)
	if f.empty {
		c.null, c.maybeOther = false, c.maybeOther || c.null
	}
	if f.check != nil {
		f.check(k, n, args, from)
	}
	k.checkConstants(f, args, from)
	if f.shape != nil {
		c.shape = f.shape(from)
		c.types = c.shape.Kinds() & f.result
	}
	k.next = before
	call := k.caller(n, name, f, args, from)
	if call == nil {
		return invalidCode()
	}
	c.eval = f.evaluator(name, call, from, at, k.pos(n))
	if f.op != "" && from[1].constant && from[1].value.Kind() == runtime.String {
		c.setSearchTest(from[0], from[1].value.Text(), f.op, name, k.pos(n))
	}
	if c = complete(c, k.pos(n)); f.impure {
		return c
	}
	return k.fold(n, c, from...)
}

// tableOf is the table that n names, nil when it is anything else.
func (k *compiler) tableOf(n ast.Node) *table.Table {
	m, ok := n.(*ast.MemberNode)
	if !ok || !isRoot(m.Node, "tables") {
		return nil
	}
	name, _ := constantName(m.Property)
	return k.env.o.Tables[name]
}

// caller is f.call, or the call that f.bind makes of the constant arguments; nil when they are
// invalid.
func (k *compiler) caller(n ast.Node, name string, f *function, args []ast.Node, from []*code) callFunc {
	if f.bind == nil {
		return f.call
	}
	values, first := make([]runtime.Value, len(args)), n
	for i, c := range from {
		if f.constArgs&bit(i) == 0 {
			continue
		}
		switch {
		case f.zoneArg&bit(i) != 0 && !c.constant:
			continue
		case f.kinds(i)&c.types == 0 && c.types != 0: // reported
			return nil
		case !c.constant || c.null:
			k.report(args[i], "%s wants a constant here: write it out or take it from vars", name)
			return nil
		}
		if first == n {
			first = args[i]
		}
		values[i] = c.value
	}
	call, err := f.bind(k.env, values)
	if err != nil {
		k.report(first, "%s", err)
	}
	return call
}

// kinds are the kinds that argument i may have.
func (f *function) kinds(i int) types { return f.args[min(i, len(f.args)-1)] }

// bit is the bit of argument i; repeated arguments share the last.
func bit(i int) uint8 { return 1 << min(i, 7) }

// evaluator computes the arguments into the locals from at on, checks their kinds, and calls.
func (f *function) evaluator(name string, call callFunc, from []*code, at int, pos string) func(*runtime.Run) runtime.Value {
	return func(r *runtime.Run) runtime.Value {
		charge(r, 1)
		args := r.Scratch.Locals[at : at+len(from)]
		for i, c := range from {
			v := c.eval(r)
			if v.IsNull() && f.nullArgs&bit(i) == 0 {
				if f.empty {
					r.Scratch.Missed = true
					return runtime.IntOf(0)
				}
				return v
			}
			if want := f.kinds(i); want&typeOf(v) == 0 && !v.IsNull() {
				fail(pos, "%s wants %s, got %s", name, want.String(), v.Kind())
			}
			args[i] = v
		}
		return call(r, args, pos)
	}
}
