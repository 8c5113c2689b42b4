package expr

import (
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/runtime"
)

// Limits of a pattern. Go's regexp takes time in proportion to text times program for any pattern.
const (
	maxPattern = 1 << 10 // bytes
	maxProgram = 1_000   // instructions
)

// pattern is a regular expression with the number of its instructions, and texts that every match
// ends with and contains. Most texts are rejected by those at a tenth of the time.
type pattern struct {
	re           *regexp.Regexp
	size         int64
	suffix, part string
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
	p := &pattern{re: re, size: int64(len(prog.Inst))}
	p.suffix, p.part = requiredTexts(tree)
	return p, nil
}

// requiredTexts are a text that every match ends with and one that every match contains; "" without
// one.
func requiredTexts(tree *syntax.Regexp) (end, part string) {
	row := concatenate(tree, nil)
	for i, re := range row {
		s := literalOf(re)
		if len(s) > len(part) {
			part = s
		}
		if s != "" && i == len(row)-2 && row[i+1].Op == syntax.OpEndText {
			end = s
		}
	}
	if part == end {
		part = ""
	}
	return end, part
}

// concatenate are the parts of an expression that follow each other in every match.
func concatenate(re *syntax.Regexp, to []*syntax.Regexp) []*syntax.Regexp {
	if re.Op != syntax.OpConcat && re.Op != syntax.OpCapture {
		return append(to, re)
	}
	for _, sub := range re.Sub {
		to = concatenate(sub, to)
	}
	return to
}

// literalOf is the only text that re matches; "" when there are others.
func literalOf(re *syntax.Regexp) string {
	if re.Op != syntax.OpLiteral || re.Flags&syntax.FoldCase != 0 {
		return ""
	}
	return string(re.Rune)
}

// maxUnmetered is how many steps (bytes of text times instructions) may run without charging the
// Meter.
const maxUnmetered = 16 << 10

func (p *pattern) match(r *runtime.Run, s string) bool {
	if p.suffix != "" && !endsWith(r, s, p.suffix) || p.part != "" && !searchText(r, s, p.part) {
		return false
	}
	steps := (int64(len(s)) + 1) * p.size
	if steps <= maxUnmetered {
		charge(r, 1+steps>>3)
		return p.re.MatchString(s)
	}
	in := meteredReader{r: r, text: s, cost: 1 + p.size>>2}
	found := p.re.MatchReader(&in)
	if in.stopped {
		panic(exhausted{})
	}
	return found
}

// test is x matches "pattern".
func (p *pattern) test(pos string) func(*runtime.Run, runtime.Value) bool {
	return func(r *runtime.Run, v runtime.Value) bool {
		if v.Kind() == runtime.String {
			return p.match(r, v.Text())
		}
		if !v.IsNull() {
			fail(pos, "matches wants a text on its left, got %s", v.Kind())
		}
		r.Scratch.Missed = true
		return false
	}
}

// meteredReader passes a text to regexp a character at a time. It ends the text when the Meter is
// exhausted.
type meteredReader struct {
	r       *runtime.Run
	text    string
	cost    int64
	stopped bool
}

func (m *meteredReader) ReadRune() (rune, int, error) {
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
