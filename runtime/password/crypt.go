package password

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"strconv"
	"strings"
)

// parseCrypt reads $name$…: modular crypt, PHC strings and passlib's own.
func parseCrypt(s string) (Hash, error) {
	parts := strings.Split(s, "$")
	if len(parts) < 2 || parts[0] != "" {
		return Hash{}, ErrMalformed
	}
	parts = parts[1:]
	switch name := parts[0]; name {
	case "2a", "2b", "2y":
		return parseBcrypt(s, parts)
	case "bcrypt-sha256":
		return parseBcryptSHA256(parts)
	case "argon2i", "argon2id":
		return parseArgon2(parts)
	case "scrypt":
		return parseScrypt(parts)
	case "pbkdf2", "pbkdf2-sha1", "pbkdf2-sha256", "pbkdf2-sha512":
		return parsePBKDF2(name, parts[1:])
	case "1", "apr1":
		return parseMD5Crypt(name, parts[1:])
	case "5", "6":
		return parseSHACrypt(name, parts[1:])
	case "sha1":
		return parseSHA1Crypt(parts[1:])
	case "y":
		return parseYescrypt(s, parts[1:])
	case "P", "H", "S":
		return parsePHPass(name, parts[1:])
	case "wp":
		return parseWordPress(s[len("$wp"):])
	}
	return Hash{}, ErrUnknown
}

const bcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// parseBcrypt reads $2b$12$ and 22 characters of salt with 31 of digest.
func parseBcrypt(s string, parts []string) (Hash, error) {
	if len(parts) != 3 || len(parts[1]) != 2 || len(parts[2]) != 53 || strings.Trim(parts[2], bcryptAlphabet) != "" {
		return Hash{}, ErrMalformed
	}
	cost, ok := parseNatural(parts[1], 31)
	if !ok || cost < 4 {
		return Hash{}, ErrMalformed
	}
	return newBcrypt([]byte(s), cost), nil
}

// parseBcryptSHA256 reads passlib's bcrypt over an HMAC under the salt,
// $bcrypt-sha256$v=2,t=2b,r=12$salt$digest, and over a plain hash in its first version,
// $bcrypt-sha256$2b,12$salt$digest.
func parseBcryptSHA256(parts []string) (Hash, error) {
	if len(parts) != 4 || len(parts[2]) != 22 || len(parts[3]) != 31 {
		return Hash{}, ErrMalformed
	}
	p, first := parseParams(parts[1]), false
	if variant, rounds, ok := strings.Cut(parts[1], ","); ok && (variant == "2a" || variant == "2b") {
		p, first = map[string]string{"v": "2", "t": "2b", "r": rounds}, true
	}
	cost, ok := parseNatural(p["r"], 31)
	if !ok || cost < 4 || p["v"] != "2" || p["t"] != "2b" || len(p) != 3 {
		return Hash{}, ErrMalformed
	}
	h, err := parseCrypt("$2b$" + twoDigits(cost) + "$" + parts[2] + parts[3])
	if err != nil {
		return Hash{}, err
	}
	salt := []byte(parts[2])
	return h.withPrehash(func(plain []byte) []byte {
		m := hmac.New(sha256.New, salt)
		if first {
			m = sha256.New()
		}
		m.Write(plain)
		return base64.StdEncoding.AppendEncode(nil, m.Sum(nil))
	}), nil
}

// twoDigits writes a cost of bcrypt.
func twoDigits(cost int) string { return strconv.Itoa(100 + cost)[1:] }

