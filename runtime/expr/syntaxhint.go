package expr

import (
	"regexp"
	"slices"
	"strings"
)

// habitHint is a hint for a syntax error at offset that is a habit from another language, and the
// place where it begins. The message is "" when none is known.
func habitHint(src string, offset int) (begin int, message string) {
	if offset >= len(src) {
		return offset, ""
	}
	word := src[offset:lexemeEnd(src, offset)]
	rest := strings.TrimSpace(src[offset+len(word):])
	switch {
	case word == "=" && !strings.HasPrefix(src[offset:], "=="):
		return equalsHint(src, offset)
	case word == ">" && strings.HasSuffix(src[:offset], "<"):
		return offset - 1, "<> is not an operator: write !="
	case slices.Contains(wordOperators, word) && strings.HasPrefix(rest, "("):
		return offset, word + " is not a function: write a " + word + " b"
	case word == "&":
		return offset, "write and"
	case word == "AND" || word == "OR":
		return offset, "write " + strings.ToLower(word)
	case word == "is":
		return offset, "write =="
	}
	at, last := previousLexeme(src, offset)
	open, brace := previousLexeme(src, at)
	switch {
	case word == ":" && brace == "{":
		return open, "these braces contain the value for each element: write an object as {{'name': value}}"
	case last == "NOT":
		return at, "write not"
	case last == "not":
		return at, notHint(src, at, word)
	}
	return offset, ""
}

// wordOperators stand between their sides and look like functions.
var wordOperators = []string{"contains", "startsWith", "endsWith", "matches", "in"}

// equalsHint is the hint for an = that is alone, or part of an operator of another language.
func equalsHint(src string, offset int) (begin int, message string) {
	switch {
	case strings.HasSuffix(src[:offset], "=="):
		return offset - 2, "=== is not an operator: write =="
	case strings.HasSuffix(src[:offset], "!="):
		return offset - 2, "!== is not an operator: write !="
	case strings.HasPrefix(src[offset:], "=>"):
		return offset, "=> is not an operator: write >="
	case strings.HasPrefix(src[offset:], "=<"):
		return offset, "=< is not an operator: write <="
	}
	return offset, "= is not an operator: write =="
}

// Names and paths beside a not are quoted in hints; texts never are, because they may be secret.
var (
	nameBefore = regexp.MustCompile(`[\w.#$?]+$`)
	pathAfter  = regexp.MustCompile(`^\w+(?:\.\w+)+`)
)

// notHint is the hint for a not behind a value at offset, without an operator; word follows it.
func notHint(src string, offset int, word string) string {
	left := nameBefore.FindString(strings.TrimSpace(src[:offset]))
	right := pathAfter.FindString(strings.TrimSpace(src[offset+len("not"):]))
	if left != "" && right != "" {
		return "write " + left + " not in " + right
	}
	if word == "null" || word == "nil" {
		return "write != nil"
	}
	return "after a value, not needs in, contains, startsWith, endsWith or matches; for inequality write !="
}

// previousLexeme is the last lexeme that ends before offset, and its place. Blanks and comments do
// not count.
func previousLexeme(src string, offset int) (at int, last string) {
	for i := 0; i < offset; {
		next := lexemeEnd(src, i)
		word := src[i:next]
		if strings.TrimSpace(word) != "" && !strings.HasPrefix(word, "//") && !strings.HasPrefix(word, "/*") {
			at, last = i, word
		}
		i = next
	}
	return at, last
}
