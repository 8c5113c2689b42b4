package expr

import (
	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Terms are the conditions that `and` joins in a condition of a registration hook; one when nothing
// is joined. For other types of hooks there are none.
func (x *Expression) Terms() []*Expression { return x.terms }

// terms makes an expression of each condition that `and` joins. It leaves out those that were folded.
func (k *compiler) terms(n ast.Node) (all []*Expression) {
	if k.env.o.Type != hook.Registration {
		return nil
	}
	nodes := []ast.Node{n}
	if b, ok := n.(*ast.BinaryNode); ok && (b.Operator == "and" || b.Operator == "&&") {
		nodes = flatten(b, true, nil)
	}
	for _, node := range nodes {
		if c := k.codes[node]; c != nil && c.test != nil && c.evalKleene != nil {
			all = append(all, &Expression{test: c.test, layout: &k.env.layout, maybeFalse: c.maybeFalse, code: c, env: k.env, inputs: k.inputs(node)})
		}
	}
	return all
}
