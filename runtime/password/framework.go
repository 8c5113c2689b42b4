package password

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// parseFramework reads the hashes of Django (name$…) and Werkzeug (name:parameters$salt$digest).
func parseFramework(s string) (Hash, error) {
	name, rest, ok := strings.Cut(s, "$")
	if !ok {
		return parseBare(s)
	}
	parts := strings.Split(rest, "$")
	head, numbers, colon := strings.Cut(name, ":")
	switch {
	case colon && head == "pbkdf2":
		return parseWerkzeugPBKDF2(numbers, parts)
	case colon && head == "scrypt":
		return parseWerkzeugScrypt(numbers, parts)
	case name == "pbkdf2_sha256" || name == "pbkdf2_sha1":
		return parseDjangoPBKDF2(strings.TrimPrefix(name, "pbkdf2_"), parts)
	case name == "scrypt":
		return parseDjangoScrypt(parts)
	case name == "argon2":
		return parseCrypt("$" + rest)
	case name == "bcrypt":
		return parseCrypt(rest)
	case name == "bcrypt_sha256":
		h, err := parseCrypt(rest)
		if err != nil || !strings.HasPrefix(rest, "$2") {
			return Hash{}, ErrMalformed
		}
		return h.withPrehash(hexSHA256), nil
	}
	return Hash{}, ErrUnknown
}

// parseDjangoScrypt reads N$salt$r$p$digest.
func parseDjangoScrypt(parts []string) (Hash, error) {
	if len(parts) != 5 {
		return Hash{}, ErrMalformed
	}
	n, okN := parseNatural(parts[0], 1<<30)
	want, err := base64.StdEncoding.Strict().DecodeString(parts[4])
	if !okN || err != nil || !validLengths([]byte(parts[1]), want) {
		return Hash{}, ErrMalformed
	}
	return parseScryptNumbers(n, parts[2], parts[3], []byte(parts[1]), want)
}

// parseWerkzeugScrypt reads N:r:p and salt$digest.
func parseWerkzeugScrypt(numbers string, parts []string) (Hash, error) {
	p := strings.Split(numbers, ":")
	if len(parts) != 2 || len(p) != 3 {
		return Hash{}, ErrMalformed
	}
	n, okN := parseNatural(p[0], 1<<30)
	want, err := hex.DecodeString(parts[1])
	if !okN || err != nil || !validLengths([]byte(parts[0]), want) {
		return Hash{}, ErrMalformed
	}
	return parseScryptNumbers(n, p[1], p[2], []byte(parts[0]), want)
}

// parseDjangoPBKDF2 reads rounds$salt$digest.
func parseDjangoPBKDF2(digest string, parts []string) (Hash, error) {
	if len(parts) != 3 {
		return Hash{}, ErrMalformed
	}
	want, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	salt := []byte(parts[1])
	return parseRounds(digest, parts[0], salt, want, err == nil && validLengths(salt, want))
}

// parseWerkzeugPBKDF2 reads sha256:rounds and salt$digest.
func parseWerkzeugPBKDF2(numbers string, parts []string) (Hash, error) {
	digest, rounds, ok := strings.Cut(numbers, ":")
	if !ok || len(parts) != 2 {
		return Hash{}, ErrMalformed
	}
	want, err := hex.DecodeString(parts[1])
	salt := []byte(parts[0])
	return parseRounds(digest, rounds, salt, want, err == nil && validLengths(salt, want))
}
