package issuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-jose/go-jose/v4"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Limits of a key set. Okta publishes two keys at a time.
const (
	maxSet         = 256 << 10 // bytes
	maxKeys        = 64
	minModulusBits = 2048 // bits of an RSA modulus
	maxCandidates  = 4    // tried keys with the same kid
)

// errNoKey is returned for a set without any usable key.
var errNoKey = errors.New("no usable key: want a public RSA key of at least 2048 bits, or one on P-256, P-384 or P-521, for signatures")

// keys is an issuer's key set with a cache of the tokens it verified. It is replaced when the
// issuer's keys change, so that no token outlives its key.
type keys struct {
	list     []key
	verified [256]atomic.Pointer[verifiedToken]
}

// key is one public key.
type key struct {
	id, algorithm string // either may be empty
	kind          string // of the algorithms it supports: "RS", "ES256", ...
	public        any    // *rsa.PublicKey or *ecdsa.PublicKey
}

// parseKeys parses a JSON Web Key Set (RFC 7517 section 5). It skips keys of unknown kinds and keys
// that are not for signatures. A set without any other key is an error.
func parseKeys(text []byte) (*keys, error) {
	var d jsondoc.Doc
	if err := d.Parse(text, jsondoc.Limits{Bytes: maxSet, Depth: 16}); err != nil {
		return nil, fmt.Errorf("want a JSON Web Key Set: %w", err)
	}
	list := d.Root().Get("keys")
	if list.Kind() != jsondoc.Array {
		return nil, errors.New(`want a JSON Web Key Set, {"keys": [...]}`)
	}
	if list.Len() > maxKeys {
		return nil, fmt.Errorf("%d keys: want at most %d", list.Len(), maxKeys)
	}
	k := new(keys)
	for n := range list.Elements() {
		if one, ok := parseKey(n); ok {
			k.list = append(k.list, one)
		}
	}
	if len(k.list) == 0 {
		return nil, errNoKey
	}
	return k, nil
}

// parseKey parses one key. It returns false for a key that is not for signatures, and for a private
// key: published private keys are compromised.
func parseKey(n jsondoc.Node) (k key, ok bool) {
	use, ops := n.Get("use"), n.Get("key_ops")
	if use.Kind() != jsondoc.Missing && use.Text() != "sig" {
		return k, false
	}
	if ops.Kind() != jsondoc.Missing && !slices.ContainsFunc(slices.Collect(ops.Elements()), func(o jsondoc.Node) bool { return o.Text() == "verify" }) {
		return k, false
	}
	var read jose.JSONWebKey
	if read.UnmarshalJSON(n.Raw()) != nil || !read.IsPublic() || len(read.KeyID) > maxKid {
		return k, false
	}
	k = key{id: strings.Clone(read.KeyID), algorithm: strings.Clone(read.Algorithm), public: read.Key}
	switch public := read.Key.(type) {
	case *rsa.PublicKey:
		k.kind = "RS"
		return k, public.N.BitLen() >= minModulusBits && public.E >= 3 && public.E&1 == 1 && !isROCA(public.N)
	case *ecdsa.PublicKey:
		k.kind = curves[public.Curve.Params().Name]
		return k, k.kind != ""
	}
	return k, false
}

// curves maps a curve to its algorithm (RFC 7518 section 3.4).
var curves = map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}

// supports reports whether a key may have signed by an algorithm.
func (k *key) supports(algorithm string) bool {
	if k.algorithm != "" && k.algorithm != algorithm {
		return false
	}
	if k.kind == "RS" {
		return strings.HasPrefix(algorithm, "RS") || strings.HasPrefix(algorithm, "PS")
	}
	return k.kind == algorithm
}

// find returns the candidate keys for a token: those with its kid or, without a kid, the only key
// that supports the algorithm.
func (k *keys) find(kid, algorithm string) (fit []key) {
	for i := range k.list {
		if one := &k.list[i]; one.supports(algorithm) && (kid == "" || one.id == kid) {
			fit = append(fit, *one)
		}
	}
	if kid == "" && len(fit) > 1 {
		return nil
	}
	return fit[:min(len(fit), maxCandidates)]
}

// hasSameKeys reports whether two sets have the same keys, in any order.
func (k *keys) hasSameKeys(other *keys) bool {
	if other == nil || len(k.list) != len(other.list) {
		return false
	}
	for i := range k.list {
		if !slices.ContainsFunc(other.list, k.list[i].equal) {
			return false
		}
	}
	return true
}

func (k *key) equal(other key) bool {
	public, ok := k.public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.id == other.id && k.algorithm == other.algorithm && public.Equal(other.public)
}
