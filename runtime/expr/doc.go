// Package expr compiles the expressions of rules and runs them within their budget.
//
// The language is expr's (https://expr-lang.org), and so is the parser. The evaluator is our own:
// closures that charge the Meter in every operator and function before they allocate, with the null
// of policy files (see Compile). No payload makes an expression exceed its budget.
//
// Read expr.go (the API), env.go (names and values), compile.go and code.go first, then one op_ file
// and one func_ file.
//
//	expr.go, text.go         Expression and Text, the API
//	env.go, inputs.go        names, lets, Slots of the event; inputs of an expression
//	parse.go, syntaxhint.go  source to tree, limits, hints for syntax errors
//	error.go, warning.go     problems with places
//	compile.go, code.go      tree to closures; kinds.go, walk.go, builder.go help
//	fold.go                  constant folding
//	op_*.go                  operators; op_constant.go and constset.go specialise for constants
//	func.go, func_*.go       functions, with all facts about each in one table entry
//	quantifier*.go           all, any, map and the like
//	pattern.go               regular expressions, metered
//	timed.go                 numbers calculated from times, and their whole seconds
//	taint.go, reachable.go   values that reveal secrets; comparisons that are never true
//	cost*.go, need.go        bounds of fuel; needs of conditions, for the index of rules
//	terms.go                 conditions that `and` joins
//	clause.go, extent.go     outcomes of parts of conditions, and where they stand in the text
//	explain.go               values of the parts of one run
//	answer.go, reference.go  the Env of a destination's ok; the reference functions.md
package expr
