package document

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Problems are printed, logged and shown by the admin listener, so they never quote a possible
// secret. Secrets are located by keys and indentation, because a file may have problems before or
// without being valid YAML. Below such a key, a problem shows only brackets, the expected keys, the
// name of a header, the names of environment variables and files, and the public values of an oauth
// entry in their usual form.
var (
	secretKey = regexp.MustCompile(`(?i)(?:secrets?|passwords?|\bauth|\bbasic|\bauthorization|\bapi-?key)["']?\s*:(?:\s+|$)`)
	// SecretReference matches a value that is only ${env.NAME} or ${file.path}.
	SecretReference = regexp.MustCompile(`^(["']?\$\{(?:env|file)\.[^{}]*\}["']?)(?:[\s,}\]]|$)`)
	keyLine         = regexp.MustCompile(`^ *(?:- +)*[{[ ]*["']?[\w.-]+["']?\s*:(?:\s|$)`)
	anyKey          = regexp.MustCompile(`^(["']?([A-Za-z_-]{1,20})["']?\s*:)(?:\s|$)`)
	headerName      = regexp.MustCompile(`^(["']?header["']?\s*:\s*(?:"[A-Za-z0-9-]{1,64}"|'[A-Za-z0-9-]{1,64}'|[A-Za-z0-9-]{1,64}))(?:[\s,}\]]|$)`)
	nameLabel       = regexp.MustCompile(`^(["']?name["']?\s*:\s*(?:"` + labelForm + `"|'` + labelForm + `'|` + labelForm + `))(?:[\s,}\]]|$)`)
	noAuth          = regexp.MustCompile(`^(none)(?:[\s,}\]]|$)`)
	oauthKey        = regexp.MustCompile(`^ *(?:- +)*["']?oauth["']?\s*:\s*$`)
	oauthMap        = regexp.MustCompile(`^["']?oauth["']?\s*:\s*\{`)
	publicValue     = regexp.MustCompile(`^(["']?(?:issuer|audience|client|scope|algorithms)["']?\s*:\s+(?:"` + publicForm + `"|'` + publicForm + `'|` + publicForm + `|\[` + algorithm + `(?:, *` + algorithm + `)*\]))(?:\s*[,}\]]|\s*$)`)
	publicText      = regexp.MustCompile(`^` + publicForm + `$`)
	publicItem      = regexp.MustCompile(`^` + algorithm + `$`)
)

// SecretLabel matches the name that a policy gives a secret. Metrics and the status show it, so it
// is not hidden.
var SecretLabel = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$`)

// publicForm matches an address without user and query, or a word; algorithm matches names such as
// RS256.
const (
	publicForm = `(?:[a-z]+://[\w.-]+(?::\d+)?(?:/[\w./-]*)?|[\w./-]+)`
	algorithm  = `[A-Z]{2}\d{3}`
	labelForm  = `[A-Za-z0-9_.-]{1,32}` // the name of a secret, which metrics and the status show, too
)

// publicKeys lists the keys of an oauth entry whose values are not secret.
var publicKeys = []string{"issuer", "audience", "client", "scope", "algorithms"}

// authKeys lists the keys of an auth entry.
var authKeys = []string{"auth", "authorization", "header", "secret", "name", "value", "basic", "user", "password",
	"oauth", "issuer", "audience", "client", "scope", "keys", "algorithms"}

// markSecrets marks the lines that may hold a secret.
func (s *Source) markSecrets() {
	deep := -1  // the indentation of the key whose value the line is part of
	oauth := -1 // the indentation of an oauth key within it
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
			s.markFrom(n, 0, false, oauth >= 0)
			if oauthKey.MatchString(line) {
				oauth = keyColumn(line)
			}
		case at != nil:
			deep = keyColumn(line)
			for _, at := range secretKey.FindAllStringIndex(line, -1) {
				s.markFrom(n, at[1], strings.ContainsAny(line[:at[0]], "{["), false)
			}
		}
	}
}

// keyColumn returns the byte offset of the key of a line, after the dashes of lists.
func keyColumn(line string) int { return len(line) - len(strings.TrimLeft(line, " -")) }

// markFrom marks the possible secret in line n from a byte offset on. inFlow: the value is inside
// brackets and may end before the line does. oauth: the line belongs to an oauth entry.
func (s *Source) markFrom(n, from int, inFlow, oauth bool) {
	s.secretLines[n] = true
	line := s.LineText(n)
	if at := from + safeLength(line[from:], inFlow, oauth); at < len(line) {
		s.hide(n, Columns(line[:at])+1)
	}
}

