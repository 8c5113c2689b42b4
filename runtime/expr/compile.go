package expr

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// compiler turns one tree into closures. It goes on after a problem, to find the others too.
type compiler struct {
	env     *Env
	src     string
	offsets []int // byte offsets of the characters in src; nil when it is ASCII
	errs    Errors
	vars    []variable // variables of let x = …; in this expression, innermost last
	// elements of the quantifiers, innermost last; the local after an element's is #index
	elements  []variable
	next      int            // the next free local
	maxLocals int            // most locals in use at once
	depth     int            // of the tree
	present   map[string]int // paths that cannot be missing here, with how many conditions say so
	shared    map[ast.Node]*code
	either    map[ast.Node]bool  // comparisons that markEither found
	codes     map[ast.Node]*code // of all nodes, for Cost
	loops     int                // as in Cost
	loopDepth int                // quantifiers around the node that is being compiled
	foldFuel  int64              // fuel spent on constants
	clauses   []*Clause
	warnings  Errors
	tokens    tokens // of src, when a clause was first needed
}

// maxErrors limits the problems reported of one expression.
const maxErrors = 20

func newCompiler(e *Env, src string) *compiler {
	k := &compiler{env: e, src: src, next: e.locals, codes: make(map[ast.Node]*code)}
	if utf8.RuneCountInString(src) < len(src) {
		for i := range src {
			k.offsets = append(k.offsets, i)
		}
	}
	return k
}

type variable struct {
	name  string
	local int
	code  *code
}

