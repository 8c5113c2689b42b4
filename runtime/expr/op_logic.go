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
	return k.wrong(n, "the operator %s is not supported", n.Operator)
}

func (k *compiler) not(n *ast.UnaryNode) *code {
	x := k.condition(n.Node)
	c := &code{falls: x.rises, rises: x.falls, secret: measured(x)}
	c.test = func(r *runtime.Run) bool { return !x.test(r) }
	if each := x.each; each != nil {
		c.each = func(r *runtime.Run, v runtime.Value) bool { return !each(r, v) }
	}
	c.settle = func(r *runtime.Run) settled {
		switch x.settle(r) {
		case yes:
			return no
		case no:
			return yes
		}
		return unsettled
	}
	return k.fold(n, judged(c), x)
}

// chain is x and y and z, or the same with or: one node, however many there are.
func (k *compiler) chain(n *ast.BinaryNode, and bool) *code {
	nodes := flatten(n, and, nil)
	terms := make([]*code, len(nodes))
	c := &code{}
	back := k.remember()
	for i, node := range nodes {
		terms[i] = k.clause(node)
		c.falls = c.falls || terms[i].falls
		c.rises = c.rises || terms[i].rises
		c.secret = max(c.secret, measured(terms[i]))
		k.suppose(node, and)
	}
	k.present = back
	tests := make([]func(*runtime.Run) bool, len(terms))
	for i, t := range terms {
		tests[i] = t.test
	}
	c.test = chained(tests, and)
	c.each = chainedEach(terms, and)
	c.settle = func(r *runtime.Run) settled {
		out := decisive(!and)
		for _, t := range terms {
			switch s := t.settle(r); s {
			case decisive(and):
				return s
			case unsettled:
				out = s
			}
		}
		return out
	}
	return k.fold(n, judged(c), terms...)
}

// decisive is the outcome of one term that decides a chain alone: no for and, yes for or.
func decisive(and bool) settled {
	if and {
		return no
	}
	return yes
}

func chained(tests []func(*runtime.Run) bool, and bool) func(*runtime.Run) bool {
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

// chainedEach is chained for terms that are all about a quantifier's value alone; nil when they are not.
func chainedEach(terms []*code, and bool) func(*runtime.Run, runtime.Value) bool {
	tests := make([]func(*runtime.Run, runtime.Value) bool, len(terms))
	for i, t := range terms {
		if tests[i] = t.each; t.each == nil {
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
	back := k.remember()
	k.suppose(n.Cond, true)
	then := k.branch(n.Exp1)
	k.present = clonePresent(back)
	k.suppose(n.Cond, false)
	other := k.branch(n.Exp2)
	k.present = back
	moved := x.falls || x.rises || x.soft
	c := &code{
		types:  then.types | other.types,
		null:   then.null || other.null,
		soft:   moved || loose(then, other),
		secret: max(tainted(then, other), measured(x)),
		falls:  then.falls || other.falls || moved,
		rises:  then.rises || other.rises || moved,
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
	c.settle = func(r *runtime.Run) settled { return settleEither(x.settle(r), then, other, r) }
	return k.fold(n, conditional(c, k.pos(n)), x, then, other)
}

// settleEither is what x ? then : other comes to. When x is open, both have to come out the same.
func settleEither(x settled, then, other *code, r *runtime.Run) settled {
	switch x {
	case yes:
		return then.settle(r)
	case no:
		return other.settle(r)
	}
	if s := then.settle(r); s == other.settle(r) {
		return s
	}
	return unsettled
}

// otherwise is x ?? y.
func (k *compiler) otherwise(n *ast.BinaryNode) *code {
	x, y := k.compile(n.Left), k.compile(n.Right)
	c := &code{types: x.types | y.types, null: x.null && y.null, falls: y.falls, rises: y.rises, soft: loose(x, y), secret: tainted(x, y)}
	if !x.null {
		c.falls, c.rises = x.falls, x.rises
	}
	c.eval = func(r *runtime.Run) runtime.Value {
		charge(r, 1)
		if v := x.eval(r); !v.IsNull() {
			return v
		}
		return y.eval(r)
	}
	return k.fold(n, conditional(c, k.pos(n)), x, y)
}

// remember keeps what is known to be present, and lets more be supposed.
func (k *compiler) remember() map[string]int {
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

// suppose notes what is present where n is known to have come out true, or false.
func (k *compiler) suppose(n ast.Node, outcome bool) {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			k.suppose(n.Node, !outcome)
		}
	case *ast.BinaryNode:
		k.supposeBinary(n, outcome)
	case *ast.BuiltinNode: // any(x, …) true: x has values
		if q := quantifiers[n.Name]; outcome && q != nil && q.proves && len(n.Arguments) > 0 {
			k.note(n.Arguments[0])
		}
	default:
		if outcome {
			k.note(n)
		}
	}
}

func (k *compiler) supposeBinary(n *ast.BinaryNode, outcome bool) {
	_, nilLeft := n.Left.(*ast.NilNode)
	_, nilRight := n.Right.(*ast.NilNode)
	switch n.Operator {
	case "and", "&&", "or", "||":
		if and := n.Operator == "and" || n.Operator == "&&"; and == outcome {
			k.suppose(n.Left, outcome)
			k.suppose(n.Right, outcome)
		}
	case "==", "!=":
		equal := (n.Operator == "==") == outcome
		if equal != (nilLeft || nilRight) { // equal to something that is not nil, or unequal to nil
			k.note(n.Left)
			k.note(n.Right)
		}
	case "<", ">", "<=", ">=", "in", "contains", "startsWith", "endsWith", "matches":
		if outcome {
			k.note(n.Left)
			k.note(n.Right)
		}
	}
}

func (k *compiler) note(n ast.Node) {
	if name := key(n, 0); name != "" {
		k.present[name]++
	}
}
