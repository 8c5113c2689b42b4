package expr

import (
	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
)

// unary is not x, -x and +x.
func (k *compiler) unary(n *ast.UnaryNode) *code {
	switch n.Operator {
	case "not", "!":
		return k.not(n)
	case "-", "+":
		return k.sign(n)
	}
	return k.report(n, "the operator %s is not supported", n.Operator)
}

func (k *compiler) not(n *ast.UnaryNode) *code {
	x := k.condition(n.Node)
	c := &code{maybeFalse: x.maybeTrue, maybeTrue: x.maybeFalse, taint: derivedTaint(x)}
	c.test = func(r *runtime.Run) bool { return !x.test(r) }
	if each := x.elementTest; each != nil {
		c.elementTest = func(r *runtime.Run, v runtime.Value) bool { return !each(r, v) }
	}
	c.evalKleene = func(r *runtime.Run) kleene {
		switch x.evalKleene(r) {
		case definitelyTrue:
			return definitelyFalse
		case definitelyFalse:
			return definitelyTrue
		}
		return undecided
	}
	return k.fold(n, completeBoolean(c), x)
}

// chain is x and y and z, or the same with or: one node, however many there are.
func (k *compiler) chain(n *ast.BinaryNode, and bool) *code {
	nodes := flatten(n, and, nil)
	k.markEither(nodes, and)
	terms := make([]*code, len(nodes))
	c := &code{}
	back := k.savePresent()
	for i, node := range nodes {
		terms[i] = k.clause(node)
		c.maybeFalse = c.maybeFalse || terms[i].maybeFalse
		c.maybeTrue = c.maybeTrue || terms[i].maybeTrue
		c.taint = max(c.taint, derivedTaint(terms[i]))
		k.assume(node, and)
	}
	k.present = back
	tests := make([]func(*runtime.Run) bool, len(terms))
	for i, t := range terms {
		tests[i] = t.test
	}
	c.test = chainTests(tests, and)
	c.elementTest = chainedEach(terms, and)
	c.evalKleene = func(r *runtime.Run) kleene {
		out := decisive(!and)
		for _, t := range terms {
			switch s := t.evalKleene(r); s {
			case decisive(and):
				return s
			case undecided:
				out = s
			}
		}
		return out
	}
	return k.fold(n, completeBoolean(c), terms...)
}

// decisive is the outcome of one term that decides a chain: false for and, true for or.
func decisive(and bool) kleene {
	if and {
		return definitelyFalse
	}
	return definitelyTrue
}

func chainTests(tests []func(*runtime.Run) bool, and bool) func(*runtime.Run) bool {
	if len(tests) == 2 {
		a, b := tests[0], tests[1]
		if and {
			return func(r *runtime.Run) bool { return a(r) && b(r) }
		}
		return func(r *runtime.Run) bool { return a(r) || b(r) }
	}
	return func(r *runtime.Run) bool {
		for _, t := range tests {
			if t(r) != and {
				return !and
			}
		}
		return and
	}
}

// chainedEach is chained for terms that all test a quantifier's element alone; nil otherwise.
func chainedEach(terms []*code, and bool) func(*runtime.Run, runtime.Value) bool {
	tests := make([]func(*runtime.Run, runtime.Value) bool, len(terms))
	for i, t := range terms {
		if tests[i] = t.elementTest; t.elementTest == nil {
			return nil
		}
	}
	return func(r *runtime.Run, v runtime.Value) bool {
		for _, t := range tests {
			if t(r, v) != and {
				return !and
			}
		}
		return and
	}
}

func flatten(n ast.Node, and bool, to []ast.Node) []ast.Node {
	var spine []*ast.BinaryNode
	for {
		b, ok := n.(*ast.BinaryNode)
		if !ok || (b.Operator != "and" && b.Operator != "&&" || !and) && (b.Operator != "or" && b.Operator != "||" || and) {
			break
		}
		spine = append(spine, b)
		n = b.Left
	}
	to = append(to, n)
	for i := len(spine) - 1; i >= 0; i-- {
		to = append(to, spine[i].Right)
	}
	return to
}

