package issuer

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"testing"
)

// rsaKeys is a key set with one modulus.
func rsaKeys(n *big.Int) []byte {
	return fmt.Appendf(nil, `{"keys":[{"kty":"RSA","kid":"k","n":"%s","e":"AQAB"}]}`, base64.RawURLEncoding.EncodeToString(n.Bytes()))
}

// TestSaltLength: a PSS signature needs a salt as long as its hash (RFC 7518 section 3.5).
func TestSaltLength(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	set, err := parseKeys(rsaKeys(private.N))
	if err != nil {
		t.Fatal(err)
	}
	for salt, want := range map[int]bool{20: false, 31: false, 32: true, 33: false, 64: false, rsa.PSSSaltLengthAuto: false} {
		t.Run(fmt.Sprint(salt), func(t *testing.T) {
			text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"PS256","kid":"k"}`)) + ".e30"
			sum := sha256.Sum256([]byte(text))
			signature, err := rsa.SignPSS(rand.Reader, private, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: salt})
			if err != nil {
				t.Fatal(err)
			}
			token, v := parseCompact([]byte(text + "." + base64.RawURLEncoding.EncodeToString(signature)))
			if v != Accepted {
				t.Fatal(v)
			}
			if got := token.signedBy(set.list[0]); got != want {
				t.Errorf("accepted: %v, want %v", got, want)
			}
		})
	}
}

// TestROCA: a key of the weak generator is not used, and others are.
func TestROCA(t *testing.T) {
	product := big.NewInt(2)
	for _, p := range rocaPrimes {
		product.Mul(product, big.NewInt(p))
	}
	random, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(2047-product.BitLen())))
	if err != nil {
		t.Fatal(err)
	}
	random.SetBit(random, 2048-product.BitLen(), 1)
	weak := new(big.Int).Exp(big.NewInt(65537), big.NewInt(123456789), product)
	weak.Add(weak, random.Mul(random, product))
	if !isROCA(weak) || weak.BitLen() < minModulusBits {
		t.Fatalf("a modulus of %d bits is not found to be weak", weak.BitLen())
	}
	if set, err := parseKeys(rsaKeys(weak)); err == nil {
		t.Errorf("the weak key is used: %v", set)
	}
	for range 3 {
		private, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseKeys(rsaKeys(private.N)); err != nil {
			t.Errorf("a good key is not used: %v", err)
		}
	}
}
