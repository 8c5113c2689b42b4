package expr

import (
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// loop is what a quantifier's closure works with: the list, the condition or value for each element, and the locals
// that # and #index are.
type loop struct {
	list *code
	from operand // of the list
	body *code   // nil where it was left out
	at   int     // Locals[at] is #, Locals[at+1] is #index
	pos  string
}

// quantifier is a function whose second argument is computed for each value of a list.
type quantifier struct {
	usage, doc     string
	example, value string // as of a function
	body           bool   // the second argument is a condition; else it is a value
	optional       bool   // it may be left out
	gives          types
	null           bool // what it gives may be null for a list that is there
	empty          bool // a missing list counts as empty; else it gives null
	eval           func(l *loop, r *runtime.Run) runtime.Value

	test    func(l *loop) func(*runtime.Run) bool // as a condition, where that is faster than eval
	missing outcomes                              // of a condition: how a missing list or value can change it
	size    func(list, value size) size           // of the result; nil: a number's
	shaped  bool                                  // it gives a list with the elements of the list
	proves  bool                                  // when it is true, the list has values
	made    bool                                  // it gives the second argument's values and nothing of the list
}

// outcomes says how something missing can change a condition: absent reports that the list may be missing, and falls and rises
// what something missing can do to the condition of its values.
type outcomes func(absent, falls, rises bool) (f, r bool)

var quantifiers = map[string]*quantifier{
	"all": {usage: "all(list, condition) boolean", doc: "the condition holds for every value",
		example: `all([1, 2], # > 0)`, value: `true`,
		body: true, gives: boolean, empty: true, eval: (*loop).all, test: (*loop).testAll,
		missing: func(absent, falls, rises bool) (f, r bool) { return falls, rises || absent }},
	"any": {usage: "any(list, condition) boolean", doc: "it holds for one value or more",
		example: `any(['a', 'b'], # == 'b')`, value: `true`,
		body: true, gives: boolean, empty: true, eval: (*loop).any, proves: true, test: (*loop).testAny,
		missing: func(absent, falls, rises bool) (f, r bool) { return falls || absent, rises }},
	"none": {usage: "none(list, condition) boolean", doc: "it holds for no value",
		example: `none(['a', 'b'], # == 'c')`, value: `true`,
		body: true, gives: boolean, empty: true, eval: (*loop).none, test: (*loop).testNone,
		missing: func(absent, falls, rises bool) (f, r bool) { return rises, falls || absent }},
	"one": {usage: "one(list, condition) boolean", doc: "it holds for exactly one value",
		example: `one([1, 2, 3], # > 2)`, value: `true`,
		body: true, gives: boolean, empty: true, eval: (*loop).one, proves: true, missing: func(absent, falls, rises bool) (f, r bool) { return falls || rises || absent, falls || rises }},
	"count": {usage: "count(list, condition?) number", doc: "how many values it holds for; without one, how many are true",
		example: `count(['a', 'b', 'a'], # == 'a')`, value: `2`,
		body: true, optional: true, gives: number, empty: true, eval: (*loop).count},
	"filter": {usage: "filter(list, condition) list", doc: "the values it holds for",
		example: `filter([1, 2, 3], # > 1)`, value: `[2,3]`,
		body: true, gives: list, eval: (*loop).filter, shaped: true, size: func(list, _ size) size { return list }},
	"map": {usage: "map(list, value) list", doc: "the value for each of the list's",
		example: `map(['a', 'b'], upper(#))`, value: `["A","B"]`,
		gives: list, eval: (*loop).each, made: true, size: func(list, value size) size { return size{n: list.n, of: &value} }},
	"find": {usage: "find(list, condition) value", doc: "the first value it holds for, null when there is none",
		example: `find([1, 2, 3], # > 1)`, value: `2`,
		body: true, gives: anything, null: true, eval: (*loop).find, size: func(list, _ size) size { return list.element() }},
	"findIndex": {usage: "findIndex(list, condition) number", doc: "where that is, counted from 0",
		example: `findIndex(['a', 'b'], # == 'b')`, value: `1`,
		body: true, gives: number, null: true, eval: (*loop).findIndex},
	"findLast": {usage: "findLast(list, condition) value", doc: "the last value it holds for",
		example: `findLast([1, 2, 3], # > 1)`, value: `3`,
		body: true, gives: anything, null: true, eval: (*loop).findLast, size: func(list, _ size) size { return list.element() }},
	"findLastIndex": {usage: "findLastIndex(list, condition) number", doc: "where that is",
		example: `findLastIndex([1, 2, 3], # < 3)`, value: `1`,
		body: true, gives: number, null: true, eval: (*loop).findLastIndex},
	"sum": {usage: "sum(list, value?) number", doc: "the sum of the values, or of the list's own; null ones are left out",
		example: `sum(['a', 'bb'], len(#))`, value: `3`,
		optional: true, gives: number, eval: (*loop).sum},
}

// quantify compiles name(list, body).
func (k *compiler) quantify(n ast.Node, name string, q *quantifier, args []ast.Node) *code {
	if len(args) == 0 || len(args) > 2 || (len(args) == 1 && !q.optional) {
		return k.wrong(n, "want %s", q.usage)
	}
	before := k.next
	l := &loop{list: k.compile(args[0]), at: k.local(2), pos: k.pos(n)}
	l.from = l.list.operand()
	k.want(args[0], l.list, list, name)
	if len(args) == 2 {
		l.body = k.within(n, args[0], q, l, args[1])
	}
	k.next = before
	c := &code{types: q.gives, null: q.null || (!q.empty && l.list.null)}
	q.setOutcome(c, l)
	c.secret = q.carries(l)
	if q.test != nil {
		c.test = q.test(l)
	}
	if q.shaped {
		c.shape = l.list.shape
	}
	run := q.eval
	c.eval = func(r *runtime.Run) runtime.Value { return run(l, r) }
	if l.body == nil {
		return k.fold(n, conditional(c, l.pos), l.list)
	}
	return k.fold(n, conditional(c, l.pos), l.list, l.body)
}

// within is body, in one more loop unless the list is a constant or written out.
func (k *compiler) within(n, list ast.Node, q *quantifier, l *loop, body ast.Node) *code {
	if _, written := list.(*ast.ArrayNode); written || l.list.constant {
		return k.body(q, l, body)
	}
	k.inside++
	defer func() { k.inside-- }()
	if k.inside == maxLoops+1 {
		k.wrong(n, "inside %d others already: want at most %d quantifiers over lists of the event inside each other", maxLoops, maxLoops)
	}
	k.loops = max(k.loops, k.inside)
	return k.body(q, l, body)
}

// carries is what a quantifier can tell: which values of the list there are, what was made of them, and what was found out.
// To ask whether the secret is one of a list's values is to verify it; to be told which one is to be told the secret.
func (q *quantifier) carries(l *loop) taint {
	switch {
	case l.body == nil:
		return measured(l.list)
	case l.body.secret == asked && q.gives != boolean:
		return partly
	case q.made && l.list.secret == clean:
		return l.body.secret
	}
	return measured(l.list, l.body)
}

// setOutcome says which way a missing list, or a missing value in one, can push a quantifier.
func (q *quantifier) setOutcome(c *code, l *loop) {
	falls, rises := l.body != nil && l.body.falls, l.body != nil && l.body.rises
	if q.missing != nil {
		c.falls, c.rises = q.missing(l.list.null, falls, rises)
	}
	// Which values there are, or what becomes of them, may depend on what is missing too.
	bodyLoose := l.body != nil && (l.body.loose() || l.body.null)
	if l.list.loose() || (l.body != nil && bodyLoose && c.types != boolean) {
		c.falls, c.rises, c.soft = c.falls || c.types == boolean, c.rises || c.types == boolean, true
	}
	c.soft = c.soft || ((falls || rises || l.list.null) && c.types != boolean)
}

// body compiles a quantifier's second argument, in which # is an element.
func (k *compiler) body(q *quantifier, l *loop, n ast.Node) *code {
	p, ok := n.(*ast.PredicateNode)
	if !ok {
		return k.wrong(n, "want a condition for each value")
	}
	element := &code{types: anything, null: true, secret: l.list.secret}
	if s := l.list.shape.Element(); s != nil {
		element.shape, element.types = s, s.Kinds()
	}
	element.null = !l.list.constant || hasNull(l.list.value)
	back := k.present
	k.present = make(map[string]int, len(back))
	for name, times := range back {
		if name[0] != '#' {
			k.present[name] = times
		}
	}
	k.elements = append(k.elements, variable{"#", l.at, element})
	c := k.bodyOf(q, p)
	k.elements = k.elements[:len(k.elements)-1]
	k.present = back
	return c
}

func (k *compiler) bodyOf(q *quantifier, p *ast.PredicateNode) *code {
	if q.body {
		return k.condition(p.Node)
	}
	return k.compile(p.Node)
}

func hasNull(v runtime.Value) bool {
	for n := range v.Node().Elements() {
		if n.Kind() == jsondoc.Null {
			return true
		}
	}
	return slices.ContainsFunc(v.Built(), runtime.Value.IsNull)
}

// values computes the list; false when it is missing.
func (l *loop) values(r *runtime.Run) (runtime.Value, bool) {
	charge(r, 1)
	v := l.from.read(r)
	switch v.Kind() {
	case runtime.List:
		return v, true
	case runtime.Null:
		r.Scratch.Missed = true
		return v, false
	}
	fail(l.pos, "want a list, got %s", v.Kind())
	return v, false
}

// run computes the condition for each value, and asks on after each whether to go on.
func (l *loop) run(r *runtime.Run, v runtime.Value, on func(i int, item runtime.Value, holds bool) bool) {
	if l.body != nil && l.body.each != nil { // it needs nothing that is put where # is read
		test := l.body.each
		each(r, v, func(i int, item runtime.Value) bool { return on(i, item, test(r, item)) })
		return
	}
	each(r, v, func(i int, item runtime.Value) bool {
		r.Scratch.Locals[l.at] = item
		r.Scratch.Locals[l.at+1] = runtime.IntOf(int64(i))
		if l.body == nil {
			return on(i, item, item.Bool())
		}
		return on(i, item, l.body.test(r))
	})
}
