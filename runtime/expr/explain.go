package expr

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
)

// Part is a part of an expression and its value, for an explanation.
type Part struct {
	// bytes before the operator, function name or path under which it is shown
	Offset  int    `json:"offset"`
	Text    string `json:"text"`              // in the parser's spacing
	Value   string `json:"value,omitempty"`   // as JSON, truncated; Mask for a secret
	Error   string `json:"error,omitempty"`   // why it failed
	Skipped bool   `json:"skipped,omitempty"` // it did not run: an earlier part decided
	Decides bool   `json:"decides,omitempty"` // it is not the whole, and it decided the outcome
}

// Limits of an explanation.
const (
	maxParts     = 100
	maxValueText = 60 // characters of a value
	maxPartText  = 200
)

// Explain computes the parts of an expression of this Env again, for a Run that has computed it. It
// uses the Run's lets, its randomness from drawn on, and a Meter of its own. A quantifier and its
// condition are one part. The parts are in the order of the text.
func (e *Env) Explain(src string, r *runtime.Run, drawn uint64, b runtime.Budget) []Part {
	node, errs := parse(src)
	if errs != nil {
		return nil
	}
	own := e.clone()
	k := newCompiler(own, src)
	k.compile(node)
	if own.reserve(k.maxLocals); len(k.errs) > 0 {
		return nil
	}
	var m runtime.Meter
	m.Start(b, time.Now(), time.Time{})
	run := runtime.Run{Event: r.Event, Now: r.Now, Meter: &m}
	run.SetSeed(r.Seed())
	run.Scratch.Resize(&own.layout)
	run.Scratch.Draws = drawn
	copy(run.Scratch.Cells, r.Scratch.Cells)
	x := explainer{compiler: k, run: &run, draws: drawn, root: node, seen: make(map[ast.Node]bool)}
	x.walk(node, true)
	slices.SortStableFunc(x.parts, func(a, b Part) int { return a.Offset - b.Offset })
	return x.parts
}

// clone is an Env in which more can be compiled while e is in use.
func (e *Env) clone() *Env {
	c := *e
	c.o.Clauses = false
	c.paths, c.index, c.constElements = slices.Clone(e.paths), maps.Clone(e.index), maps.Clone(e.constElements)
	return &c
}

// explainer visits the nodes of a tree that a run visits.
type explainer struct {
	*compiler
	run   *runtime.Run
	draws uint64
	root  ast.Node
	parts []Part
	seen  map[ast.Node]bool // the parser may put one node in two places
}

// walk adds n and its parts. decides says that n decides the whole unless one of its parts does. It
// returns false when n fails.
func (x *explainer) walk(n ast.Node, decides bool) bool {
	if x.seen[n] || len(x.parts) == maxParts {
		return true
	}
	x.seen[n] = true
	if chain, ok := n.(*ast.ChainNode); ok {
		return x.walk(chain.Node, decides)
	}
	c := x.codes[n]
	if c == nil {
		x.walkAll(operandsOf(n))
		return true
	}
	if c.table != nil || c.constant && !isPath(n) {
		return true
	}
	at := len(x.parts)
	x.parts = append(x.parts, Part{Offset: x.anchor(n), Text: truncate(n.String(), maxPartText)})
	fine, alone := x.walkParts(n, decides)
	v, err := x.compute(c)
	p := &x.parts[at]
	switch p.Decides = decides && !alone && n != x.root; {
	case err == nil:
		p.Value = x.formatValue(c, v)
	case fine:
		p.Error = err.Error()
	default:
		p.Error = "fails"
	}
	if isContainer(n) {
		x.parts = slices.Delete(x.parts, at, at+1)
	}
	return err == nil
}

// walkParts walks the parts of n that a run visits. alone reports that one of them decides n, fine
// that none failed.
func (x *explainer) walkParts(n ast.Node, decides bool) (fine, alone bool) {
	switch n := n.(type) {
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&", "or", "||":
			return x.walkChain(flatten(n, n.Operator == "and" || n.Operator == "&&", nil), n.Operator == "and" || n.Operator == "&&", decides)
		case "??":
			if fine = x.walk(n.Left, false); x.codes[n.Left] == nil || !fine {
				return fine, false
			}
			if v, _ := x.compute(x.codes[n.Left]); !v.IsNull() {
				x.skip(n.Right)
				return true, false
			}
			return x.walk(n.Right, false), false
		}
	case *ast.UnaryNode:
		if x.offset(n) != x.offset(n.Node) { // otherwise it is x not in y
			return x.walk(n.Node, decides), decides && !constant(x.codes[n.Node])
		}
		return x.walkAll(operandsOf(n.Node)), false
	case *ast.ConditionalNode:
		return x.walkBranches(n, decides)
	case *ast.VariableDeclaratorNode:
		if !x.walk(n.Value, false) {
			x.skip(n.Expr)
			return false, false
		}
		x.compute(x.codes[n]) // sets the variable
		return x.walk(n.Expr, decides), true
	}
	return x.walkAll(operandsOf(n)), false
}

