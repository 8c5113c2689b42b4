package expr

import (
	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
)

// markEither finds x == 'text' or 'text' in x, and x != 'text' and 'text' not in x: a value that is
// the text, or a list with it. Each half alone fails for the kind that the other is for, because a
// denial must not pass a value it cannot compare; together they handle both.
func (k *compiler) markEither(nodes []ast.Node, and bool) {
	for _, n := range nodes {
		equal, ok := n.(*ast.BinaryNode)
		if !ok || equal.Operator != map[bool]string{false: "==", true: "!="}[and] {
			continue
		}
		for _, other := range nodes {
			in := inNode(other, and)
			if in == nil || !sameSides(equal, in) {
				continue
			}
			if k.either == nil {
				k.either = make(map[ast.Node]bool)
			}
			k.either[equal], k.either[in] = true, true
		}
	}
}

// inNode is x in y, negated when negate is set; nil for any other node.
func inNode(n ast.Node, negate bool) *ast.BinaryNode {
	if negate {
		not, ok := n.(*ast.UnaryNode)
		if !ok || not.Operator != "not" && not.Operator != "!" {
			return nil
		}
		n = not.Node
	}
	if in, ok := n.(*ast.BinaryNode); ok && in.Operator == "in" {
		return in
	}
	return nil
}

// sameSides reports whether in is TEXT in x for equal, which compares x with TEXT.
func sameSides(equal, in *ast.BinaryNode) bool {
	word, ok := in.Left.(*ast.StringNode)
	if !ok {
		return false
	}
	for x, y := range map[ast.Node]ast.Node{equal.Left: equal.Right, equal.Right: equal.Left} {
		if s, ok := x.(*ast.StringNode); ok && s.Value == word.Value && y.String() == in.Right.String() {
			return true
		}
	}
	return false
}

// setEitherTest replaces the test of x == want or x != want: a list is not equal to it.
func (c *code) setEitherTest(x *code, want string, negate bool, pos string) {
	cost, o := 1+int64(len(want))>>6, x.operand()
	c.equalsText, c.elementTest = nil, nil
	c.test = func(r *runtime.Run) bool {
		charge(r, cost)
		v := o.read(r)
		return (v.Kind() != runtime.List && isText(r, v, want, pos)) != negate
	}
}
