package expr

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// Limits of one expression. The parser recurses on parentheses and signs without making nodes, and
// Go cannot recover from an exhausted stack: nesting is limited in the text before it is parsed.
const (
	MaxSource  = 8 << 10 // bytes
	maxNodes   = 4000
	maxNesting = 64  // nested brackets
	maxSigns   = 16  // ! - + not, one after the other
	maxDepth   = 256 // of the tree; a chain of `and` or `or` counts as one
)

// parse parses src into a tree, or reports the problems.
func parse(src string) (node ast.Node, errs Errors) {
	if err := checkLimits(src); err != nil {
		return nil, Errors{err}
	}
	defer func() {
		if p := recover(); p != nil {
			node, errs = nil, Errors{at(src, 0, "the parser cannot read this expression")}
		}
	}()
	// the other settings are for expr's checker
	tree, err := parser.ParseWithConfig(src, &conf.Config{MaxNodes: maxNodes})
	if err != nil {
		return nil, Errors{parseError(src, err)}
	}
	return tree.Node, nil
}

func parseError(src string, err error) *Error {
	var e *file.Error
	if !errors.As(err, &e) {
		return at(src, 0, "cannot read this expression")
	}
	message := e.Message
	if strings.Contains(message, "exceeds maximum allowed nodes") {
		message = fmt.Sprintf("too much in one expression: want at most %d operators, names and values", maxNodes)
	}
	if message == "unexpected end of expression" || message == "unexpected token EOF" {
		message = "the expression ends too soon"
	}
	offset := offsetOf(src, e.From)
	// most often in a pattern
	if message == "invalid char escape" && offset > 0 && src[offset-1] == '\\' {
		_, n := utf8.DecodeRuneInString(src[offset:])
		escape := src[offset-1 : offset+n]
		return at(src, offset-1, "no such escape as "+escape+": want \\"+escape+", or the text in `backquotes`")
	}
	if begin, meant := habitHint(src, offset); meant != "" && strings.HasPrefix(message, "unexpected token") {
		return at(src, begin, meant)
	}
	return at(src, offset, message)
}

// offsetOf converts the parser's count of characters into bytes.
func offsetOf(src string, runes int) int {
	for i := range src {
		if runes == 0 {
			return i
		}
		runes--
	}
	return len(src)
}

// checkLimits rejects a text that is too long, too deep or not UTF-8.
func checkLimits(src string) *Error {
	if len(src) > MaxSource {
		return at(src, MaxSource, fmt.Sprintf("too long: want at most %d bytes in one expression", MaxSource))
	}
	if !utf8.ValidString(src) {
		return at(src, 0, "not UTF-8")
	}
	if strings.TrimSpace(src) == "" {
		return at(src, 0, "want an expression, got nothing")
	}
	depth, signs := 0, 0
	for i := 0; i < len(src); {
		next := lexemeEnd(src, i)
		switch word := src[i:next]; word {
		case "(", "[", "{":
			if depth++; depth > maxNesting {
				return at(src, i, fmt.Sprintf("too deep: want at most %d nested brackets", maxNesting))
			}
			signs = 0
		case ")", "]", "}":
			depth--
			signs = 0
		case "!", "-", "+", "not":
			if signs++; signs > maxSigns {
				return at(src, i, fmt.Sprintf("want at most %d signs in a row", maxSigns))
			}
		default:
			if strings.TrimSpace(word) != "" {
				signs = 0
			}
		}
		i = next
	}
	return nil
}

// lexemeEnd is the end of the lexeme that begins at i: a string with its quotes, a comment, a word,
// or a single character. An unclosed string or comment ends with the text.
func lexemeEnd(src string, i int) int {
	c := src[i]
	switch {
	case c == '"' || c == '\'' || c == '`':
		return quoteEnd(src, i)
	case strings.HasPrefix(src[i:], "//"):
		return endAfter(src, i, "\n")
	case strings.HasPrefix(src[i:], "/*"):
		return endAfter(src, i+2, "*/")
	case isWordByte(c):
		for i < len(src) && isWordByte(src[i]) {
			i++
		}
		return i
	}
	return i + 1
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c-'0' <= 9 || (c|32)-'a' <= 25 || c >= utf8.RuneSelf
}

func endAfter(src string, i int, end string) int {
	if n := strings.Index(src[i:], end); n >= 0 {
		return i + n + len(end)
	}
	return len(src)
}

func quoteEnd(src string, i int) int {
	quote := src[i]
	for i++; i < len(src); i++ {
		switch src[i] {
		case '\\':
			if quote != '`' {
				i++
			}
		case quote:
			return i + 1
		}
	}
	return len(src)
}
