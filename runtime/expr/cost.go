package expr

import (
	"regexp/syntax"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Assumed is the size that Cost assumes of values of the event: bytes of a text, values of a list,
// members of an object. Constants of the policy count with their own size.
const Assumed = 128

// maxLoops limits nested quantifiers over lists of the event: with four, lists of the assumed size
// exceed the default budget.
const maxLoops = 3

// Cost bounds the fuel of an expression before it runs. It is usually generous. It assumes
// sizes of values, and bcrypt of cost 12 for password hashes; the Meter stops a run on larger
// values.
type Cost struct {
	Fuel  int64 // as the Meter counts; with the lets that it reads. math.MaxInt64: more
	Loops int   // nesting of quantifiers over lists that are neither constant nor written out
}

// Cost is an upper bound for the expression.
func (x *Expression) Cost() Cost { return x.cost }

// Cost is an upper bound for all expressions of the leaf.
func (t *Text) Cost() Cost {
	var all Cost
	for _, x := range t.Holes() {
		all = all.Plus(x.cost)
	}
	return all
}

// Plus is an upper bound for both together.
func (c Cost) Plus(other Cost) Cost {
	return Cost{runtime.Sum(c.Fuel, other.Fuel), max(c.Loops, other.Loops)}
}

// size is an upper bound: bytes of a text, values of a list, members of an object.
type size struct {
	n  int64
	of *size // of the values or members; nil: Assumed
}

var assumed = size{n: Assumed}

func (s size) element() size {
	if s.of == nil {
		return assumed
	}
	return *s.of
}

// estimate computes the Cost of a tree.
type estimate struct {
	k        *compiler
	vars     map[string]size
	elements []size
	lets     map[*let]bool // that were added
	done     map[ast.Node]estimated
}

type estimated struct {
	fuel int64
	size size
}

// cost is an upper bound for a compiled tree.
func (k *compiler) cost(n ast.Node) (c Cost, s size) {
	e := estimate{k: k, vars: make(map[string]size), lets: make(map[*let]bool)}
	fuel, s := e.estimate(n)
	return Cost{runtime.Sum(1, fuel), k.loops}, s
}

// estimate is the fuel of n, and the size of its value.
func (e *estimate) estimate(n ast.Node) (int64, size) {
	if e.k.shared[n] == nil {
		return e.node(n)
	}
	if b, ok := e.done[n]; ok {
		return b.fuel, b.size
	}
	fuel, s := e.node(n)
	if e.done == nil {
		e.done = make(map[ast.Node]estimated)
	}
	e.done[n] = estimated{fuel, s}
	return fuel, s
}

func (e *estimate) node(n ast.Node) (int64, size) {
	if c := e.k.codes[n]; c != nil && c.constant {
		return 1, sizeOf(c.value)
	}
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return e.name(n.Value)
	case *ast.PointerNode:
		if n.Name == "" && len(e.elements) > 0 {
			return 1, e.elements[len(e.elements)-1]
		}
		return 1, assumed
	case *ast.MemberNode:
		return e.member(n)
	case *ast.ChainNode:
		return e.estimate(n.Node)
	case *ast.SliceNode:
		return e.slice(n)
	case *ast.UnaryNode:
		fuel, s := e.estimate(n.Node)
		return runtime.Sum(fuel, 1), s
	case *ast.BinaryNode:
		return e.binary(n)
	case *ast.ConditionalNode:
		return e.conditional(n)
	case *ast.VariableDeclaratorNode:
		return e.declaration(n)
	case *ast.ArrayNode:
		return e.array(n.Nodes, 1)
	case *ast.MapNode:
		return e.object(n)
	}
	if name, args := callOf(n); name != "" {
		return e.call(name, args)
	}
	return 1, assumed
}

func (e *estimate) declaration(n *ast.VariableDeclaratorNode) (int64, size) {
	value, s := e.estimate(n.Value)
	e.vars[n.Name] = s
	fuel, s := e.estimate(n.Expr)
	return runtime.Sum(value, fuel, 1), s
}

func (e *estimate) name(name string) (int64, size) {
	if s, ok := e.vars[name]; ok {
		return 1, s
	}
	l := e.k.env.lets[name]
	if l == nil {
		return 2 + Assumed>>3, assumed
	}
	fuel := int64(1)
	e.addLet(l, &fuel)
	return fuel, l.size
}

// addLet adds the fuel of a let and of the lets that it reads, each once.
func (e *estimate) addLet(l *let, fuel *int64) {
	if e.lets[l] {
		return
	}
	e.lets[l] = true
	*fuel = runtime.Sum(*fuel, l.cost.Fuel)
}

func (e *estimate) member(n *ast.MemberNode) (int64, size) {
	base, s := e.estimate(n.Node)
	index, _ := e.estimate(n.Property)
	return runtime.Sum(base, index, 4, s.n>>3), s.element()
}

