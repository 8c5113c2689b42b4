package password

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"math"
	"strings"

	"github.com/go-crypt/x/crypt"
	"github.com/go-crypt/x/yescrypt"
	"github.com/tenterhook/tenterhook/runtime"
)

// unixAlphabet is the base64 alphabet of crypt(3).
const unixAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Prices in fuel, measured by expr's BenchmarkPassword.
const (
	sha256CryptFuel = 20 // for each round
	sha512CryptFuel = 45
	sha1CryptFuel   = 25
	md5CryptFuel    = 23_000 // all of its 1,000 rounds
	yescryptFuel    = 37     // for each of N·r
	phpassFuel      = 15     // for each round
	drupalFuel      = 25
)

// parseSHACrypt reads $5$ and $6$ of crypt(3): [rounds=N$]salt$digest.
// See https://www.akkadia.org/drepper/SHA-crypt.txt.
func parseSHACrypt(name string, parts []string) (Hash, error) {
	rounds := 5000
	if len(parts) == 3 {
		n, ok := parseNatural(strings.TrimPrefix(parts[0], "rounds="), 999_999_999)
		if !ok || n < 1000 || !strings.HasPrefix(parts[0], "rounds=") {
			return Hash{}, ErrMalformed
		}
		rounds, parts = n, parts[1:]
	}
	fresh, fuel, length := sha256.New, int64(sha256CryptFuel), 43
	if name == "6" {
		fresh, fuel, length = sha512.New, sha512CryptFuel, 86
	}
	if len(parts) != 2 || len(parts[0]) > 16 || !isUnixText(parts[1], length) {
		return Hash{}, ErrMalformed
	}
	salt := []byte(parts[0])
	cost := Cost{Fuel: runtime.Product(fuel, int64(rounds)), PerByte: int64(rounds), Cores: 1}
	return newUnix(cost, parts[1], func(plain []byte) []byte { return crypt.KeySHACrypt(fresh, plain, salt, rounds) }), nil
}

// parseSHA1Crypt reads $sha1$rounds$salt$digest of NetBSD.
func parseSHA1Crypt(parts []string) (Hash, error) {
	if len(parts) != 3 || len(parts[1]) > 64 || !isUnixText(parts[2], 28) {
		return Hash{}, ErrMalformed
	}
	rounds, ok := parseNatural(parts[0], math.MaxInt32)
	if !ok {
		return Hash{}, ErrMalformed
	}
	salt := []byte(parts[1])
	cost := Cost{Fuel: runtime.Product(sha1CryptFuel, int64(rounds)), Cores: 1}
	return newUnix(cost, parts[2], func(plain []byte) []byte { return crypt.KeySHA1Crypt(plain, salt, uint32(rounds)) }), nil
}

// parseMD5Crypt reads $1$salt$digest of crypt(3) and $apr1$salt$digest of Apache.
func parseMD5Crypt(name string, parts []string) (Hash, error) {
	if len(parts) != 2 || len(parts[0]) > 8 || !isUnixText(parts[1], 22) {
		return Hash{}, ErrMalformed
	}
	magic, salt := "$"+name+"$", parts[0]
	cost := Cost{Fuel: md5CryptFuel, PerByte: 1000, Cores: 1}
	return newUnix(cost, parts[1], func(plain []byte) []byte { return md5Crypt(plain, magic, salt) }), nil
}

// md5Crypt computes the digest of FreeBSD's md5crypt. The library has no $apr1$.
func md5Crypt(plain []byte, magic, salt string) []byte {
	sum := md5.Sum([]byte(string(plain) + salt + string(plain)))
	h := md5.New()
	h.Write([]byte(string(plain) + magic + salt))
	for left := len(plain); left > 0; left -= md5.Size {
		h.Write(sum[:min(left, md5.Size)])
	}
	for i := len(plain); i > 0; i >>= 1 {
		if i&1 == 1 {
			h.Write([]byte{0})
		} else {
			h.Write(plain[:1])
		}
	}
	h.Sum(sum[:0])
	for i := range 1000 {
		md5CryptRound(h, i, plain, sum[:], salt)
	}
	order := [16]byte{12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11}
	mixed := make([]byte, md5.Size)
	for i, from := range order {
		mixed[i] = sum[from]
	}
	return encodeUnix(mixed)
}