// parseArgon2 reads argon2id$v=19$m=65536,t=3,p=4$salt$digest.
func parseArgon2(parts []string) (Hash, error) {
	if len(parts) != 5 || parts[1] != "v=19" {
		return Hash{}, ErrMalformed
	}
	p := parseParams(parts[2])
	kib, okM := parseNatural(p["m"], math.MaxInt32)
	passes, okT := parseNatural(p["t"], math.MaxInt32)
	lanes, okP := parseNatural(p["p"], math.MaxUint8)
	salt, want, ok := decodeSaltAndDigest(parts[3], parts[4], base64.RawStdEncoding)
	if !okM || !okT || !okP || !ok || len(p) != 3 || kib < 8*lanes {
		return Hash{}, ErrMalformed
	}
	return newArgon2(parts[0], uint32(kib), uint32(passes), uint8(lanes), salt, want), nil
}

// parseScrypt reads scrypt$ln=16,r=8,p=1$salt$digest.
func parseScrypt(parts []string) (Hash, error) {
	if len(parts) != 4 {
		return Hash{}, ErrMalformed
	}
	p := parseParams(parts[1])
	log, okN := parseNatural(p["ln"], 30)
	salt, want, ok := decodeSaltAndDigest(parts[2], parts[3], base64.RawStdEncoding)
	if !okN || !ok || len(p) != 3 {
		return Hash{}, ErrMalformed
	}
	return parseScryptNumbers(1<<log, p["r"], p["p"], salt, want)
}

// parseScryptNumbers checks the limits of scrypt's parameters (RFC 7914 section 2).
func parseScryptNumbers(n int, blockSize, parallel string, salt, want []byte) (Hash, error) {
	r, okR := parseNatural(blockSize, 1<<20)
	p, okP := parseNatural(parallel, 1<<20)
	if !okR || !okP || n < 2 || n&(n-1) != 0 || r*p >= 1<<30 {
		return Hash{}, ErrMalformed
	}
	return newScrypt(n, r, p, salt, want), nil
}

// parsePBKDF2 reads passlib's rounds$salt$digest and, from PHC strings,
// i=rounds,l=length$salt$digest.
func parsePBKDF2(name string, parts []string) (Hash, error) {
	if len(parts) != 3 {
		return Hash{}, ErrMalformed
	}
	digest, alphabet := strings.TrimPrefix(name, "pbkdf2-"), passlibBase64
	if digest == "pbkdf2" {
		digest = "sha1"
	}
	rounds := parts[0]
	if strings.Contains(rounds, "=") {
		p := parseParams(rounds)
		rounds, alphabet = p["i"], base64.RawStdEncoding
	}
	salt, want, ok := decodeSaltAndDigest(parts[1], parts[2], alphabet)
	return parseRounds(digest, rounds, salt, want, ok)
}

// passlibBase64 has a . in the place of the +.
var passlibBase64 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./").WithPadding(base64.NoPadding)

// parseRounds reads the number of rounds and completes a PBKDF2 hash. ok reports whether salt and
// digest are valid.
func parseRounds(name, rounds string, salt, want []byte, ok bool) (Hash, error) {
	n, okN := parseNatural(rounds, math.MaxInt32)
	d, known := digests[name]
	if !ok || !okN || !known {
		return Hash{}, ErrMalformed
	}
	return newPBKDF2(d, n, salt, want), nil
}

// parseParams reads a=1,b=2. It is nil when s is malformed or names a parameter twice.
func parseParams(s string) map[string]string {
	all := make(map[string]string)
	for one := range strings.SplitSeq(s, ",") {
		name, value, ok := strings.Cut(one, "=")
		if _, twice := all[name]; !ok || twice {
			return nil
		}
		all[name] = value
	}
	return all
}

// parseNatural reads a whole number of decimal digits from 1 to most.
func parseNatural(s string, most int) (int, bool) {
	if s == "" || len(s) > 10 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1 && n <= most
}

func decodeSaltAndDigest(salt, digest string, alphabet *base64.Encoding) (s, d []byte, ok bool) {
	s, errS := alphabet.Strict().DecodeString(salt)
	d, errD := alphabet.Strict().DecodeString(digest)
	return s, d, errS == nil && errD == nil && validLengths(s, d)
}
