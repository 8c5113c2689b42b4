package credential

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
)

// namedSpec is a secret with a name.
type namedSpec struct {
	name   string
	nameAt *document.Node
	value  *document.Node
}

var namedFields = []document.Field[namedSpec]{
	{Key: "name", Doc: "What metrics and the status call this secret, such as the month it was made in.", Schema: `{"type":"string","pattern":"` + document.SecretLabel.String() + `"}`, Required: true,
		Read: func(_ *document.Decoder, s *namedSpec, n *document.Node) { s.name, s.nameAt = n.Text, n }},
	{Key: "value", Doc: "The secret: ${env.NAME} or ${file./path}.", Schema: document.TextSchema, Required: true,
		Read: func(_ *document.Decoder, s *namedSpec, n *document.Node) { s.value = n }},
}

// placedSecret is the digest of a secret, without a scheme or a user before it, with its place.
type placedSecret struct {
	node   *document.Node
	digest [sha256.Size]byte
}

// secretReader reads secrets and collects problems. A problem quotes only names of variables and
// files.
type secretReader struct {
	environment
	problems document.Problems
	placed   []placedSecret // the secrets with a value
}

// ReadText fills the holes of a text that may refer to the environment; what names it in problems.
// It returns "" if the text cannot be used.
func (l *Reader) ReadText(n *document.Node, what string) string {
	r := secretReader{environment: l.env}
	text, _ := r.text(n, what)
	l.Add(r.problems...)
	return text
}

// secrets reads the value of `secret:`, one secret or a list of alternatives. A hole that check
// leaves unfilled gives the zero Secret.
func (r *secretReader) secrets(n *document.Node) []Secret {
	return r.list(n, func(value string) string { return value })
}

// basic reads {user, password}. The secrets are whole Authorization values, "Basic
// base64(user:password)" (hooks.md section 2), one for each password of a list.
func (r *secretReader) basic(n *document.Node) []Secret {
	if n.Kind != document.Map {
		r.problems = append(r.problems, n.Problem("want {user, password}, got %s", n.Describe()))
		return nil
	}
	for _, m := range n.Members {
		if m.Key != "user" && m.Key != "password" {
			r.report(m.KeyNode, "unknown %s%s", m.KeyNode.DescribeKey("key"), document.Suggest(m.Key, []string{"user", "password"}))
		}
	}
	user, password := n.Get("user"), n.Get("password")
	if user == nil || password == nil {
		r.report(n, "want both user and password")
		return nil
	}
	name, ok := r.text(user, "user")
	if strings.Contains(name, ":") {
		r.report(user, "a user of Basic authentication has no colon (RFC 7617)")
	}
	secrets := r.list(password, func(value string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+value))
	})
	if !ok {
		clear(secrets)
	}
	return secrets
}

func (r *secretReader) report(n *document.Node, format string, args ...any) {
	p := n.Problem(format, args...)
	if n.Kind != document.Text || !document.SecretReference.MatchString(n.Text) {
		p.Source = ""
	}
	r.problems = append(r.problems, p)
}

func (r *secretReader) warn(n *document.Node, format string, args ...any) {
	r.report(n, format, args...)
	r.problems[len(r.problems)-1].Warning = true
}

// list reads one secret or several. header turns each into the value of the header.
func (r *secretReader) list(n *document.Node, header func(string) string) []Secret {
	each := []*document.Node{n}
	if n.Kind == document.List {
		if each = n.Items; len(each) == 0 {
			r.report(n, "want a secret, got an empty list, which rejects every caller")
		}
	}
	secrets := make([]Secret, len(each))
	for i, one := range each {
		name, at := r.splitName(one)
		if value, ok := r.text(at, "secret"); ok {
			r.checkSecret(at, value)
			secrets[i] = NewSecret([]byte(header(value)))
		}
		secrets[i].name = name
	}
	return secrets
}

// splitName returns the name and the value of {name, value}, and any other node as the value alone.
func (r *secretReader) splitName(n *document.Node) (string, *document.Node) {
	if n.Kind != document.Map {
		return "", n
	}
	var d document.Decoder
	var spec namedSpec
	document.Decode(&d, n, "a secret", namedFields, &spec)
	r.problems = append(r.problems, d.Problems...)
	if at := spec.nameAt; at != nil && (at.Kind != document.Text && at.Kind != document.Number || !document.SecretLabel.MatchString(at.Text)) {
		r.report(at, "want a secret's name of up to 64 letters, digits, hyphens, dots and _, such as 2026-10; it is no secret itself")
		spec.name = ""
	}
	if spec.value == nil {
		return spec.name, &document.Node{Source: n.Source, Line: n.Line, Column: n.Column, Kind: document.Broken}
	}
	return spec.name, spec.value
}

// text fills the holes of a text. It returns false if the text cannot be used.
func (r *secretReader) text(n *document.Node, what string) (string, bool) {
	switch n.Kind {
	case document.Broken:
		return "", false
	case document.Text:
	case document.Number, document.Bool:
		r.report(n, "want the %s as text: put it in quotes", what)
		return "", false
	default:
		r.report(n, "want the %s as text, got %s", what, n.Describe())
		return "", false
	}
	f := r.fill(n.Text)
	for _, fault := range f.faults {
		r.report(n, "%s", fault.err)
		r.problems[len(r.problems)-1].Warning = fault.absent && r.check
	}
	if len(f.faults) > 0 {
		return "", false
	}
	if f.text == "" {
		r.report(n, "the %s is empty", what)
		return "", false
	}
	for _, hole := range f.empty { // the rest of the text stands readable in the policy
		r.report(n, "%s is empty, and the %s is not what it seems", hole, what)
	}
	if len(f.empty) > 0 {
		return "", false
	}
	if f.holes == 0 && what == "secret" {
		r.warn(n, "a secret stands in the policy itself: want ${env.NAME} or ${file./path}")
	}
	return f.text, true
}

// checkSecret warns about a secret that is probably a mistake or easy to guess. The warning tells
// only its length.
func (r *secretReader) checkSecret(n *document.Node, value string) {
	switch {
	case strings.TrimSpace(value) != value:
		r.warn(n, "the secret begins or ends with white space, which a header's value never does")
	case strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }):
		r.warn(n, "the secret has a line end or another control character, which a header's value never does")
	}
	core := bareSecret(value)
	r.placed = append(r.placed, placedSecret{n, Digest([]byte(core))})
	if is := weakness(core); is != "" {
		r.warn(n, "%s", is)
	}
}

// bareSecret returns the value of a header without its scheme; for Basic authentication, the
// password.
func bareSecret(value string) string {
	scheme, rest, ok := strings.Cut(value, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case !ok || rest == "" || !authScheme.MatchString(scheme):
		return value
	case strings.EqualFold(scheme, "basic"):
		text, err := base64.StdEncoding.DecodeString(rest)
		if _, password, found := strings.Cut(string(text), ":"); err == nil && found {
			return password
		}
	}
	return rest
}

var authScheme = regexp.MustCompile(`^(?i:basic|bearer|token|apikey|ssws)$`)
