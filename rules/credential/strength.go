package credential

import (
	"fmt"
	"strings"
	"unicode"
)

// A secret below these limits gives a warning. The limits are low: 16 bytes of `secret new` or of
// any password generator pass by far, and invented secrets do not.
const (
	minLength    = 16 // bytes
	minDifferent = 7  // different characters
	minUncommon  = 12 // characters outside well-known words and runs
)

// commonWords lists frequent parts of invented secrets, in lower case.
var commonWords = strings.Fields(`password passwort passw0rd p@ssw0rd secret geheim changeme change-me replaceme example
	sample test testing demo default admin administrator root user login letmein welcome qwerty qwertz asdf okta oktapreview
	tenterhook hook webhook hooks inline event token bearer basic auth authorization apikey api-key api key access
	supersecret topsecret master private shared production staging development prod dev company acme`)

// weakness says why a secret can be guessed, or returns "".
func weakness(value string) string {
	if len(value) < minLength {
		return fmt.Sprintf("the secret has %d bytes: want at least %d", len(value), minLength)
	}
	different := map[rune]bool{}
	for _, c := range value {
		different[c] = true
	}
	switch {
	case len(different) < minDifferent:
		return fmt.Sprintf("the secret has %d different characters, and can be guessed", len(different))
	case isRepetition(value):
		return "the secret is one piece again and again, and can be guessed"
	case len([]rune(withoutCommon(value))) < minUncommon:
		return "the secret is little more than well-known words, years or runs of characters, and can be guessed"
	}
	return ""
}

// isRepetition reports whether a text repeats a shorter one: then it occurs inside its own
// doubling.
func isRepetition(text string) bool {
	return strings.Contains((text + text)[1:2*len(text)-1], text)
}

// withoutCommon removes well-known words and the characters that continue a run, such as the third
// of abc, 321 or aaa. Two neighbouring characters are no run, because chance makes many of them.
func withoutCommon(value string) string {
	rest := strings.ToLower(value)
	for _, word := range commonWords {
		rest = strings.ReplaceAll(rest, word, " ")
	}
	var b strings.Builder
	before, previousStep := rune(-2), rune(-2)
	for _, c := range rest {
		step := c - before
		run := step == previousStep && -1 <= step && step <= 1
		if c != ' ' && !run && !unicode.IsPunct(c) {
			b.WriteRune(c)
		}
		before, previousStep = c, step
	}
	return b.String()
}
