package document

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
	secretKey       = regexp.MustCompile(`(?i)(?:secrets?|passwords?|\bauth|\bbasic|\bauthorization|\bapi-?key)["']?\s*:(?:\s+|$)`)
	SecretReference = regexp.MustCompile(`^(["']?\$\{(?:env|file)\.[^{}]*\}["']?)(?:[\s,}\]]|$)`)
	keyLine         = regexp.MustCompile(`^ *(?:- +)*[{[ ]*["']?[\w.-]+["']?\s*:(?:\s|$)`)
	anyKey          = regexp.MustCompile(`^(["']?([A-Za-z_-]{1,20})["']?\s*:)(?:\s|$)`)
	headerName      = regexp.MustCompile(`^(["']?header["']?\s*:\s*(?:"[A-Za-z0-9-]{1,64}"|'[A-Za-z0-9-]{1,64}'|[A-Za-z0-9-]{1,64}))(?:[\s,}\]]|$)`)
	label           = regexp.MustCompile(`^(["']?name["']?\s*:\s*(?:"` + labelForm + `"|'` + labelForm + `'|` + labelForm + `))(?:[\s,}\]]|$)`)
	noAuth          = regexp.MustCompile(`^(none)(?:[\s,}\]]|$)`)
	oauthKey        = regexp.MustCompile(`^ *(?:- +)*["']?oauth["']?\s*:\s*$`)
	oauthMap        = regexp.MustCompile(`^["']?oauth["']?\s*:\s*\{`)
	openValue       = regexp.MustCompile(`^(["']?(?:issuer|audience|client|scope|algorithms)["']?\s*:\s+(?:"` + openForm + `"|'` + openForm + `'|` + openForm + `|\[` + algorithm + `(?:, *` + algorithm + `)*\]))(?:\s*[,}\]]|\s*$)`)
	openText        = regexp.MustCompile(`^` + openForm + `$`)
	openItem        = regexp.MustCompile(`^` + algorithm + `$`)
)

// SecretLabel matches the name that a policy gives a secret. Metrics and the status show it, so it is not hidden.
var SecretLabel = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$`)

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
func (s *Source) conceal() {
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
func (s *Source) concealFrom(n, from int, ends, oauth bool) {
	s.secret[n] = true
	line := s.LineText(n)
	if at := from + harmless(line[from:], ends, oauth); at < len(line) {
		s.hideFrom(n, Columns(line[:at])+1)
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
	for _, fine := range []*regexp.Regexp{headerName, label, SecretReference, noAuth} {
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
func (s *Source) secretAt(n int) int {
	column, ok := s.hidden[n]
	if !ok {
		return -1
	}
	line := s.LineText(n)
	return len(string([]rune(line)[:min(column-1, Columns(line))]))
}

// shown is line n as problems quote it.
func (s *Source) shown(n int) string {
	line := s.LineText(n)
	if at := s.secretAt(n); at >= 0 {
		return line[:at] + "[hidden]"
	}
	return line
}

// Hide keeps every text of n out of problems, but for names of environment variables and files.
func (n *Node) Hide() {
	if n.Kind == Text && !SecretReference.MatchString(n.Text) || n.Kind == Number {
		n.Source.hideFrom(n.Line, n.Column)
		deep := indentation([]rune(n.Source.LineText(n.Line)))
		for i := n.Line + 1; i <= len(n.Source.lines); i++ { // a text may go on in lines that are further in
			line := []rune(n.Source.LineText(i))
			if in := indentation(line); in < len(line) && in <= deep {
				break
			}
			n.Source.hideFrom(i, 1)
		}
	}
	for _, item := range n.Items {
		item.Hide()
	}
	for _, m := range n.Members {
		switch {
		case m.Key == "header", m.Key == "name" && SecretLabel.MatchString(m.Value.Text):
		case m.Key == "oauth" && m.Value.Kind == Map:
			m.Value.hideOAuth()
		default:
			m.Value.Hide()
		}
	}
}

// hideOAuth keeps out of problems what an oauth has that is not known to be no secret.
func (n *Node) hideOAuth() {
	for _, m := range n.Members {
		if !slices.Contains(openKeys, m.Key) || !m.Value.open() {
			m.Value.Hide()
		}
	}
}

// open reports whether n is written as what is no secret is.
func (n *Node) open() bool {
	if n.Kind != List {
		return n.Kind == Text && openText.MatchString(n.Text)
	}
	return !slices.ContainsFunc(n.Items, func(i *Node) bool { return i.Kind != Text || !openItem.MatchString(i.Text) })
}

func (s *Source) hideFrom(line, column int) {
	s.secret[line] = true
	if at, ok := s.hidden[line]; !ok || column < at {
		s.hidden[line] = column
	}
}

// hidden reports whether nothing of n may be quoted: it may be a secret.
func (n *Node) hidden() bool {
	column, ok := n.Source.hidden[n.Line]
	return ok && n.Column >= column
}

// DescribeKey names a key, unless it may be a secret that came to stand in the place of one.
func (n *Node) DescribeKey(what string) string {
	if n.hidden() && !expected(n.Text) {
		return what
	}
	return what + " " + strconv.Quote(n.Text)
}

// without takes the node's text out of a message about it, where an alias has brought it to a place that quotes.
func (n *Node) without(message string) string {
	if !n.hidden() || n.Text == "" || expected(n.Text) {
		return message
	}
	message = strings.ReplaceAll(message, strconv.Quote(n.Text), "[hidden]")
	return strings.ReplaceAll(message, `"`+n.Text+`"`, "[hidden]")
}
