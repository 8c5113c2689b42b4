package expr

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// extent is where n, an operand of and, or or ?:, begins and ends in the text. The parser records
// the place of an operator, for a number that of the next token, and no brackets. The extent is
// widened to whole brackets, then as far as an operand can reach.
func (k *compiler) extent(n ast.Node) (from, to int) {
	if k.tokens == nil {
		k.tokens = tokenize(k.src)
	}
	l := k.tokens
	first, last := len(l), -1
	k.walk(n, func(n ast.Node) {
		switch n.(type) {
		case *ast.IntegerNode, *ast.FloatNode, *ast.ConditionalNode:
			return
		}
		if i := l.at(k.offset(n)); i >= 0 {
			first, last = min(first, i), max(last, i)
		}
	})
	if last < 0 {
		return 0, len(k.src)
	}
	first, last = l.balance(first, last)
	for first > 0 && !l.isSeparator(first-1) && !isOpening(l[first-1].text) {
		first = l.before(first)
	}
	for last+1 < len(l) && !l.isSeparator(last+1) && !isClosing(l[last+1].text) && l[last+1].text != "{" {
		last = l.after(last)
	}
	return l[first].offset, l[last].offset + len(l[last].text)
}

type token struct {
	offset int
	text   string
}

// tokens are the tokens of a text, without comments.
type tokens []token

func tokenize(src string) (all tokens) {
	for i := 0; i < len(src); {
		next := lexemeEnd(src, i)
		if text := src[i:next]; strings.TrimSpace(text) != "" && !strings.HasPrefix(text, "//") && !strings.HasPrefix(text, "/*") {
			all = append(all, token{i, text})
		}
		i = next
	}
	return all
}

// at is the number of the token at offset, -1 behind the last.
func (l tokens) at(offset int) int {
	i, exact := slices.BinarySearchFunc(l, offset, func(s token, offset int) int { return s.offset - offset })
	if !exact && i > 0 && offset < l[i-1].offset+len(l[i-1].text) {
		return i - 1
	}
	if i == len(l) {
		return -1
	}
	return i
}

func isOpening(text string) bool { return text == "(" || text == "[" || text == "{" }
func isClosing(text string) bool { return text == ")" || text == "]" || text == "}" }

// balance widens the tokens from first to last until all brackets among them are closed.
func (l tokens) balance(first, last int) (int, int) {
	depth, least := 0, 0
	for i := first; i <= last; i++ {
		if isOpening(l[i].text) {
			depth++
		} else if isClosing(l[i].text) {
			depth--
			least = min(least, depth)
		}
	}
	for open := depth - least; open > 0 && last+1 < len(l); last++ {
		open += nesting(l[last+1].text)
	}
	for ; least < 0 && first > 0; first-- {
		least += nesting(l[first-1].text)
	}
	return first, last
}

func nesting(text string) int {
	switch {
	case isOpening(text):
		return 1
	case isClosing(text):
		return -1
	}
	return 0
}

// before is the first token of the operand in front of token i: brackets are taken whole.
func (l tokens) before(i int) int {
	i--
	for depth := nesting(l[i].text); depth < 0 && i > 0; depth += nesting(l[i].text) {
		i--
	}
	return i
}

// after is the last token of the operand behind token i.
func (l tokens) after(i int) int {
	i++
	for depth := nesting(l[i].text); depth > 0 && i+1 < len(l); depth += nesting(l[i].text) {
		i++
	}
	return i
}

// isSeparator reports whether token i separates operands: and, or, and operators that bind less.
func (l tokens) isSeparator(i int) bool {
	beside := func(at int, any string) bool { // without a gap
		if at < 0 || at >= len(l) || !strings.Contains(any, l[at].text) {
			return false
		}
		return l[min(i, at)].offset+len(l[min(i, at)].text) == l[max(i, at)].offset
	}
	switch l[i].text {
	case "and", "or", "if", "else":
		return !beside(i-1, ".")
	case "&", "|", ",", ";", ":":
		return true
	case "?":
		return !beside(i+1, "?.") && !beside(i-1, "?")
	case "=":
		return !beside(i+1, "=") && !beside(i-1, "=<>!")
	}
	return false
}
