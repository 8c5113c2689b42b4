package rules

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
)

// shortSecret is the length in bytes beneath which a secret is warned about.
const shortSecret = 16

// Secret is what a caller must know. It holds a digest only, and prints as "[secret]" however it is printed. The zero
// Secret matches nothing.
type Secret struct {
	digest [sha256.Size]byte
	set    bool
}

// NewSecret keeps the digest of value, which is the whole value of a header.
func NewSecret(value []byte) Secret { return Secret{Digest(value), true} }

// Digest is what Matches compares: the SHA-256 of a header's whole value.
func Digest(value []byte) [sha256.Size]byte { return sha256.Sum256(value) }

// Matches reports whether the digest is the secret's, in a time that does not depend on either.
func (s Secret) Matches(digest [sha256.Size]byte) bool {
	return subtle.ConstantTimeCompare(s.digest[:], digest[:]) == 1 && s.set
}

const hidden = "[secret]"

// String hides the secret.
func (s Secret) String() string { return hidden }

// GoString hides the secret.
func (s Secret) GoString() string { return hidden }

// Format hides the secret from every verb of package fmt.
func (s Secret) Format(f fmt.State, _ rune) { f.Write([]byte(hidden)) }

// MarshalJSON hides the secret.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// secrets reads what stands after `secret:`, one text or a list of texts of which any will do. Where o.check leaves one
// unfilled, the zero Secret stands for it.
func (o outside) secrets(n *node) ([]Secret, Problems) {
	r := secretReader{outside: o}
	return r.list(n, func(value string) string { return value }), r.problems
}

// basic reads {user, password}. The secrets are whole Authorization values, "Basic base64(user:password)" (hooks.md
// section 2), one for each password of a list.
func (o outside) basic(n *node) ([]Secret, Problems) {
	if n.kind != mapNode {
		return nil, Problems{n.problem("want {user, password}, got %s", n.is())}
	}
	r := secretReader{outside: o}
	for _, m := range n.members {
		if m.key != "user" && m.key != "password" {
			r.report(m.at, "unknown %s%s", m.at.named("key"), suggest(m.key, []string{"user", "password"}))
		}
	}
	user, password := n.get("user"), n.get("password")
	if user == nil || password == nil {
		r.report(n, "want both user and password")
		return nil, r.problems
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
	return secrets, r.problems
}

// secretReader gathers problems on the way. None of them quotes more of the file than the name of a variable or a file.
type secretReader struct {
	outside
	problems Problems
}

func (r *secretReader) report(n *node, format string, args ...any) {
	p := n.problem(format, args...)
	if n.kind != textNode || !secretName.MatchString(n.text) {
		p.Source = ""
	}
	r.problems = append(r.problems, p)
}

func (r *secretReader) warn(n *node, format string, args ...any) {
	r.report(n, format, args...)
	r.problems[len(r.problems)-1].Warning = true
}

func (r *secretReader) list(n *node, header func(string) string) []Secret {
	each := []*node{n}
	if n.kind == listNode {
		if each = n.items; len(each) == 0 {
			r.report(n, "want a secret, got an empty list, which lets nobody in")
		}
	}
	secrets := make([]Secret, len(each))
	for i, one := range each {
		if value, ok := r.text(one, "secret"); ok {
			r.judge(one, value)
			secrets[i] = NewSecret([]byte(header(value)))
		}
	}
	return secrets
}

// text fills one text's holes; false when it cannot be used.
func (r *secretReader) text(n *node, what string) (string, bool) {
	switch n.kind {
	case brokenNode:
		return "", false
	case textNode:
	case numberNode, boolNode:
		r.report(n, "want the %s as text: put it in quotes", what)
		return "", false
	default:
		r.report(n, "want the %s as text, got %s", what, n.is())
		return "", false
	}
	f := r.fill(n.text)
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
	for _, hole := range f.empty { // what is left of the text is there for everybody to read
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

// judge warns about a secret that is likely a mistake. Nothing of it is told but its length.
func (r *secretReader) judge(n *node, value string) {
	if strings.TrimSpace(value) != value {
		r.warn(n, "the secret begins or ends with white space, which a header's value never does")
	}
	if len(value) < shortSecret {
		r.warn(n, "the secret has %d bytes: want at least %d", len(value), shortSecret)
	}
}
