package rules

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Problems are printed, logged and shown by the admin listener, so they never quote what may be a secret. Where that is
// must be known before the file is YAML, and even if it never becomes any: it is told by keys and indentation. Of the
// lines below such a key only what cannot be a secret is shown: brackets, the keys that belong there, a header's name,
// the names of environment variables and files.
var (
	secretKey  = regexp.MustCompile(`(?i)(?:secrets?|passwords?|\bauth|\bbasic|\bauthorization|\bapi-?key)["']?\s*:(?:\s+|$)`)
	secretName = regexp.MustCompile(`^(["']?\$\{(?:env|file)\.[^{}]*\}["']?)(?:[\s,}\]]|$)`)
	keyLine    = regexp.MustCompile(`^ *(?:- +)*[{[ ]*["']?[\w.-]+["']?\s*:(?:\s|$)`)
	anyKey     = regexp.MustCompile(`^(["']?([A-Za-z_-]{1,20})["']?\s*:)(?:\s|$)`)
	headerName = regexp.MustCompile(`^(["']?header["']?\s*:\s*(?:"[A-Za-z0-9-]{1,64}"|'[A-Za-z0-9-]{1,64}'|[A-Za-z0-9-]{1,64}))(?:[\s,}\]]|$)`)
	noAuth     = regexp.MustCompile(`^(none)(?:[\s,}\]]|$)`)
)

// authKeys are the keys of who may call.
var authKeys = []string{"auth", "authorization", "header", "secret", "name", "value", "basic", "user", "password",
	"oauth", "issuer", "audience", "client", "scope", "keys", "algorithms"}

// conceal finds the lines that may hold a secret.
func (s *source) conceal() {
	deep := -1 // the indentation of the key whose value the line is part of
	for i, line := range s.lines {
		n := i + 1
		at := secretKey.FindStringIndex(line)
		if deep >= 0 && keyLine.MatchString(line) && keyColumn(line) <= deep {
			deep = -1
		}
		switch {
		case deep >= 0:
			s.concealFrom(n, 0, false)
		case at != nil:
			deep = keyColumn(line)
			for _, at := range secretKey.FindAllStringIndex(line, -1) {
				s.concealFrom(n, at[1], strings.ContainsAny(line[:at[0]], "{["))
			}
		}
	}
}

// keyColumn is where a line's key begins, behind the dashes of lists.
func keyColumn(line string) int { return len(line) - len(strings.TrimLeft(line, " -")) }

// concealFrom conceals what may be a secret in line n, from a byte on. In brackets the value may end before the line does.
func (s *source) concealFrom(n, from int, ends bool) {
	s.secret[n] = true
	line := s.line(n)
	if at := from + harmless(line[from:], ends); at < len(line) {
		s.hideFrom(n, characters(line[:at])+1)
	}
}

// harmless is how much of a line cannot be a secret, in bytes; all of it when what comes next is another key's.
func harmless(text string, ends bool) int {
	depth := 0
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case '[', '{':
			depth++
			i++
		case ']', '}', ',':
			if ends && depth == 0 {
				return len(text)
			}
			if c != ',' {
				depth--
			}
			i++
		case ' ', '\t', '-', '|', '>':
			i++
		default:
			n := known(text[i:])
			if n == 0 {
				return i
			}
			i += n
		}
	}
	return len(text)
}

// known is how long the key, the header's name, the none or the name in ${ } is that text begins with; 0 when it is
// anything else.
func known(text string) int {
	if m := anyKey.FindStringSubmatch(text); m != nil && expected(m[2]) && !headerName.MatchString(text) {
		return len(m[1])
	}
	for _, fine := range []*regexp.Regexp{headerName, secretName, noAuth} {
		if m := fine.FindStringSubmatch(text); m != nil {
			return len(m[1])
		}
	}
	return 0
}

// expected reports whether a key is one that belongs there, or was meant to be.
func expected(key string) bool {
	_, ok := hook.Suggest(strings.ToLower(key), authKeys)
	return ok
}

// secretAt is where line n begins to say what may be a secret, in bytes; -1 when it does not.
func (s *source) secretAt(n int) int {
	column, ok := s.hidden[n]
	if !ok {
		return -1
	}
	line := s.line(n)
	return len(string([]rune(line)[:min(column-1, characters(line))]))
}

// shown is line n as problems quote it.
func (s *source) shown(n int) string {
	line := s.line(n)
	if at := s.secretAt(n); at >= 0 {
		return line[:at] + "[hidden]"
	}
	return line
}

// hide keeps every text of n out of problems, but for names of environment variables and files.
func (n *node) hide() {
	if n.kind == textNode && !secretName.MatchString(n.text) || n.kind == numberNode {
		n.src.hideFrom(n.line, n.column)
		deep := indentation([]rune(n.src.line(n.line)))
		for i := n.line + 1; i <= len(n.src.lines); i++ { // a text may go on in lines that are further in
			line := []rune(n.src.line(i))
			if in := indentation(line); in < len(line) && in <= deep {
				break
			}
			n.src.hideFrom(i, 1)
		}
	}
	for _, item := range n.items {
		item.hide()
	}
	for _, m := range n.members {
		if m.key != "header" {
			m.value.hide()
		}
	}
}

func (s *source) hideFrom(line, column int) {
	s.secret[line] = true
	if at, ok := s.hidden[line]; !ok || column < at {
		s.hidden[line] = column
	}
}

// hidden reports whether nothing of n may be quoted: it may be a secret.
func (n *node) hidden() bool {
	column, ok := n.src.hidden[n.line]
	return ok && n.column >= column
}

// named names a key, unless it may be a secret that came to stand in the place of one.
func (n *node) named(what string) string {
	if n.hidden() && !expected(n.text) {
		return what
	}
	return what + " " + strconv.Quote(n.text)
}

// without takes the node's text out of a message about it, where an alias has brought it to a place that quotes.
func (n *node) without(message string) string {
	if !n.hidden() || n.text == "" || expected(n.text) {
		return message
	}
	message = strings.ReplaceAll(message, strconv.Quote(n.text), "[hidden]")
	return strings.ReplaceAll(message, `"`+n.text+`"`, "[hidden]")
}
