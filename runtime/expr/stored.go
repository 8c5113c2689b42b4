package expr

import (
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"math"
	"math/bits"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

// stored is a password's hash as it was read: what it takes to compute it for another password, and how.
type stored struct {
	price  int64 // fuel
	memory int64 // bytes
	lanes  int   // cores that are busy at once
	check  func(plain []byte) bool
}

// What a unit of each kind's cost takes in fuel, at some 10 ns.
const (
	bcryptUnit = 5000 // of 2^cost
	scryptUnit = 40   // of N·r·p
	argonUnit  = 60   // of a KiB that is passed over
)

// hashing is a hash function of PBKDF2 and of directories, and the fuel for one round of PBKDF2.
type hashing struct {
	new  func() hash.Hash
	size int
	fuel int64
}

var hashes = map[string]hashing{
	"md5":    {md5.New, md5.Size, 30},
	"sha1":   {sha1.New, sha1.Size, 25},
	"sha256": {sha256.New, sha256.Size, 25},
	"sha384": {sha512.New384, sha512.Size384, 80},
	"sha512": {sha512.New, sha512.Size, 80},
}

// times multiplies prices; more than an int64 holds is more than any budget.
func times(all ...int64) int64 {
	product := int64(1)
	for _, n := range all {
		hi, lo := bits.Mul64(uint64(product), uint64(max(0, n)))
		if hi != 0 || lo > math.MaxInt64/4 {
			return math.MaxInt64 / 4
		}
		product = int64(lo)
	}
	return product
}

func bcrypted(text []byte, cost int) stored {
	return stored{price: times(bcryptUnit, 1<<cost), lanes: 1, check: func(plain []byte) bool {
		return bcrypt.CompareHashAndPassword(text, plain) == nil
	}}
}

// first makes a hash of what another has made of the password.
func (s stored) first(make func(plain []byte) []byte) stored {
	check := s.check
	s.check = func(plain []byte) bool { return check(make(plain)) }
	return s
}

func scrypted(n, r, p int, salt, want []byte) stored {
	cost := times(int64(n), int64(r), int64(p))
	memory := times(128, int64(n)+int64(p)+2, int64(r))
	return stored{price: times(scryptUnit, cost), memory: memory, lanes: 1, check: func(plain []byte) bool {
		got, err := scrypt.Key(plain, salt, n, r, p, len(want))
		return err == nil && subtle.ConstantTimeCompare(got, want) == 1
	}}
}

func argoned(kind string, kib, passes uint32, lanes uint8, salt, want []byte) stored {
	derive := argon2.IDKey
	if kind == "argon2i" {
		derive = argon2.Key
	}
	price := times(argonUnit, int64(kib), int64(passes))
	return stored{price: price, memory: times(1024, int64(kib)), lanes: int(lanes), check: func(plain []byte) bool {
		return subtle.ConstantTimeCompare(derive(plain, salt, passes, kib, lanes, uint32(len(want))), want) == 1
	}}
}

func pbkdf(h hashing, rounds int, salt, want []byte) stored {
	blocks := int64(len(want)+h.size-1) / int64(h.size)
	return stored{price: times(h.fuel, int64(rounds), blocks), lanes: 1, check: func(plain []byte) bool {
		got, err := pbkdf2.Key(h.new, string(plain), salt, rounds, len(want))
		return err == nil && subtle.ConstantTimeCompare(got, want) == 1
	}}
}

// salted is one hash of the password and what follows it, as directories keep it.
func salted(h hashing, salt, want []byte) stored {
	return stored{price: 100, lanes: 1, check: func(plain []byte) bool {
		sum := h.new()
		sum.Write(plain)
		sum.Write(salt)
		return subtle.ConstantTimeCompare(sum.Sum(nil), want) == 1
	}}
}

// hexSHA256 is what Django gives bcrypt to work on.
func hexSHA256(plain []byte) []byte {
	sum := sha256.Sum256(plain)
	return hex.AppendEncode(nil, sum[:])
}
