package expr

import (
	"regexp"
	"slices"
	"strings"
)

// habitHint says of what the parser stumbled over at offset what should stand there, when it is a habit from another language,
// and where the slip begins. The message is "" when it is no slip that is known.
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
		return offset - 1, "<> compares nothing: write !="
	case slices.Contains(wordOperators, word) && strings.HasPrefix(rest, "("):
		return offset, word + " is no function: write a " + word + " b"
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
		return open, "these braces only hold what is computed for each value: write an object as {{'name': value}}"
	case last == "NOT":
		return at, "write not"
	case last == "not":
		return at, notHint(src, at, word)
	}
	return offset, ""
}

// wordOperators are the operators that stand between their two sides and look like functions.
var wordOperators = []string{"contains", "startsWith", "endsWith", "matches", "in"}

// equalsHint is a = where none can be: alone, or as the end or beginning of a sign of another language.
func equalsHint(src string, offset int) (begin int, message string) {
	switch {
	case strings.HasSuffix(src[:offset], "=="):
		return offset - 2, "=== compares nothing: write =="
	case strings.HasSuffix(src[:offset], "!="):
		return offset - 2, "!== compares nothing: write !="
	case strings.HasPrefix(src[offset:], "=>"):
		return offset, "=> compares nothing: write >="
	case strings.HasPrefix(src[offset:], "=<"):
		return offset, "=< compares nothing: write <="
	}
	return offset, "= compares nothing: write =="
}

// What is quoted beside a not: names and paths, never a text, which may be secret.
var (
	nameBefore = regexp.MustCompile(`[\w.#$?]+$`)
	pathAfter  = regexp.MustCompile(`^\w+(?:\.\w+)+`)
)

// notHint is a not behind a value, at offset, without the operator that it denies; word is what follows it.
func notHint(src string, offset int, word string) string {
	left := nameBefore.FindString(strings.TrimSpace(src[:offset]))
	right := pathAfter.FindString(strings.TrimSpace(src[offset+len("not"):]))
	if left != "" && right != "" {
		return "write " + left + " not in " + right
	}
	if word == "null" || word == "nil" {
		return "write != nil"
	}
	return "behind a value not wants in, contains, startsWith, endsWith or matches; what is unequal is !="
}

// previousLexeme is the last lexeme that ends before offset, and where it begins; neither blanks nor comments count.
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
