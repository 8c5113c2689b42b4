package expr

import (
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// loop is the state of a quantifier's closure: the list, the condition or value for each element,
// and the locals of # and #index.
type loop struct {
	list    *code
	operand operand // of the list
	body    *code   // nil when left out
	local   int     // Locals[local] is #, Locals[local+1] is #index
	pos     string
}

// quantifier is a function whose second argument is computed for each value of a list, with all
// facts about it.
type quantifier struct {
	usage, doc     string
	example, value string // as of function
	conditional    bool   // the second argument is a condition, not a value
	optional       bool   // it may be left out
	result         types
	null           bool // the result may be null for a list that is present
	empty          bool // a missing list counts as empty, instead of giving null
	eval           func(l *loop, r *runtime.Run) runtime.Value

	// as a condition, where that is faster than eval
	test    func(l *loop) func(*runtime.Run) bool
	missing missingEffect               // of a condition
	size    func(list, value size) size // of the result; nil: a number
	// the result is a list of the list's elements
	keepsElements bool
	proves        bool // true proves that the list has values
	// the result has the second argument's values and none of the list's
	replacesElements bool
}

// missingEffect is how something missing changes a condition: absent reports that the list may be
// missing, falls and rises how something missing can change the condition on its elements.
type missingEffect func(absent, falls, rises bool) (f, r bool)

var quantifiers = map[string]*quantifier{
	"all": {usage: "all(list, condition) boolean", doc: "the condition holds for every value",
		example: `all([1, 2], # > 0)`, value: `true`,
		conditional: true, result: boolean, empty: true, eval: (*loop).all, test: (*loop).testAll,
		missing: func(absent, falls, rises bool) (f, r bool) { return falls, rises || absent }},
	"any": {usage: "any(list, condition) boolean", doc: "it holds for one value or more",
		example: `any(['a', 'b'], # == 'b')`, value: `true`,
		conditional: true, result: boolean, empty: true, eval: (*loop).any, proves: true, test: (*loop).testAny,
		missing: func(absent, falls, rises bool) (f, r bool) { return falls || absent, rises }},
	"none": {usage: "none(list, condition) boolean", doc: "it holds for no value",
		example: `none(['a', 'b'], # == 'c')`, value: `true`,
		conditional: true, result: boolean, empty: true, eval: (*loop).none, test: (*loop).testNone,
		missing: func(absent, falls, rises bool) (f, r bool) { return rises, falls || absent }},
	"one": {usage: "one(list, condition) boolean", doc: "it holds for exactly one value",
		example: `one([1, 2, 3], # > 2)`, value: `true`,
		conditional: true, result: boolean, empty: true, eval: (*loop).one, proves: true, missing: func(absent, falls, rises bool) (f, r bool) { return falls || rises || absent, falls || rises }},
	"count": {usage: "count(list, condition?) number", doc: "how many values it holds for; without one, how many are true",
		example: `count(['a', 'b', 'a'], # == 'a')`, value: `2`,
		conditional: true, optional: true, result: number, empty: true, eval: (*loop).count},
	"filter": {usage: "filter(list, condition) list", doc: "the values it holds for",
		example: `filter([1, 2, 3], # > 1)`, value: `[2,3]`,
		conditional: true, result: list, eval: (*loop).filter, keepsElements: true, size: func(list, _ size) size { return list }},
	"map": {usage: "map(list, value) list", doc: "the value for each of the list's",
		example: `map(['a', 'b'], upper(#))`, value: `["A","B"]`,
		result: list, eval: (*loop).mapValues, replacesElements: true, size: func(list, value size) size { return size{n: list.n, of: &value} }},
	"find": {usage: "find(list, condition) value", doc: "the first value it holds for, null when there is none",
		example: `find([1, 2, 3], # > 1)`, value: `2`,
		conditional: true, result: anything, null: true, eval: (*loop).find, size: func(list, _ size) size { return list.element() }},
	"findIndex": {usage: "findIndex(list, condition) number", doc: "where that is, counted from 0",
		example: `findIndex(['a', 'b'], # == 'b')`, value: `1`,
		conditional: true, result: number, null: true, eval: (*loop).findIndex},
	"findLast": {usage: "findLast(list, condition) value", doc: "the last value it holds for",
		example: `findLast([1, 2, 3], # > 1)`, value: `3`,
		conditional: true, result: anything, null: true, eval: (*loop).findLast, size: func(list, _ size) size { return list.element() }},
	"findLastIndex": {usage: "findLastIndex(list, condition) number", doc: "where that is",
		example: `findLastIndex([1, 2, 3], # < 3)`, value: `1`,
		conditional: true, result: number, null: true, eval: (*loop).findLastIndex},
	"sum": {usage: "sum(list, value?) number", doc: "the sum of the values, or of the list's own; null ones are left out",
		example: `sum(['a', 'bb'], len(#))`, value: `3`,
		optional: true, result: number, eval: (*loop).sum},
}

// quantifier compiles name(list, body).
func (k *compiler) quantifier(n ast.Node, name string, q *quantifier, args []ast.Node) *code {
	if len(args) == 0 || len(args) > 2 || (len(args) == 1 && !q.optional) {
		return k.report(n, "want %s", q.usage)
	}
	before := k.next
	l := &loop{list: k.compile(args[0]), local: k.local(2), pos: k.pos(n)}
	l.operand = l.list.operand()
	k.wantKinds(args[0], l.list, list, name)
	if len(args) == 2 {
		l.body = k.loopBody(n, args[0], q, l, args[1])
	}
	k.next = before
	c := &code{types: q.result, null: q.null || (!q.empty && l.list.null)}
	q.setMaybe(c, l)
	c.taint = q.taintOf(l)
	if q.test != nil {
		c.test = q.test(l)
	}
	if q.keepsElements {
		c.shape = l.list.shape
	}
	run := q.eval
	c.eval = func(r *runtime.Run) runtime.Value { return run(l, r) }
	if l.body == nil {
		return k.fold(n, complete(c, l.pos), l.list)
	}
	return k.fold(n, complete(c, l.pos), l.list, l.body)
}

// loopBody compiles the body, as one more nested loop unless the list is constant or written out.
func (k *compiler) loopBody(n, list ast.Node, q *quantifier, l *loop, body ast.Node) *code {
	if _, written := list.(*ast.ArrayNode); written || l.list.constant {
		return k.body(q, l, body)
	}
	k.loopDepth++
	defer func() { k.loopDepth-- }()
	if k.loopDepth == maxLoops+1 {
		k.report(n, "inside %d others: want at most %d nested quantifiers over lists of the event", maxLoops, maxLoops)
	}
	k.loops = max(k.loops, k.loopDepth)
	return k.body(q, l, body)
}

// taintOf is the taint of a quantifier's result: it reveals which values the list has and what is
// computed of them. Testing whether the secret is in a list only verifies it; returning which value
// it is reveals it.
func (q *quantifier) taintOf(l *loop) taint {
	switch {
	case l.body == nil:
		return derivedTaint(l.list)
	case l.body.taint == compared && q.result != boolean:
		return partial
	case q.replacesElements && l.list.taint == clean:
		return l.body.taint
	}
	return derivedTaint(l.list, l.body)
}

// setMaybe sets how a missing list, or a missing value in it, can change the result.
func (q *quantifier) setMaybe(c *code, l *loop) {
	falls, rises := l.body != nil && l.body.maybeFalse, l.body != nil && l.body.maybeTrue
	if q.missing != nil {
		c.maybeFalse, c.maybeTrue = q.missing(l.list.null, falls, rises)
	}
	// The elements, or the values computed of them, may depend on something missing too.
	bodyLoose := l.body != nil && (l.body.isUncertain() || l.body.null)
	if l.list.isUncertain() || (l.body != nil && bodyLoose && c.types != boolean) {
		c.maybeFalse, c.maybeTrue, c.maybeOther = c.maybeFalse || c.types == boolean, c.maybeTrue || c.types == boolean, true
	}
	c.maybeOther = c.maybeOther || ((falls || rises || l.list.null) && c.types != boolean)
}

// body compiles a quantifier's second argument, in which # is an element.
func (k *compiler) body(q *quantifier, l *loop, n ast.Node) *code {
	p, ok := n.(*ast.PredicateNode)
	if !ok {
		return k.report(n, "want a condition for each value")
	}
	element := &code{types: anything, null: true, taint: l.list.taint}
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
	k.elements = append(k.elements, variable{"#", l.local, element})
	c := k.bodyOf(q, p)
	k.elements = k.elements[:len(k.elements)-1]
	k.present = back
	return c
}

func (k *compiler) bodyOf(q *quantifier, p *ast.PredicateNode) *code {
	if q.conditional {
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
	return slices.ContainsFunc(v.Items(), runtime.Value.IsNull)
}

// readList computes the list; false when it is missing.
func (l *loop) readList(r *runtime.Run) (runtime.Value, bool) {
	charge(r, 1)
	v := l.operand.read(r)
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

// forEach computes the condition for each value, and calls on with the outcome until it returns
// false.
func (l *loop) forEach(r *runtime.Run, v runtime.Value, on func(i int, item runtime.Value, holds bool) bool) {
	if l.body != nil && l.body.elementTest != nil { // it does not read #
		test := l.body.elementTest
		each(r, v, func(i int, item runtime.Value) bool { return on(i, item, test(r, item)) })
		return
	}
	each(r, v, func(i int, item runtime.Value) bool {
		r.Scratch.Locals[l.local] = item
		r.Scratch.Locals[l.local+1] = runtime.IntOf(int64(i))
		if l.body == nil {
			return on(i, item, item.Bool())
		}
		return on(i, item, l.body.test(r))
	})
}
