package expr

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"strings"
)

// A hash that cannot be read. No message has a part of it.
var (
	errNoHash = errors.New("want a hash of bcrypt, argon2i or argon2id, scrypt, PBKDF2 or one such as {SSHA}…")
	errHash   = errors.New("a hash that is not written as its prefix says")
)

// What the parts of a hash may be. A short one would be right for too many passwords.
const (
	leastDigest = 16
	mostDigest  = 128
	mostSalt    = 512
)

// readHash reads a hash by its own prefix: the forms of modular crypt and PHC strings, passlib, Django, Werkzeug and
// directories (RFC 2307). Nothing is computed.
func readHash(s string) (stored, error) {
	if len(s) > maxHash {
		return stored{}, errHash
	}
	switch {
	case strings.HasPrefix(s, "{"):
		return directory(s)
	case strings.HasPrefix(s, "$"):
		return modular(s)
	}
	return framework(s)
}

// modular reads $name$….
func modular(s string) (stored, error) {
	parts := strings.Split(s, "$")
	if len(parts) < 2 || parts[0] != "" {
		return stored{}, errHash
	}
	parts = parts[1:]
	switch name := parts[0]; name {
	case "2a", "2b", "2y":
		return readBcrypt(s, parts)
	case "bcrypt-sha256":
		return bcryptSHA256(parts)
	case "argon2i", "argon2id":
		return readArgon(parts)
	case "scrypt":
		return phcScrypt(parts)
	case "pbkdf2", "pbkdf2-sha1", "pbkdf2-sha256", "pbkdf2-sha512":
		return readPBKDF(name, parts[1:])
	}
	return stored{}, errNoHash
}

// framework reads what Django (name$…) and Werkzeug (name:…$salt$digest) write.
func framework(s string) (stored, error) {
	name, rest, ok := strings.Cut(s, "$")
	if !ok {
		return stored{}, errNoHash
	}
	parts := strings.Split(rest, "$")
	head, numbers, colon := strings.Cut(name, ":")
	switch {
	case colon && head == "pbkdf2":
		return werkzeugPBKDF(numbers, parts)
	case colon && head == "scrypt":
		return werkzeugScrypt(numbers, parts)
	case name == "pbkdf2_sha256" || name == "pbkdf2_sha1":
		return djangoPBKDF(strings.TrimPrefix(name, "pbkdf2_"), parts)
	case name == "scrypt":
		return djangoScrypt(parts)
	case name == "argon2":
		return modular("$" + rest)
	case name == "bcrypt":
		return modular(rest)
	case name == "bcrypt_sha256":
		h, err := modular(rest)
		if err != nil || !strings.HasPrefix(rest, "$2") {
			return stored{}, errHash
		}
		return h.first(hexSHA256), nil
	}
	return stored{}, errNoHash
}

const bcryptText = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// readBcrypt reads $2b$12$ and 22 characters of salt with 31 of digest.
func readBcrypt(s string, parts []string) (stored, error) {
	if len(parts) != 3 || len(parts[1]) != 2 || len(parts[2]) != 53 || strings.Trim(parts[2], bcryptText) != "" {
		return stored{}, errHash
	}
	cost, ok := natural(parts[1], 31)
	if !ok || cost < 4 {
		return stored{}, errHash
	}
	return bcrypted([]byte(s), cost), nil
}

// bcryptSHA256 is passlib's: bcrypt of an HMAC under the salt, $bcrypt-sha256$v=2,t=2b,r=12$salt$digest.
func bcryptSHA256(parts []string) (stored, error) {
	if len(parts) != 4 || len(parts[2]) != 22 || len(parts[3]) != 31 {
		return stored{}, errHash
	}
	p := params(parts[1])
	cost, ok := natural(p["r"], 31)
	if !ok || cost < 4 || p["v"] != "2" || p["t"] != "2b" || len(p) != 3 {
		return stored{}, errHash
	}
	round := strconv.Itoa(100 + cost)[1:]
	h, err := modular("$2b$" + round + "$" + parts[2] + parts[3])
	salt := []byte(parts[2])
	return h.first(func(plain []byte) []byte {
		m := hmac.New(sha256.New, salt)
		m.Write(plain)
		return base64.StdEncoding.AppendEncode(nil, m.Sum(nil))
	}), err
}

