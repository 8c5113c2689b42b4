package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Problems are printed, logged and shown by the admin listener, so they never quote what may be a secret. Where that is
// must be known before the file is YAML, and even if it never becomes any: it is told by keys and indentation. Of the
// lines below such a key only what cannot be a secret is shown: brackets, the keys that belong there, a header's name,
// the names of environment variables and files, and in an oauth what says whose tokens are accepted, if it is written as
// such a thing is.
var (
	secretKey  = regexp.MustCompile(`(?i)(?:secrets?|passwords?|\bauth|\bbasic|\bauthorization|\bapi-?key)["']?\s*:(?:\s+|$)`)
	secretName = regexp.MustCompile(`^(["']?\$\{(?:env|file)\.[^{}]*\}["']?)(?:[\s,}\]]|$)`)
	keyLine    = regexp.MustCompile(`^ *(?:- +)*[{[ ]*["']?[\w.-]+["']?\s*:(?:\s|$)`)
	anyKey     = regexp.MustCompile(`^(["']?([A-Za-z_-]{1,20})["']?\s*:)(?:\s|$)`)
	headerName = regexp.MustCompile(`^(["']?header["']?\s*:\s*(?:"[A-Za-z0-9-]{1,64}"|'[A-Za-z0-9-]{1,64}'|[A-Za-z0-9-]{1,64}))(?:[\s,}\]]|$)`)
	label      = regexp.MustCompile(`^(["']?name["']?\s*:\s*(?:"` + labelForm + `"|'` + labelForm + `'|` + labelForm + `))(?:[\s,}\]]|$)`)
	noAuth     = regexp.MustCompile(`^(none)(?:[\s,}\]]|$)`)
	oauthKey   = regexp.MustCompile(`^ *(?:- +)*["']?oauth["']?\s*:\s*$`)
	oauthMap   = regexp.MustCompile(`^["']?oauth["']?\s*:\s*\{`)
	openValue  = regexp.MustCompile(`^(["']?(?:issuer|audience|client|scope|algorithms)["']?\s*:\s+(?:"` + openForm + `"|'` + openForm + `'|` + openForm + `|\[` + algorithm + `(?:, *` + algorithm + `)*\]))(?:\s*[,}\]]|\s*$)`)
	openText   = regexp.MustCompile(`^` + openForm + `$`)
	openItem   = regexp.MustCompile(`^` + algorithm + `$`)
)

// openForm is an address without a user and without a query, or a word; algorithm is as RS256 is.
const (
	openForm  = `(?:[a-z]+://[\w.-]+(?::\d+)?(?:/[\w./-]*)?|[\w./-]+)`
	algorithm = `[A-Z]{2}\d{3}`
	labelForm = `[A-Za-z0-9_.-]{1,32}` // the name of a secret, which metrics and the status show, too
)

// openKeys are the keys of an oauth whose values are no secrets.
var openKeys = []string{"issuer", "audience", "client", "scope", "algorithms"}

// authKeys are the keys of who may call.
var authKeys = []string{"auth", "authorization", "header", "secret", "name", "value", "basic", "user", "password",
	"oauth", "issuer", "audience", "client", "scope", "keys", "algorithms"}

// conceal finds the lines that may hold a secret.
func (s *source) conceal() {
	deep := -1  // the indentation of the key whose value the line is part of
	oauth := -1 // that of an oauth within it
	for i, line := range s.lines {
		n := i + 1
		at := secretKey.FindStringIndex(line)
		if deep >= 0 && keyLine.MatchString(line) && keyColumn(line) <= deep {
			deep = -1
		}
		if oauth >= 0 && (deep < 0 || keyLine.MatchString(line) && keyColumn(line) <= oauth) {
			oauth = -1
		}
		switch {
		case deep >= 0:
			s.concealFrom(n, 0, false, oauth >= 0)
			if oauthKey.MatchString(line) {
				oauth = keyColumn(line)
			}
		case at != nil:
			deep = keyColumn(line)
			for _, at := range secretKey.FindAllStringIndex(line, -1) {
				s.concealFrom(n, at[1], strings.ContainsAny(line[:at[0]], "{["), false)
			}
		}
	}
}

// keyColumn is where a line's key begins, behind the dashes of lists.
func keyColumn(line string) int { return len(line) - len(strings.TrimLeft(line, " -")) }

// concealFrom conceals what may be a secret in line n, from a byte on. In brackets the value may end before the line does;
// the line may be one of an oauth.
func (s *source) concealFrom(n, from int, ends, oauth bool) {
	s.secret[n] = true
	line := s.line(n)
	if at := from + harmless(line[from:], ends, oauth); at < len(line) {
		s.hideFrom(n, characters(line[:at])+1)
	}
}

// harmless is how much of a line cannot be a secret, in bytes; all of it when what comes next is another key's.
func harmless(text string, ends, oauth bool) int {
	depth, open := 0, 0 // how deep the braces of an oauth are; 0 outside of them
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
			if depth < open {
				open = 0
			}
			i++
		case ' ', '\t', '-', '|', '>':
			i++
		default:
			n := known(text[i:], oauth || open > 0)
			if n == 0 {
				return i
			}
			if open == 0 && oauthMap.MatchString(text[i:]) {
				open = depth + 1
			}
			i += n
		}
	}
	return len(text)
}

// known is how long the key, the header's name, the none or the name in ${ } is that text begins with, or in an oauth the key
// with its value; 0 when it is anything else.
func known(text string, oauth bool) int {
	if m := openValue.FindStringSubmatch(text); oauth && m != nil {
		return len(m[1])
	}
	if m := anyKey.FindStringSubmatch(text); m != nil && expected(m[2]) && !headerName.MatchString(text) && !label.MatchString(text) {
		return len(m[1])
	}
	for _, fine := range []*regexp.Regexp{headerName, label, secretName, noAuth} {
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
		switch {
		case m.key == "header", m.key == "name" && secretLabel.MatchString(m.value.text):
		case m.key == "oauth" && m.value.kind == mapNode:
			m.value.hideOAuth()
		default:
			m.value.hide()
		}
	}
}

// hideOAuth keeps out of problems what an oauth has that is not known to be no secret.
func (n *node) hideOAuth() {
	for _, m := range n.members {
		if !slices.Contains(openKeys, m.key) || !m.value.open() {
			m.value.hide()
		}
	}
}

// open reports whether n is written as what is no secret is.
func (n *node) open() bool {
	if n.kind != listNode {
		return n.kind == textNode && openText.MatchString(n.text)
	}
	return !slices.ContainsFunc(n.items, func(i *node) bool { return i.kind != textNode || !openItem.MatchString(i.text) })
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
