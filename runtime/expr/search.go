package expr

import (
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

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

// window is how much text is searched between two questions to the Meter.
const window = 16 << 10

func containsText(r *runtime.Run, s, part string) bool {
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

var searchers = map[string]searcher{"contains": containsText, "startsWith": startsWith, "endsWith": endsWith}

// find is x contains y, x startsWith y, x endsWith y: two texts.
func (k *compiler) find(n *ast.BinaryNode) *code {
	x, y := k.compile(n.Left), k.compile(n.Right)
	if x.types == list && n.Operator == "contains" {
		return k.wrong(n, "contains looks into a text: want VALUE in LIST")
	}
	k.want(n, x, text, n.Operator+" on its left")
	k.want(n, y, text, n.Operator+" on its right")
	k.possiblyFound(n.Right, x, y, n.Operator)
	return k.fold(n, searching(x, y, n.Operator, k.pos(n)), x, y)
}

func searching(x, y *code, op, pos string) *code {
	search := searchers[op]
	c := &code{null: x.null || y.null}
	c.loosen(x, y)
	if y.constant && y.value.Kind() == runtime.String {
		part := y.value.Text()
		c.test = func(r *runtime.Run) bool {
			v := x.read(r)
			if v.Kind() == runtime.String {
				return search(r, v.Text(), part)
			}
			if !v.IsNull() {
				fail(pos, "%s wants a text on its left, got %s", op, v.Kind())
			}
			r.Scratch.Missed = true
			return false
		}
	}
	return decided(c, func(r *runtime.Run) verdict {
		a, b := x.read(r), y.read(r)
		if a.IsNull() || b.IsNull() {
			return isNull
		}
		if a.Kind() != runtime.String || b.Kind() != runtime.String {
			fail(pos, "%s wants two texts, got %s and %s", op, a.Kind(), b.Kind())
		}
		return verdictOf(search(r, a.Text(), b.Text()))
	})
}

// What a pattern may be. Go's regexp takes time in proportion to text times program, whatever the pattern.
const (
	maxPattern = 1 << 10 // bytes
	maxProgram = 1_000   // instructions
)

// matches is x matches "pattern". The pattern is constant: one that a payload could choose is a way to take our time.
func (k *compiler) matches(n *ast.BinaryNode) *code {
	x, y := k.compile(n.Left), k.compile(n.Right)
	k.want(n.Left, x, text, "matches on its left")
	if !y.constant || y.value.Kind() != runtime.String {
		return k.wrong(n.Right, "matches wants its pattern written out as a text")
	}
	p, err := compilePattern(y.value.Text())
	if err != nil {
		return k.wrong(n.Right, "the pattern: %s", err)
	}
	k.possiblyMatched(n.Right, x, y.value.Text(), p.re)
	pos := k.pos(n)
	c := &code{null: x.null}
	c.loosen(x)
	decided(c, func(r *runtime.Run) verdict {
		v := x.read(r)
		if v.IsNull() {
			return isNull
		}
		if v.Kind() != runtime.String {
			fail(pos, "matches wants a text on its left, got %s", v.Kind())
		}
		return verdictOf(p.match(r, v.Text()))
	})
	return k.fold(n, c, x, y)
}

// pattern is a regular expression and the number of its instructions.
type pattern struct {
	re   *regexp.Regexp
	size int64
}

func compilePattern(s string) (*pattern, error) {
	if len(s) > maxPattern {
		return nil, fmt.Errorf("want at most %d bytes", maxPattern)
	}
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	if len(prog.Inst) > maxProgram {
		return nil, fmt.Errorf("too large: want fewer or smaller repetitions")
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, err
	}
	return &pattern{re, int64(len(prog.Inst))}, nil
}

// atOnce is how many steps (bytes of text times instructions) may pass without asking the Meter.
const atOnce = 16 << 10

func (p *pattern) match(r *runtime.Run, s string) bool {
	steps := (int64(len(s)) + 1) * p.size
	if steps <= atOnce {
		charge(r, 1+steps>>3)
		return p.re.MatchString(s)
	}
	in := metered{r: r, text: s, cost: 1 + p.size>>2}
	found := p.re.MatchReader(&in)
	if in.stopped {
		panic(stop{})
	}
	return found
}

// metered hands a text to regexp a character at a time; when the Meter says no, the text ends there.
type metered struct {
	r       *runtime.Run
	text    string
	cost    int64
	stopped bool
}

func (m *metered) ReadRune() (rune, int, error) {
	if m.text == "" {
		return 0, 0, io.EOF
	}
	if !m.r.Meter.Spend(m.cost) {
		m.stopped = true
		return 0, 0, io.EOF
	}
	c, size := utf8.DecodeRuneInString(m.text)
	m.text = m.text[size:]
	return c, size, nil
}
