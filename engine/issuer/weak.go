package issuer

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"math/big"
)

// pssHashes has the hash of each PSS algorithm (RFC 7518 section 3.5).
var pssHashes = map[string]crypto.Hash{"PS256": crypto.SHA256, "PS384": crypto.SHA384, "PS512": crypto.SHA512}

// hasSaltOfHash reports whether the salt of a PSS signature is as long as its hash, as RFC 7518
// section 3.5 requires. go-jose accepts any length. It is true for other algorithms.
func (t *token) hasSaltOfHash(k key, signature []byte) bool {
	hash := pssHashes[t.algorithm]
	public, ok := k.public.(*rsa.PublicKey)
	if hash == 0 || !ok {
		return true
	}
	h := hash.New()
	h.Write(t.text[:bytes.LastIndexByte(t.text, '.')])
	return rsa.VerifyPSS(public, hash, h.Sum(nil), signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
}

// rocaPrimes are the primes that the fingerprint of a ROCA key is computed by.
var rocaPrimes = [...]int64{3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
	113, 127, 131, 137, 139, 149, 151, 157, 163, 167}

// isROCA reports whether a modulus was made by the weak generator of Infineon's chips
// (CVE-2017-15361), whose keys can be factored. Their moduli are powers of 65537 modulo each of the
// primes; another modulus has this property with a probability below 2^-27.
func isROCA(n *big.Int) bool {
	var r big.Int
	for _, p := range rocaPrimes {
		rest := r.Mod(n, big.NewInt(p)).Int64()
		if !isPower(rest, 65537%p, p) {
			return false
		}
	}
	return true
}

// isPower reports whether n is a power of base modulo p.
func isPower(n, base, p int64) bool {
	for power := int64(1); ; {
		if power == n {
			return true
		}
		if power = power * base % p; power == 1 {
			return false
		}
	}
}