func md5CryptRound(h hash.Hash, i int, plain, sum []byte, salt string) {
	first, last := sum, plain
	if i&1 == 1 {
		first, last = plain, sum
	}
	h.Reset()
	h.Write(first)
	if i%3 != 0 {
		h.Write([]byte(salt))
	}
	if i%7 != 0 {
		h.Write(plain)
	}
	h.Write(last)
	h.Sum(sum[:0])
}

// parseYescrypt reads $y$jXY$salt$digest, with the parameters that libxcrypt writes.
func parseYescrypt(s string, parts []string) (Hash, error) {
	if len(parts) != 3 || len(parts[0]) != 3 || parts[0][0] != 'j' || !isUnixText(parts[2], 43) {
		return Hash{}, ErrMalformed
	}
	log := strings.IndexByte(unixAlphabet, parts[0][1]) + 1
	r := int64(strings.IndexByte(unixAlphabet, parts[0][2]) + 1)
	salt := yescrypt.Decode64([]byte(parts[1]))
	if log < 10 || log > 18 || r < 1 || r > 32 || len(salt) == 0 || len(salt) > 64 {
		return Hash{}, ErrMalformed
	}
	cost := Cost{
		Fuel:   runtime.Product(yescryptFuel, 1<<log, r),
		Memory: runtime.Product(128, 1<<log+4, r),
		Cores:  1,
	}
	setting := []byte(s[:len(s)-len(parts[2])-1])
	return newUnix(cost, s, func(plain []byte) []byte {
		got, err := yescrypt.Hash(plain, setting)
		if err != nil {
			return nil
		}
		return got
	}), nil
}

// parsePHPass reads what phpass (WordPress before 6.8, phpBB) and Drupal 7 write: a character for the
// logarithm of the rounds, 8 characters of salt, the digest.
func parsePHPass(name string, parts []string) (Hash, error) {
	fresh, fuel, length := md5.New, int64(phpassFuel), 22
	if name == "S" {
		fresh, fuel, length = sha512.New, drupalFuel, 43 // Drupal cuts the digest
	}
	if len(parts) != 1 || len(parts[0]) != 9+length || !isUnixText(parts[0][9:], length) {
		return Hash{}, ErrMalformed
	}
	log := strings.IndexByte(unixAlphabet, parts[0][0])
	if log < 7 || log > 30 {
		return Hash{}, ErrMalformed
	}
	salt := []byte(parts[0][1:9])
	cost := Cost{Fuel: runtime.Product(fuel, 1<<log), PerByte: 1 << log, Cores: 1}
	return newUnix(cost, parts[0][9:], func(plain []byte) []byte {
		h := fresh()
		h.Write(salt)
		h.Write(plain)
		sum := h.Sum(nil)
		for range 1 << log {
			h.Reset()
			h.Write(sum)
			h.Write(plain)
			sum = h.Sum(sum[:0])
		}
		return encodeUnix(sum)[:length]
	}), nil
}

// newUnix compares the encoded digest, or the whole hash, as crypt(3) does.
func newUnix(cost Cost, want string, derive func(plain []byte) []byte) Hash {
	return Hash{cost, func(plain []byte) bool { return equalBytes(derive(plain), []byte(want)) }}
}

// encodeUnix encodes three bytes in four characters, the low bits first.
func encodeUnix(b []byte) []byte { return yescrypt.Encode64(b) }

func isUnixText(s string, length int) bool {
	return len(s) == length && strings.Trim(s, unixAlphabet) == ""
}

// parseWordPress reads $wp$2y$… of WordPress 6.8: bcrypt over an HMAC of the password, which leaves
// no byte of a long password out.
func parseWordPress(s string) (Hash, error) {
	h, err := parseCrypt(s)
	if err != nil || !strings.HasPrefix(s, "$2") {
		return Hash{}, ErrMalformed
	}
	return h.withPrehash(func(plain []byte) []byte {
		m := hmac.New(sha512.New384, []byte("wp-sha384"))
		m.Write(plain)
		return base64.StdEncoding.AppendEncode(nil, m.Sum(nil))
	}), nil
}
