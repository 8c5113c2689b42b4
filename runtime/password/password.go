// Package password verifies passwords against the hashes that directories and web frameworks store.
//
// A hash is parsed first, without computing anything: its cost is known before a caller
// decides to spend it. The files: password.go (Hash, Parse), crypt.go (modular crypt, PHC strings,
// passlib), unix.go (crypt(3), phpass, WordPress), framework.go (Django, Werkzeug),
// directory.go (RFC 2307), bare.go (ASP.NET Identity, Jasypt), okta.go (Okta's hash object),
// derive.go (the key derivation functions and their prices), workers.go (how many run at once).
package password

import (
	"bytes"
	"errors"
	"strings"
)

// Hash is a stored password hash that was parsed and can be verified.
type Hash struct {
	cost    Cost
	matches func(plain []byte) bool
}

// Cost is the cost of verifying one password against a Hash.
type Cost struct {
	Fuel    int64 // units of some 10 ns
	PerByte int64 // more units for each byte of the password
	Memory  int64 // bytes
	Cores   int   // busy at the same time
}

// Cost is known before anything is computed.
func (h Hash) Cost() Cost { return h.cost }

// Matches computes the hash of plain and compares in constant time. It cannot be interrupted: see
// Workers. A password with a NUL never matches: HMAC, and so PBKDF2 and scrypt, ignore NULs at its
// end, and C programs stop at the first.
func (h Hash) Matches(plain []byte) bool {
	return h.matches(plain) && bytes.IndexByte(plain, 0) < 0
}

// Errors of Parse. No message contains a part of the hash.
var (
	// its prefix is not known
	ErrUnknown = errors.New("want a hash of bcrypt, argon2i or argon2id, scrypt, PBKDF2, crypt(3), WordPress, ASP.NET Identity or Jasypt, or one such as {SSHA}…")
	// a parameter, salt or digest is wrong
	ErrMalformed = errors.New("a hash that is malformed for its prefix")
)

// Limits of a hash. A digest that is too short would match too many passwords.
const (
	MaxLength = 2 << 10 // bytes of the whole hash

	minDigest = 16 // bytes
	maxDigest = 128
	maxSalt   = 512
)

// Parse reads a hash by its own prefix. Nothing is computed.
func Parse(s string) (Hash, error) {
	if len(s) > MaxLength {
		return Hash{}, ErrMalformed
	}
	switch {
	case strings.HasPrefix(s, "{") && strings.HasPrefix(strings.TrimLeft(s[1:], " \t\r\n"), `"`):
		return parseOkta(s)
	case strings.HasPrefix(s, "{"):
		return parseDirectory(s)
	case strings.HasPrefix(s, "$"):
		return parseCrypt(s)
	}
	return parseFramework(s)
}

// validLengths reports whether salt and digest have lengths within the limits.
func validLengths(salt, digest []byte) bool {
	return len(salt) <= maxSalt && len(digest) >= minDigest && len(digest) <= maxDigest
}