func (e *estimate) slice(n *ast.SliceNode) (int64, size) {
	fuel, s := e.estimate(n.Node)
	for _, end := range []ast.Node{n.From, n.To} {
		if end != nil {
			f, _ := e.estimate(end)
			fuel = runtime.Sum(fuel, f)
		}
	}
	return runtime.Sum(fuel, 4, runtime.Product(s.n, 4)), s
}

func (e *estimate) conditional(n *ast.ConditionalNode) (int64, size) {
	x, _ := e.estimate(n.Cond)
	then, s := e.estimate(n.Exp1)
	other, t := e.estimate(n.Exp2)
	return runtime.Sum(x, max(then, other), 1), larger(s, t)
}

func (e *estimate) binary(n *ast.BinaryNode) (int64, size) {
	if span, ok := n.Right.(*ast.BinaryNode); ok && n.Operator == "in" && span.Operator == ".." {
		x, _ := e.estimate(n.Left)
		lo, _ := e.estimate(span.Left)
		hi, _ := e.estimate(span.Right)
		return runtime.Sum(x, lo, hi, 2), size{n: 1}
	}
	x, s := e.estimate(n.Left)
	y, t := e.estimate(n.Right)
	both := runtime.Sum(x, y, 2)
	switch n.Operator {
	case "==", "!=", "<", ">", "<=", ">=":
		return runtime.Sum(both, min(e.weight(n.Left, s), e.weight(n.Right, t))), size{n: 1}
	case "in":
		return runtime.Sum(both, e.membership(n, s, t)), size{n: 1}
	case "contains", "startsWith", "endsWith":
		return runtime.Sum(both, 1+s.n>>3), size{n: 1}
	case "matches":
		steps := int64(1)
		if c := e.k.codes[n]; c != nil {
			steps += c.patternSize
		}
		return runtime.Sum(both, s.n>>3, runtime.Product(s.n+1, steps)), size{n: 1}
	case "+":
		sum := min(runtime.Sum(s.n, t.n), maxText)
		return runtime.Sum(both, 4, sum>>3), size{n: sum}
	case "..":
		return e.makeRange(n, both)
	case "??":
		return both, larger(s, t)
	}
	return both, size{n: 24}
}

// membership is the fuel of x in y.
func (e *estimate) membership(n *ast.BinaryNode, x, y size) int64 {
	if c := e.k.codes[n.Right]; c != nil && (c.table != nil || c.constant) {
		return runtime.Sum(16, x.n>>3, y.n>>3)
	}
	return runtime.Product(y.n, 3+min(e.weight(n.Left, x), y.element().n))
}

func (e *estimate) makeRange(n *ast.BinaryNode, both int64) (int64, size) {
	s := size{n: maxList, of: &size{n: 24}}
	lo, hi := e.k.codes[n.Left], e.k.codes[n.Right]
	if lo != nil && hi != nil && lo.constant && hi.constant {
		s.n = max(0, min(hi.value.Int()-lo.value.Int()+1, maxList))
	}
	return runtime.Sum(both, builderCost(s.n)), s
}

// builderCost is the fuel of building a list of n values.
func builderCost(n int64) int64 { return runtime.Sum(32, runtime.Product(n, 4)) }

func (e *estimate) array(items []ast.Node, each int64) (int64, size) {
	fuel, of := builderCost(int64(len(items))), size{}
	for _, item := range items {
		f, s := e.estimate(item)
		fuel, of = runtime.Sum(fuel, f, each), larger(of, s)
	}
	return fuel, size{n: int64(len(items)), of: &of}
}

func (e *estimate) object(n *ast.MapNode) (int64, size) {
	var all []ast.Node
	for _, p := range n.Pairs {
		pair := p.(*ast.PairNode)
		all = append(all, pair.Key, pair.Value)
	}
	fuel, s := e.array(all, int64(len(n.Pairs)))
	s.n /= 2
	return fuel, s
}

// weight is the fuel of reading all of a value.
func (e *estimate) weight(n ast.Node, s size) int64 {
	c := e.k.codes[n]
	if c != nil && c.types&(list|object) == 0 {
		return 2 + s.n>>6
	}
	return runtime.Product(s.n, 4+s.element().n>>3)
}

func larger(a, b size) size {
	of := size{n: max(a.element().n, b.element().n)}
	if a.of == nil && b.of == nil {
		return size{n: max(a.n, b.n)}
	}
	return size{n: max(a.n, b.n), of: &of}
}

// sizeOf is the size of a constant.
func sizeOf(v runtime.Value) size {
	switch v.Kind() {
	case runtime.String:
		return size{n: int64(len(v.Text()))}
	case runtime.List, runtime.Object:
		of := size{}
		for _, item := range v.Items() {
			of = larger(of, sizeOf(item))
		}
		if v.Node().Kind() != jsondoc.Missing {
			of.n = int64(len(v.Node().Raw()))
		}
		return size{n: int64(v.Len()), of: &of}
	}
	return size{n: 24}
}

// instructions is the number of instructions of a pattern; 1 when it is invalid.
func instructions(pattern string) int64 {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 1
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return 1
	}
	return int64(len(prog.Inst))
}
