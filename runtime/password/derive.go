package password

import (
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"hash"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"

	"github.com/tenterhook/tenterhook/runtime"
)

// Prices in fuel, measured by expr's BenchmarkPassword.
const (
	bcryptFuel = 5000 // for each of 2^cost rounds
	scryptFuel = 40   // for each of N·r·p
	argon2Fuel = 60   // for each KiB of each pass
	digestFuel = 100  // for one plain hash
)

// BcryptFuel is the price of bcrypt with that cost parameter.
func BcryptFuel(cost int) int64 { return runtime.Product(bcryptFuel, 1<<cost) }

// digest is a hash function of PBKDF2 and of directories.
type digest struct {
	new  func() hash.Hash
	size int
	fuel int64 // for one round of PBKDF2
}

var digests = map[string]digest{
	"md5":    {md5.New, md5.Size, 30},
	"sha1":   {sha1.New, sha1.Size, 25},
	"sha256": {sha256.New, sha256.Size, 25},
	"sha384": {sha512.New384, sha512.Size384, 80},
	"sha512": {sha512.New, sha512.Size, 80},
}

// maxBcrypt is the number of bytes that bcrypt reads of a password.
const maxBcrypt = 72

// newBcrypt rejects a longer password: the old store checked only a part of it, but Okta would keep
// all of it.
func newBcrypt(text []byte, cost int) Hash {
	return Hash{Cost{Fuel: BcryptFuel(cost), Cores: 1}, func(plain []byte) bool {
		matches := bcrypt.CompareHashAndPassword(text, plain[:min(len(plain), maxBcrypt)]) == nil
		return matches && len(plain) <= maxBcrypt
	}}
}

// equalBytes compares in constant time.
func equalBytes(got, want []byte) bool { return subtle.ConstantTimeCompare(got, want) == 1 }

// withPrehash is h over the output of another hash function instead of the password itself.
func (h Hash) withPrehash(hash func(plain []byte) []byte) Hash {
	matches := h.matches
	h.matches = func(plain []byte) bool { return matches(hash(plain)) }
	return h
}

func newScrypt(n, r, p int, salt, want []byte) Hash {
	cost := Cost{
		Fuel:   runtime.Product(scryptFuel, runtime.Product(int64(n), int64(r), int64(p))),
		Memory: runtime.Product(128, int64(n)+int64(p)+2, int64(r)),
		Cores:  1,
	}
	return Hash{cost, func(plain []byte) bool {
		got, err := scrypt.Key(plain, salt, n, r, p, len(want))
		return err == nil && equalBytes(got, want)
	}}
}

func newArgon2(variant string, kib, passes uint32, lanes uint8, salt, want []byte) Hash {
	derive := argon2.IDKey
	if variant == "argon2i" {
		derive = argon2.Key
	}
	cost := Cost{
		Fuel:   runtime.Product(argon2Fuel, int64(kib), int64(passes)),
		Memory: runtime.Product(1024, int64(kib)),
		Cores:  int(lanes),
	}
	return Hash{cost, func(plain []byte) bool {
		return equalBytes(derive(plain, salt, passes, kib, lanes, uint32(len(want))), want)
	}}
}

func newPBKDF2(d digest, rounds int, salt, want []byte) Hash {
	blocks := int64(len(want)+d.size-1) / int64(d.size)
	return Hash{Cost{Fuel: runtime.Product(d.fuel, int64(rounds), blocks), Cores: 1}, func(plain []byte) bool {
		got, err := pbkdf2.Key(d.new, string(plain), salt, rounds, len(want))
		return err == nil && equalBytes(got, want)
	}}
}

// newDigest is one hash of the password between two parts of a salt.
func newDigest(d digest, before, after, want []byte) Hash {
	return Hash{Cost{Fuel: digestFuel, Cores: 1}, func(plain []byte) bool {
		sum := d.new()
		sum.Write(before)
		sum.Write(plain)
		sum.Write(after)
		return equalBytes(sum.Sum(nil), want)
	}}
}

// hexSHA256 is the digest that Django passes to bcrypt instead of the password.
func hexSHA256(plain []byte) []byte {
	sum := sha256.Sum256(plain)
	return hex.AppendEncode(nil, sum[:])
}