func constant(c *code) bool { return c == nil || c.constant }

func (x *explainer) walkAll(nodes []ast.Node) bool {
	fine := true
	for _, n := range nodes {
		fine = x.walk(n, false) && fine
	}
	return fine
}

// walkChain walks the terms of an and or or up to the deciding one.
func (x *explainer) walkChain(terms []ast.Node, and, decides bool) (fine, alone bool) {
	for i, t := range terms {
		yes, err := x.test(x.codes[t])
		last := err != nil || yes != and
		fine = x.walk(t, decides && last)
		if last {
			for _, rest := range terms[i+1:] {
				x.skip(rest)
			}
			return fine, decides && !constant(x.codes[t])
		}
	}
	return true, false
}

func (x *explainer) walkBranches(n *ast.ConditionalNode, decides bool) (fine, alone bool) {
	yes, err := x.test(x.codes[n.Cond])
	if !x.walk(n.Cond, decides && err != nil) {
		return false, true
	}
	taken, left := n.Exp1, n.Exp2
	if !yes {
		taken, left = left, taken
	}
	fine = x.walk(taken, decides)
	x.skip(left)
	return fine, decides && !constant(x.codes[taken])
}

func (x *explainer) skip(n ast.Node) {
	if c := x.codes[n]; c != nil && c.constant && !isPath(n) || len(x.parts) == maxParts {
		return
	}
	x.parts = append(x.parts, Part{Offset: x.anchor(n), Text: truncate(n.String(), maxPartText), Skipped: true})
}

func (x *explainer) compute(c *code) (v runtime.Value, err error) {
	x.run.Scratch.Draws = x.draws
	defer recoverFault(x.run, &err)
	return c.eval(x.run), nil
}

func (x *explainer) test(c *code) (yes bool, err error) {
	x.run.Scratch.Draws = x.draws
	defer recoverFault(x.run, &err)
	return c.test(x.run), nil
}

// formatValue is a value as JSON.
func (x *explainer) formatValue(c *code, v runtime.Value) string {
	// the trace shows a condition's outcome anyway
	if c.taint > compared && v.Kind() != runtime.Bool && !v.IsNull() {
		return `"` + Mask + `"`
	}
	if v.Kind() == runtime.String && !utf8.ValidString(v.Text()) {
		s := v.Text()
		return truncate(fmt.Sprintf("bytes %x", s[:min(len(s), maxValueText)]), maxValueText)
	}
	text, err := v.AppendJSON(nil, x.run.Meter)
	if errors.Is(err, runtime.ErrValue) {
		return "no JSON"
	}
	if err != nil {
		return "…"
	}
	return truncate(string(text), maxValueText)
}

// truncate cuts s to that many characters.
func truncate(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	n := 0
	for i := range s {
		if n++; n == most {
			return s[:i] + "…"
		}
	}
	return s
}

// anchor is the place under which a part is shown: the beginning of a path, or the parser's place.
func (x *explainer) anchor(n ast.Node) int {
	switch c := n.(type) {
	case *ast.ChainNode:
		n = c.Node
	case *ast.ConditionalNode:
		return x.question(c)
	}
	if isPath(n) {
		for {
			m, ok := n.(*ast.MemberNode)
			if !ok {
				break
			}
			n = m.Node
			if c, ok := n.(*ast.ChainNode); ok {
				n = c.Node
			}
		}
	}
	return x.offset(n)
}

// question is the place of the ? of a conditional, which the parser does not record; of an if it is
// the condition's.
func (x *explainer) question(n *ast.ConditionalNode) int {
	first := len(x.src)
	x.compiler.walk(n.Exp1, func(n ast.Node) { first = min(first, x.offset(n)) })
	all := tokenize(x.src)
	i := all.at(first)
	if i < 0 {
		i = len(all)
	}
	for i--; i >= 0 && all[i].offset > x.offset(n.Cond); i-- {
		if all[i].text == "?" {
			return all[i].offset
		}
	}
	return x.anchor(n.Cond)
}

// isPath reports whether n is a path: its value does not stand in the text.
func isPath(n ast.Node) bool { return key(n, 0) != "" }

// isContainer reports whether n is not worth showing beside its parts.
func isContainer(n ast.Node) bool {
	switch n.(type) {
	case *ast.ArrayNode, *ast.MapNode, *ast.VariableDeclaratorNode:
		return true
	}
	return false
}

// operandsOf are the parts of n that always run with n and can be computed on their own.
func operandsOf(n ast.Node) []ast.Node {
	if isPath(n) {
		return nil
	}
	switch n := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.SliceNode:
		return slices.DeleteFunc([]ast.Node{n.Node, n.From, n.To}, func(n ast.Node) bool { return n == nil })
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.MapNode:
		var all []ast.Node
		for _, p := range n.Pairs {
			all = append(all, p.(*ast.PairNode).Key, p.(*ast.PairNode).Value)
		}
		return all
	}
	name, args := callOf(n)
	if quantifiers[name] != nil {
		return args[:1]
	}
	return args
}
