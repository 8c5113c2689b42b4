package rules

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"strings"
)

// Secret is what a caller must know. It holds a digest only, and prints as "[secret]" however it is printed. The zero
// Secret matches nothing.
type Secret struct {
	digest [sha256.Size]byte
	set    bool
	name   string
	place  int
}

// NewSecret keeps the digest of value, which is the whole value of a header, with its scheme.
func NewSecret(value []byte) Secret { return Secret{digest: Digest(value), set: true} }

// Name is what metrics call the secret: its name in the policy, or the number it has among its hook's.
func (s Secret) Name() string { return s.name }

// Place is which of its hook's secrets it is, from 0: Hook.Secrets has them all.
func (s Secret) Place() int { return s.place }

// Digest is the SHA-256 of a header's value, which Matches compares. The case of a scheme in front,
// such as Basic, does not count (RFC 9110 section 11.1).
func Digest(value []byte) [sha256.Size]byte {
	i := bytes.IndexByte(value, ' ')
	if i < 0 || !isScheme(value[:i]) {
		return sha256.Sum256(value)
	}
	var room [256]byte // of the stack
	b := append(room[:0], value...)
	for j, c := range b[:i] {
		b[j] = c | 0x20
	}
	return sha256.Sum256(b)
}

// isScheme reports whether a word is an authentication scheme that secrets are used with.
func isScheme(word []byte) bool {
	for _, scheme := range []string{"basic", "bearer", "token", "apikey", "ssws"} {
		if len(word) == len(scheme) && strings.EqualFold(string(word), scheme) {
			return true
		}
	}
	return false
}

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