// params reads a=1,b=2; nil when it is anything else.
func params(s string) map[string]string {
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

// readArgon reads argon2id$v=19$m=65536,t=3,p=4$salt$digest.
func readArgon(parts []string) (stored, error) {
	if len(parts) != 5 || parts[1] != "v=19" {
		return stored{}, errHash
	}
	p := params(parts[2])
	kib, okM := natural(p["m"], math.MaxInt32)
	passes, okT := natural(p["t"], math.MaxInt32)
	lanes, okP := natural(p["p"], math.MaxUint8)
	salt, want, ok := saltAndDigest(parts[3], parts[4], base64.RawStdEncoding)
	if !okM || !okT || !okP || !ok || len(p) != 3 || kib < 8*lanes {
		return stored{}, errHash
	}
	return argoned(parts[0], uint32(kib), uint32(passes), uint8(lanes), salt, want), nil
}

// phcScrypt reads scrypt$ln=16,r=8,p=1$salt$digest.
func phcScrypt(parts []string) (stored, error) {
	if len(parts) != 4 {
		return stored{}, errHash
	}
	p := params(parts[1])
	log, okN := natural(p["ln"], 30)
	salt, want, ok := saltAndDigest(parts[2], parts[3], base64.RawStdEncoding)
	if !okN || !ok || len(p) != 3 {
		return stored{}, errHash
	}
	return readScrypt(1<<log, p["r"], p["p"], salt, want)
}

// readScrypt checks what scrypt demands of its parameters (RFC 7914 section 2).
func readScrypt(n int, blockSize, parallel string, salt, want []byte) (stored, error) {
	r, okR := natural(blockSize, 1<<20)
	p, okP := natural(parallel, 1<<20)
	if !okR || !okP || n < 2 || n&(n-1) != 0 || r*p >= 1<<30 {
		return stored{}, errHash
	}
	return scrypted(n, r, p, salt, want), nil
}

func djangoScrypt(parts []string) (stored, error) { // salt$N$r$p$digest
	if len(parts) != 5 {
		return stored{}, errHash
	}
	n, okN := natural(parts[1], 1<<30)
	want, err := base64.StdEncoding.Strict().DecodeString(parts[4])
	if !okN || err != nil || !fair([]byte(parts[0]), want) {
		return stored{}, errHash
	}
	return readScrypt(n, parts[2], parts[3], []byte(parts[0]), want)
}

func werkzeugScrypt(numbers string, parts []string) (stored, error) { // N:r:p, salt$digest
	p := strings.Split(numbers, ":")
	if len(parts) != 2 || len(p) != 3 {
		return stored{}, errHash
	}
	n, okN := natural(p[0], 1<<30)
	want, err := hex.DecodeString(parts[1])
	if !okN || err != nil || !fair([]byte(parts[0]), want) {
		return stored{}, errHash
	}
	return readScrypt(n, p[1], p[2], []byte(parts[0]), want)
}

// readPBKDF reads rounds$salt$digest, as passlib has it, or i=rounds,l=length before them, as PHC strings have it.
func readPBKDF(name string, parts []string) (stored, error) {
	if len(parts) != 3 {
		return stored{}, errHash
	}
	kind, alphabet := strings.TrimPrefix(name, "pbkdf2-"), adapted
	if kind == "pbkdf2" {
		kind = "sha1"
	}
	rounds := parts[0]
	if strings.Contains(rounds, "=") {
		p := params(rounds)
		rounds, alphabet = p["i"], base64.RawStdEncoding
	}
	salt, want, ok := saltAndDigest(parts[1], parts[2], alphabet)
	return readRounds(kind, rounds, salt, want, ok)
}

// adapted is passlib's base64: a . where others have a +.
var adapted = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./").WithPadding(base64.NoPadding)

func readRounds(kind, rounds string, salt, want []byte, ok bool) (stored, error) {
	n, okN := natural(rounds, math.MaxInt32)
	h, known := hashes[kind]
	if !ok || !okN || !known {
		return stored{}, errHash
	}
	return pbkdf(h, n, salt, want), nil
}

func djangoPBKDF(kind string, parts []string) (stored, error) { // rounds$salt$digest
	if len(parts) != 3 {
		return stored{}, errHash
	}
	want, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	salt := []byte(parts[1])
	return readRounds(kind, parts[0], salt, want, err == nil && fair(salt, want))
}

func werkzeugPBKDF(numbers string, parts []string) (stored, error) { // sha256:rounds, salt$digest
	kind, rounds, ok := strings.Cut(numbers, ":")
	if !ok || len(parts) != 2 {
		return stored{}, errHash
	}
	want, err := hex.DecodeString(parts[1])
	salt := []byte(parts[0])
	return readRounds(kind, rounds, salt, want, err == nil && fair(salt, want))
}

// schemes are the words in braces that directories use, and the hash each stands for; those with an S are salted.
var schemes = map[string]string{
	"SHA": "sha1", "SSHA": "sha1", "SHA256": "sha256", "SSHA256": "sha256", "SHA384": "sha384", "SSHA384": "sha384",
	"SHA512": "sha512", "SSHA512": "sha512", "MD5": "md5", "SMD5": "md5",
}

// directory reads {SCHEME}….
func directory(s string) (stored, error) {
	scheme, rest, ok := strings.Cut(s[1:], "}")
	scheme = strings.ToUpper(scheme)
	switch {
	case !ok:
		return stored{}, errNoHash
	case scheme == "CRYPT" || scheme == "BCRYPT" || scheme == "ARGON2":
		return modular(rest)
	case scheme == "PBKDF2" || strings.HasPrefix(scheme, "PBKDF2-"):
		return readPBKDF(strings.ToLower(scheme), strings.Split(rest, "$"))
	case schemes[scheme] == "":
		return stored{}, errNoHash
	}
	h := hashes[schemes[scheme]]
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(rest, "="))
	if err != nil || len(b) < h.size || len(b) > h.size+mostSalt {
		return stored{}, errHash
	}
	if salty := scheme == "SMD5" || strings.HasPrefix(scheme, "SS"); salty != (len(b) > h.size) {
		return stored{}, errHash
	}
	return salted(h, b[h.size:], b[:h.size]), nil
}

// natural reads a whole number of decimal digits from 1 to most.
func natural(s string, most int) (int, bool) {
	if s == "" || len(s) > 10 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1 && n <= most
}

func saltAndDigest(salt, digest string, alphabet *base64.Encoding) (s, d []byte, ok bool) {
	s, errS := alphabet.Strict().DecodeString(salt)
	d, errD := alphabet.Strict().DecodeString(digest)
	return s, d, errS == nil && errD == nil && fair(s, d)
}

// fair reports whether salt and digest are of a length that means something.
func fair(salt, digest []byte) bool {
	return len(salt) <= mostSalt && len(digest) >= leastDigest && len(digest) <= mostDigest
}
