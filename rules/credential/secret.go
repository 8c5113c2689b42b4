package credential

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"strings"
)

// Secret is a secret of a caller. It holds only a digest, and every way to print it gives
// "[secret]". The zero Secret matches nothing.
type Secret struct {
	digest [sha256.Size]byte
	set    bool
	name   string
	index  int
}

// NewSecret returns the Secret of the whole value of a header, with its scheme.
func NewSecret(value []byte) Secret { return Secret{digest: Digest(value), set: true} }

// Name is the name of the secret in metrics: from the policy, or its number among the secrets of
// its hook.
func (s Secret) Name() string { return s.name }

// Index is the position among the secrets of the hook, from 0, as in rules.Hook.Secrets.
func (s Secret) Index() int { return s.index }

// Digest returns the SHA-256 of the value of a header, which Matches compares. The case of a
// leading scheme, such as Basic, does not count (RFC 9110 section 11.1).
func Digest(value []byte) [sha256.Size]byte {
	i := bytes.IndexByte(value, ' ')
	if i < 0 || !isScheme(value[:i]) {
		return sha256.Sum256(value)
	}
	var stack [256]byte
	b := append(stack[:0], value...)
	for j, c := range b[:i] {
		b[j] = c | 0x20
	}
	return sha256.Sum256(b)
}

// isScheme reports whether a word is an authentication scheme that carries secrets.
func isScheme(word []byte) bool {
	for _, scheme := range []string{"basic", "bearer", "token", "apikey", "ssws"} {
		if len(word) == len(scheme) && strings.EqualFold(string(word), scheme) {
			return true
		}
	}
	return false
}

// Matches compares a digest with that of the secret in constant time.
func (s Secret) Matches(digest [sha256.Size]byte) bool {
	return subtle.ConstantTimeCompare(s.digest[:], digest[:]) == 1 && s.set
}

const redacted = "[secret]"

// String redacts the secret.
func (s Secret) String() string { return redacted }

// GoString hides the secret.
func (s Secret) GoString() string { return redacted }

// Format hides the secret from every verb of package fmt.
func (s Secret) Format(f fmt.State, _ rune) { f.Write([]byte(redacted)) }

// MarshalJSON hides the secret.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue hides the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
