package expr

import (
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
)

// searcher is contains, startsWith or endsWith.
type searcher func(r *runtime.Run, s, part string) bool

func startsWith(r *runtime.Run, s, part string) bool {
	charge(r, 1+int64(len(part))>>6)
	return strings.HasPrefix(s, part)
}

func endsWith(r *runtime.Run, s, part string) bool {
	charge(r, 1+int64(len(part))>>6)
	return strings.HasSuffix(s, part)
}

// window is how much text is searched between two charges.
const window = 16 << 10

func searchText(r *runtime.Run, s, part string) bool {
	for len(s) > window+len(part) {
		charge(r, 1+int64(window+len(part))>>4)
		if strings.Contains(s[:window+len(part)], part) {
			return true
		}
		s = s[window:]
	}
	charge(r, 1+int64(len(s))>>4)
	return strings.Contains(s, part)
}

var searchers = map[string]searcher{"contains": searchText, "startsWith": startsWith, "endsWith": endsWith}

// find is x contains y, x startsWith y, x endsWith y: two texts.
func (k *compiler) find(n *ast.BinaryNode) *code {
	x, y := k.compile(n.Left), k.compile(n.Right)
	if x.types == list && n.Operator == "contains" {
		return k.report(n, "contains looks into a text: want VALUE in LIST")
	}
	k.wantKinds(n, x, text, n.Operator+" on its left")
	k.wantKinds(n, y, text, n.Operator+" on its right")
	k.checkSearch(n.Right, x, y, n.Operator)
	return k.fold(n, searching(x, y, n.Operator, k.pos(n)), x, y)
}

func searching(x, y *code, op, pos string) *code {
	search := searchers[op]
	c := &code{null: x.null || y.null, taint: derivedTaint(x, y)}
	c.addUncertainty(x, y)
	if y.constant && y.value.Kind() == runtime.String {
		c.setSearchTest(x, y.value.Text(), op, op, pos)
	}
	left, right := x.operand(), y.operand()
	return completeNullable(c, func(r *runtime.Run) nullBool {
		a, b := left.read(r), right.read(r)
		if a.IsNull() || b.IsNull() {
			return isNull
		}
		if a.Kind() != runtime.String || b.Kind() != runtime.String {
			fail(pos, "%s wants two texts, got %s and %s", op, a.Kind(), b.Kind())
		}
		return nullBoolOf(search(r, a.Text(), b.Text()))
	})
}

// matches is x matches "pattern". The pattern is constant: one from a payload could take unlimited
// time.
func (k *compiler) matches(n *ast.BinaryNode) *code {
	x, y := k.compile(n.Left), k.compile(n.Right)
	k.wantKinds(n.Left, x, text, "matches on its left")
	if !y.constant || y.value.Kind() != runtime.String {
		return k.report(n.Right, "matches wants its pattern written out as a text")
	}
	p, err := compilePattern(y.value.Text())
	if err != nil {
		return k.report(n.Right, "the pattern: %s", err)
	}
	k.checkPattern(n.Right, x, y.value.Text(), p.re)
	pos := k.pos(n)
	c := &code{null: x.null, patternSize: p.size, taint: derivedTaint(x)}
	c.addUncertainty(x)
	o, test := x.operand(), p.test(pos)
	c.setTest(x, test)
	completeNullable(c, func(r *runtime.Run) nullBool {
		v := o.read(r)
		if v.IsNull() {
			return isNull
		}
		return nullBoolOf(test(r, v))
	})
	return k.fold(n, c, x, y)
}