// conditional is x ? y : z, and if x {y} else {z}.
func (k *compiler) conditional(n *ast.ConditionalNode) *code {
	x := k.clause(n.Cond)
	back := k.savePresent()
	k.assume(n.Cond, true)
	then := k.branch(n.Exp1)
	k.present = clonePresent(back)
	k.assume(n.Cond, false)
	other := k.branch(n.Exp2)
	k.present = back
	moved := x.maybeFalse || x.maybeTrue || x.maybeOther
	c := &code{
		types:      then.types | other.types,
		null:       then.null || other.null,
		binary:     then.binary || other.binary,
		maybeOther: moved || anyUncertain(then, other),
		taint:      max(maxTaint(then, other), derivedTaint(x)),
		maybeFalse: then.maybeFalse || other.maybeFalse || moved,
		maybeTrue:  then.maybeTrue || other.maybeTrue || moved,
		timed:      anyTimed(then, other),
	}
	c.eval = func(r *runtime.Run) runtime.Value {
		charge(r, 1)
		if x.test(r) {
			return then.eval(r)
		}
		return other.eval(r)
	}
	c.test = func(r *runtime.Run) bool {
		charge(r, 1)
		if x.test(r) {
			return then.test(r)
		}
		return other.test(r)
	}
	c.evalKleene = func(r *runtime.Run) kleene { return conditionalKleene(x.evalKleene(r), then, other, r) }
	return k.fold(n, complete(c, k.pos(n)), x, then, other)
}

// conditionalKleene is the outcome of x ? then : other. When x is undecided, both must agree.
func conditionalKleene(x kleene, then, other *code, r *runtime.Run) kleene {
	switch x {
	case definitelyTrue:
		return then.evalKleene(r)
	case definitelyFalse:
		return other.evalKleene(r)
	}
	if s := then.evalKleene(r); s == other.evalKleene(r) {
		return s
	}
	return undecided
}

// coalesce is x ?? y.
func (k *compiler) coalesce(n *ast.BinaryNode) *code {
	x, y := k.compileBytes(n.Left), k.compileBytes(n.Right)
	c := &code{types: x.types | y.types, binary: x.binary || y.binary, null: x.null && y.null, maybeFalse: y.maybeFalse, maybeTrue: y.maybeTrue, maybeOther: anyUncertain(x, y), taint: maxTaint(x, y), timed: anyTimed(x, y)}
	if !x.null {
		c.maybeFalse, c.maybeTrue = x.maybeFalse, x.maybeTrue
	}
	c.eval = func(r *runtime.Run) runtime.Value {
		charge(r, 1)
		if v := x.eval(r); !v.IsNull() {
			return v
		}
		return y.eval(r)
	}
	return k.fold(n, complete(c, k.pos(n)), x, y)
}

// savePresent returns the paths known to be present, and continues with a copy.
func (k *compiler) savePresent() map[string]int {
	back := k.present
	k.present = clonePresent(back)
	return back
}

func clonePresent(m map[string]int) map[string]int {
	c := make(map[string]int, len(m)+2)
	for name, n := range m {
		c[name] = n
	}
	return c
}

// assume marks the paths that are present where n came out as outcome.
func (k *compiler) assume(n ast.Node, outcome bool) {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			k.assume(n.Node, !outcome)
		}
	case *ast.BinaryNode:
		k.assumeBinary(n, outcome)
	case *ast.BuiltinNode: // any(x, …) true: x has values
		if q := quantifiers[n.Name]; outcome && q != nil && q.proves && len(n.Arguments) > 0 {
			k.markPresent(n.Arguments[0])
		}
	default:
		if outcome {
			k.markPresent(n)
		}
	}
}

func (k *compiler) assumeBinary(n *ast.BinaryNode, outcome bool) {
	_, nilLeft := n.Left.(*ast.NilNode)
	_, nilRight := n.Right.(*ast.NilNode)
	switch n.Operator {
	case "and", "&&", "or", "||":
		if and := n.Operator == "and" || n.Operator == "&&"; and == outcome {
			k.assume(n.Left, outcome)
			k.assume(n.Right, outcome)
		}
	case "==", "!=":
		equal := (n.Operator == "==") == outcome
		if equal != (nilLeft || nilRight) { // equal to a value other than nil, or unequal to nil
			k.markPresent(n.Left)
			k.markPresent(n.Right)
		}
	case "<", ">", "<=", ">=", "in", "contains", "startsWith", "endsWith", "matches":
		if outcome {
			k.markPresent(n.Left)
			k.markPresent(n.Right)
		}
	}
}

func (k *compiler) markPresent(n ast.Node) {
	if name := key(n, 0); name != "" {
		k.present[name]++
	}
}