// safeLength returns the number of leading bytes that cannot be a secret: all if the next value is
// another key's.
func safeLength(text string, inFlow, oauth bool) int {
	depth, open := 0, 0 // open: the depth of the braces of an oauth entry; 0 outside
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case '[', '{':
			depth++
			i++
		case ']', '}', ',':
			if inFlow && depth == 0 {
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
			n := safeTokenLength(text[i:], oauth || open > 0)
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

// safeTokenLength returns the length of the leading key, header name, secret name, ${ } reference
// or none; in an oauth entry also of a key with its public value. It returns 0 for anything else.
func safeTokenLength(text string, oauth bool) int {
	if m := publicValue.FindStringSubmatch(text); oauth && m != nil {
		return len(m[1])
	}
	if m := anyKey.FindStringSubmatch(text); m != nil && isAuthKey(m[2]) && !headerName.MatchString(text) && !nameLabel.MatchString(text) {
		return len(m[1])
	}
	for _, fine := range []*regexp.Regexp{headerName, nameLabel, SecretReference, noAuth} {
		if m := fine.FindStringSubmatch(text); m != nil {
			return len(m[1])
		}
	}
	return 0
}

// isAuthKey reports whether a key is one of authKeys or a near miss of one.
func isAuthKey(key string) bool {
	_, ok := hook.Suggest(strings.ToLower(key), authKeys)
	return ok
}

// secretOffset returns the byte offset of the possible secret in line n, or -1.
func (s *Source) secretOffset(n int) int {
	column, ok := s.hiddenFrom[n]
	if !ok {
		return -1
	}
	line := s.LineText(n)
	return len(string([]rune(line)[:min(column-1, Columns(line))]))
}

// quotable returns line n as problems quote it.
func (s *Source) quotable(n int) string {
	line := s.LineText(n)
	if at := s.secretOffset(n); at >= 0 {
		return line[:at] + "[hidden]"
	}
	return line
}

// Hide keeps every text of n out of problems, except names of environment variables and files.
func (n *Node) Hide() {
	if n.Kind == Text && !SecretReference.MatchString(n.Text) || n.Kind == Number {
		n.Source.hide(n.Line, n.Column)
		deep := indentation([]rune(n.Source.LineText(n.Line)))
		for i := n.Line + 1; i <= len(n.Source.lines); i++ { // a text may continue in lines with deeper indentation
			line := []rune(n.Source.LineText(i))
			if in := indentation(line); in < len(line) && in <= deep {
				break
			}
			n.Source.hide(i, 1)
		}
	}
	for _, item := range n.Items {
		item.Hide()
	}
	for _, m := range n.Members {
		switch {
		case m.Key == "header", m.Key == "name" && SecretLabel.MatchString(m.Value.Text):
		case m.Key == "oauth" && m.Value.Kind == Map:
			m.Value.hideOAuthSecrets()
		default:
			m.Value.Hide()
		}
	}
}

// hideOAuthSecrets keeps the values of an oauth entry out of problems, except the public ones.
func (n *Node) hideOAuthSecrets() {
	for _, m := range n.Members {
		if !slices.Contains(publicKeys, m.Key) || !m.Value.hasPublicForm() {
			m.Value.Hide()
		}
	}
}

// hasPublicForm reports whether n is written in the form of a public value.
func (n *Node) hasPublicForm() bool {
	if n.Kind != List {
		return n.Kind == Text && publicText.MatchString(n.Text)
	}
	return !slices.ContainsFunc(n.Items, func(i *Node) bool { return i.Kind != Text || !publicItem.MatchString(i.Text) })
}

// hide keeps a line from a column on out of problems.
func (s *Source) hide(line, column int) {
	s.secretLines[line] = true
	if at, ok := s.hiddenFrom[line]; !ok || column < at {
		s.hiddenFrom[line] = column
	}
}

// isHidden reports whether n may be a secret, so that nothing of it is quoted.
func (n *Node) isHidden() bool {
	column, ok := n.Source.hiddenFrom[n.Line]
	return ok && n.Column >= column
}

// DescribeKey names a key, unless it may be a secret in the place of a key.
func (n *Node) DescribeKey(what string) string {
	if n.isHidden() && !isAuthKey(n.Text) {
		return what
	}
	return what + " " + strconv.Quote(n.Text)
}

// redact removes the text of a hidden node from a message. An alias can bring such a text to a
// place that quotes it.
func (n *Node) redact(message string) string {
	if !n.isHidden() || n.Text == "" || isAuthKey(n.Text) {
		return message
	}
	message = strings.ReplaceAll(message, strconv.Quote(n.Text), "[hidden]")
	return strings.ReplaceAll(message, `"`+n.Text+`"`, "[hidden]")
}