func (k *compiler) result() error {
	if len(k.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(k.errs, func(a, b *Error) int { return a.Offset - b.Offset })
	return k.errs
}

func (k *compiler) report(n ast.Node, format string, args ...any) *code {
	if len(k.errs) < maxErrors {
		k.errs = append(k.errs, at(k.src, k.offset(n), fmt.Sprintf(format, args...)))
	}
	return invalidCode()
}

// reportUnknown reports an unknown name with a suggestion.
func (k *compiler) reportUnknown(n ast.Node, what, name string, candidates []string) *code {
	before := len(k.errs)
	c := k.report(n, "unknown %s %s", what, name)
	if len(k.errs) == before {
		return c
	}
	e := k.errs[before]
	if e.Suggest, _ = hook.Suggest(name, candidates); e.Suggest != "" {
		e.Message += ", did you mean " + e.Suggest + "?"
	}
	return c
}

// offset is the byte offset of n. The parser counts characters.
func (k *compiler) offset(n ast.Node) int {
	at := n.Location().From
	if k.offsets == nil || at < 0 {
		return at
	}
	if at >= len(k.offsets) {
		return len(k.src)
	}
	return k.offsets[at]
}

// pos is the place of n in messages at run time.
func (k *compiler) pos(n ast.Node) string {
	e := at(k.src, k.offset(n), "")
	return fmt.Sprintf("%d:%d", e.Line, e.Column)
}

// local allocates n locals. The caller frees them by setting next back.
func (k *compiler) local(n int) int {
	at := k.next
	k.next += n
	k.maxLocals = max(k.maxLocals, k.next)
	return at
}

// compile compiles n as a value. Bytes that are not UTF-8 are no value: they make the rule fail.
func (k *compiler) compile(n ast.Node) *code {
	c := k.compileBytes(n)
	if !c.binary {
		return c
	}
	if c.constant {
		return k.report(n, "%s", notText)
	}
	checked, eval, pos := *c, c.eval, k.pos(n)
	checked.binary, checked.test, checked.evalKleene = false, nil, nil
	checked.eval = func(r *runtime.Run) runtime.Value {
		v := eval(r)
		if v.Kind() == runtime.String && !utf8.ValidString(v.Text()) {
			fail(pos, notText)
		}
		return v
	}
	return complete(&checked, pos)
}

const notText = "the decoded bytes are not a text: they can only be hashed, encoded and put together with +"

// compileBytes compiles n for a place that accepts any bytes: an argument of a hash or an encoding,
// and what passes its operands on to such a place.
func (k *compiler) compileBytes(n ast.Node) *code {
	c := k.source(n)
	if c.table != nil {
		return k.report(n, "a table is not a value: want KEY in tables.NAME, tables.NAME[KEY] or len(tables.NAME)")
	}
	return c
}

// source compiles n as a value or a table.
func (k *compiler) source(n ast.Node) *code {
	if k.depth++; k.depth > maxDepth {
		k.depth--
		return k.report(n, "too deep: want at most %d nested operators", maxDepth)
	}
	c := k.node(n)
	k.depth--
	k.codes[n] = c
	return c
}

func (k *compiler) node(n ast.Node) *code {
	switch n := n.(type) {
	case *ast.FloatNode:
		return literal(k.floatLiteral(n))
	case *ast.NilNode, *ast.BoolNode, *ast.IntegerNode, *ast.StringNode:
		return literal(literalValue(n))
	case *ast.IdentifierNode:
		return k.dropNull(n, k.identifier(n))
	case *ast.MemberNode:
		return k.dropNull(n, k.member(n))
	case *ast.ChainNode:
		return k.dropNull(n, k.source(n.Node))
	case *ast.PointerNode:
		return k.dropNull(n, k.pointer(n))
	case *ast.SliceNode:
		return k.slice(n)
	case *ast.UnaryNode:
		return k.unary(n)
	case *ast.BinaryNode:
		return k.binary(n)
	case *ast.ConditionalNode:
		return k.conditional(n)
	case *ast.VariableDeclaratorNode:
		return k.declaration(n)
	case *ast.ArrayNode:
		return k.array(n)
	case *ast.MapNode:
		return k.object(n)
	}
	if name, args := callOf(n); name != "" {
		return markForm(name, k.call(n, name, args))
	}
	return k.compileUnsupported(n)
}

// compileUnsupported reports a node that the parser accepts and this language does not have.
func (k *compiler) compileUnsupported(n ast.Node) *code {
	switch n.(type) {
	case *ast.CallNode:
		return k.report(n, "values have no methods to call")
	case *ast.SequenceNode:
		return k.report(n, "want one expression: only let is followed by ;")
	case *ast.BytesNode:
		return k.report(n, "bytes are not supported: want a text without the b")
	}
	return k.report(n, "not supported")
}

// floatLiteral is a number with a point or an exponent. The parser rounds it: a whole number that a
// float64 does not hold is read again, as a payload's is.
func (k *compiler) floatLiteral(n *ast.FloatNode) runtime.Value {
	var d jsondoc.Doc
	if err := d.Parse([]byte(k.numberText(n)), jsondoc.Limits{}); err != nil || d.Root().Float() != n.Value {
		return runtime.FloatOf(n.Value)
	}
	v := runtime.NodeOf(d.Root())
	if v.Kind() != runtime.Int {
		return runtime.FloatOf(n.Value)
	}
	return runtime.IntOf(v.Int())
}

// numberText is the source of a number, without its _.
func (k *compiler) numberText(n ast.Node) string {
	from := min(max(0, k.offset(n)), len(k.src))
	end := from
	for ; end < len(k.src); end++ {
		c := k.src[end]
		sign := (c == '+' || c == '-') && end > from && k.src[end-1]|0x20 == 'e'
		if c-'0' > 9 && c != '.' && c != '_' && c|0x20 != 'e' && !sign {
			break
		}
	}
	return strings.ReplaceAll(k.src[from:end], "_", "")
}

// literalValue is the value of a literal.
func literalValue(n ast.Node) runtime.Value {
	switch n := n.(type) {
	case *ast.BoolNode:
		return runtime.BoolOf(n.Value)
	case *ast.IntegerNode:
		return runtime.IntOf(int64(n.Value))
	case *ast.FloatNode:
		return runtime.FloatOf(n.Value)
	case *ast.StringNode:
		return runtime.TextOf(n.Value)
	}
	return runtime.Value{}
}

// condition compiles n as an operand of and, or, not, ?: or a quantifier.
func (k *compiler) condition(n ast.Node) *code {
	c := k.compile(n)
	if c.types != 0 && c.types&boolean == 0 {
		k.report(n, "want a condition, got %s", c.types.String())
	}
	return c
}

// wantKinds reports a problem when c can never have one of the kinds. It is true when c can.
func (k *compiler) wantKinds(n ast.Node, c *code, t types, who string) bool {
	if c.types == 0 || c.types&t != 0 {
		return true
	}
	k.report(n, "%s wants %s, got %s", who, t.String(), c.types.String())
	return false
}

func (k *compiler) identifier(n *ast.IdentifierNode) *code {
	for _, v := range slices.Backward(k.vars) {
		if v.name == n.Value {
			return k.variable(v)
		}
	}
	if l := k.env.lets[n.Value]; l != nil {
		return k.let(l)
	}
	if s := k.env.event.Known(n.Value); s != nil {
		return k.path(n, 0, n.Value, s, taintOf(s))
	}
	switch {
	case n.Value == "$env":
		return k.report(n, "$env is not supported: name the member itself")
	case n.Value == "null":
		return k.report(n, "unknown name null, did you mean nil?")
	case n.Value == "tables":
		return k.report(n, "want the table's name: tables.NAME")
	case n.Value == "vars":
		return k.varsObject()
	}
	if place := k.env.eventHookPath(n.Value); place != "" {
		return k.report(n, "unknown name %s, in an event hook: %s", n.Value, place)
	}
	return k.reportUnknown(n, "name", n.Value, k.scope())
}

// scope lists the names that can be read here.
func (k *compiler) scope() []string {
	all := k.env.names()
	for _, v := range k.vars {
		all = append(all, v.name)
	}
	return all
}

func (k *compiler) variable(v variable) *code {
	if v.code.constant {
		return literal(v.code.value)
	}
	at := v.local
	c := k.copyFacts(v.code)
	c.eval = func(r *runtime.Run) runtime.Value { charge(r, 1); return r.Scratch.Locals[at] }
	return complete(c, "")
}

func (k *compiler) let(l *let) *code {
	if l.code.constant {
		return literal(l.code.value)
	}
	env := k.env
	c := k.copyFacts(l.code)
	c.eval = func(r *runtime.Run) runtime.Value { return env.readLet(r, l) }
	return complete(c, "")
}

// copyFacts is a code without closures of which the same is known as of c.
func (k *compiler) copyFacts(c *code) *code {
	return &code{types: c.types, null: c.null, maybeFalse: c.maybeFalse, maybeTrue: c.maybeTrue, maybeOther: c.maybeOther, shape: c.shape, form: c.form, taint: c.taint, binary: c.binary, timed: c.timed}
}

// declaration is let x = value; expr. The value is computed where it is declared.
func (k *compiler) declaration(n *ast.VariableDeclaratorNode) *code {
	value := k.compileBytes(n.Value)
	if problem := k.env.nameProblem(n.Name); problem != "" {
		k.report(n, "%s", problem)
	}
	if slices.ContainsFunc(k.vars, func(v variable) bool { return v.name == n.Name }) {
		k.report(n, "the name %s is already used by another let", n.Name)
	}
	before := k.next
	at := k.local(1)
	k.vars = append(k.vars, variable{n.Name, at, value})
	body := k.compileBytes(n.Expr)
	k.vars = k.vars[:len(k.vars)-1]
	k.next = before
	if value.constant {
		return body
	}
	c := k.copyFacts(body)
	set := func(r *runtime.Run) { charge(r, 1); r.Scratch.Locals[at] = value.eval(r) }
	c.eval = func(r *runtime.Run) runtime.Value { set(r); return body.eval(r) }
	c.test = func(r *runtime.Run) bool { set(r); return body.test(r) }
	c.evalKleene = func(r *runtime.Run) kleene { set(r); return body.evalKleene(r) }
	return complete(c, "")
}

func (k *compiler) array(n *ast.ArrayNode) *code {
	items := make([]*code, len(n.Nodes))
	for i, item := range n.Nodes {
		items[i] = k.compile(item)
	}
	c := &code{types: list, maybeOther: anyMissing(items), taint: maxTaint(items...), timed: anyTimed(items...), eval: func(r *runtime.Run) runtime.Value {
		b := newBuilder(r, len(items))
		for _, item := range items {
			b.add(item.eval(r))
		}
		return runtime.ListOf(b.values)
	}}
	return k.foldTo(maxNodes, n, complete(c, ""), items)
}

// anyMissing reports whether a value of a written list or object may be missing.
func anyMissing(items []*code) bool {
	return slices.ContainsFunc(items, func(c *code) bool { return !c.constant && c.null || c.isUncertain() })
}

func (k *compiler) object(n *ast.MapNode) *code {
	parts := make([]*code, 0, 2*len(n.Pairs))
	seen := make(map[string]bool)
	pos := k.pos(n)
	for _, p := range n.Pairs {
		pair := p.(*ast.PairNode)
		key := k.compile(pair.Key)
		k.wantKinds(pair.Key, key, text, "a member's name")
		if key.constant && key.value.Kind() == runtime.String {
			if seen[key.value.Text()] {
				k.report(pair.Key, "the member %s occurs twice", key.value.Text())
			}
			seen[key.value.Text()] = true
		}
		parts = append(parts, key, k.compile(pair.Value))
	}
	c := &code{types: object, maybeOther: anyMissing(parts), taint: maxTaint(parts...), timed: anyTimed(parts...), eval: func(r *runtime.Run) runtime.Value {
		b := newBuilder(r, len(parts))
		for i := 0; i < len(parts); i += 2 {
			key := parts[i].eval(r)
			if key.Kind() != runtime.String {
				fail(pos, "want a text for a member's name, got %s", key.Kind())
			}
			b.member(key, parts[i+1].eval(r))
		}
		return runtime.ObjectOf(b.values)
	}}
	return k.foldTo(maxNodes, n, complete(c, ""), parts)
}
