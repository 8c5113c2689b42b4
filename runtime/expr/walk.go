package expr

import "github.com/expr-lang/expr/ast"

// walk visits n and the nodes below it, children first and in the order of the text. A node that
// the parser puts in two places, such as b in a < b < c, is visited once: in a nest of those the
// work would double at every level.
func (k *compiler) walk(n ast.Node, visit func(ast.Node)) {
	w := walker{shared: k.shared, visit: visit}
	w.walk(n)
}

type walker struct {
	shared map[ast.Node]*code // nodes that may be in two places
	seen   map[ast.Node]bool  // those of them that were visited
	visit  func(ast.Node)
}

func (w *walker) walk(n ast.Node) {
	if n == nil {
		return
	}
	if w.shared[n] != nil {
		if w.seen[n] {
			return
		}
		if w.seen == nil {
			w.seen = make(map[ast.Node]bool)
		}
		w.seen[n] = true
	}
	w.children(n)
	w.visit(n)
}

func (w *walker) children(n ast.Node) {
	switch n := n.(type) {
	case *ast.UnaryNode:
		w.walk(n.Node)
	case *ast.BinaryNode:
		w.all(n.Left, n.Right)
	case *ast.ChainNode:
		w.walk(n.Node)
	case *ast.MemberNode:
		w.all(n.Node, n.Property)
	case *ast.SliceNode:
		w.all(n.Node, n.From, n.To)
	case *ast.CallNode:
		w.walk(n.Callee)
		w.all(n.Arguments...)
	case *ast.BuiltinNode:
		w.all(n.Arguments...)
	case *ast.PredicateNode:
		w.walk(n.Node)
	case *ast.VariableDeclaratorNode:
		w.all(n.Value, n.Expr)
	case *ast.SequenceNode:
		w.all(n.Nodes...)
	case *ast.ConditionalNode:
		w.all(n.Cond, n.Exp1, n.Exp2)
	case *ast.ArrayNode:
		w.all(n.Nodes...)
	case *ast.MapNode:
		w.all(n.Pairs...)
	case *ast.PairNode:
		w.all(n.Key, n.Value)
	}
}

func (w *walker) all(nodes ...ast.Node) {
	for _, n := range nodes {
		w.walk(n)
	}
}
