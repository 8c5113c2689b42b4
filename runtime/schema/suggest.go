package schema

import (
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Guess is the candidate that name was probably meant to be: the suggestion of hook.Suggest, or
// else a typing error, or else the candidate with the longest common beginning. It is "" without
// one.
func Guess(name string, candidates []string) string {
	if near, ok := hook.Suggest(name, candidates); ok {
		return near
	}
	best, longest := "", 2
	for _, c := range candidates {
		if isTypo(name, c) {
			return c
		}
		if n := commonPrefix(name, c); n > longest {
			best, longest = c, n
		}
	}
	return best
}

// commonPrefix is how many letters two words begin with alike, whatever their case.
func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n]|0x20 == b[n]|0x20 {
		n++
	}
	return n
}

// separators are left out when words are compared.
var separators = strings.NewReplacer("_", "", "-", "", " ", "")

// isTypo reports whether word is known except for case, separators or one letter.
func isTypo(word, known string) bool {
	return strings.EqualFold(separators.Replace(word), separators.Replace(known)) ||
		len(known) > 4 && hook.Distance(word, known, 2) == 1
}
