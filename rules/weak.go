package rules

import (
	"fmt"
	"strings"
	"unicode"
)

// What a secret must have, or it is warned about. The figures are low: 16 bytes that `secret new` or any password
// generator makes pass by far, and what people make up does not.
const (
	shortSecret = 16 // bytes
	fewLetters  = 7  // different characters
	leastOwn    = 12 // characters that belong to no well-known word and no run
)

// guessed are words that people make secrets of, in lower case.
var guessed = strings.Fields(`password passwort passw0rd p@ssw0rd secret geheim changeme change-me replaceme example
	sample test testing demo default admin administrator root user login letmein welcome qwerty qwertz asdf okta oktapreview
	tenterhook hook webhook hooks inline event token bearer basic auth authorization apikey api-key api key access
	supersecret topsecret master private shared production staging development prod dev company acme`)

// weak is what makes a secret one that can be guessed, empty when nothing does.
func weak(value string) string {
	if len(value) < shortSecret {
		return fmt.Sprintf("the secret has %d bytes: want at least %d", len(value), shortSecret)
	}
	different := map[rune]bool{}
	for _, c := range value {
		different[c] = true
	}
	switch {
	case len(different) < fewLetters:
		return fmt.Sprintf("the secret has %d different characters, and can be guessed", len(different))
	case repeats(value):
		return "the secret is one piece again and again, and can be guessed"
	case len([]rune(own(value))) < leastOwn:
		return "the secret is little more than well-known words, years or runs of characters, and can be guessed"
	}
	return ""
}

// repeats reports whether a text is a shorter one several times over: it is when it lies in itself twice, but for the ends.
func repeats(text string) bool {
	return strings.Contains((text + text)[1:2*len(text)-1], text)
}

// own is what is left of a secret without well-known words, and without characters that go on with a run: the third of abc,
// 321 or aaa. Two characters side by side are no run; chance makes many of them.
func own(value string) string {
	rest := strings.ToLower(value)
	for _, word := range guessed {
		rest = strings.ReplaceAll(rest, word, " ")
	}
	var b strings.Builder
	before, stepped := rune(-2), rune(-2)
	for _, c := range rest {
		step := c - before
		run := step == stepped && -1 <= step && step <= 1
		if c != ' ' && !run && !unicode.IsPunct(c) {
			b.WriteRune(c)
		}
		before, stepped = c, step
	}
	return b.String()
}
