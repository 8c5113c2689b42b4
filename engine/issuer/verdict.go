package issuer

import (
	"crypto/subtle"

	"github.com/tenterhook/tenterhook/rules/credential"
)

// Verdict is the result of checking a token.
type Verdict uint8

// The verdicts. Only Accepted authenticates.
const (
	Malformed Verdict = iota // not a signed token of three parts, or not strict JSON
	Accepted
	Header    // it contains a key, or requires an unknown extension
	Algorithm // its algorithm is not allowed
	Issuer    // its issuer is another one
	Audience  // its audience is another one
	Client    // its client is another one
	Scope     // it lacks the scope
	Expired
	Early      // not valid yet, or issued in the future
	Bound      // it requires a proof of possession (RFC 7800)
	UnknownKey // the issuer has no such key
	AwaitedKey // the issuer's present keys do not include it; a fetch is in progress
	Signature  // its signature is not the issuer's
	NoKeys     // undecided: the keys are absent
	verdictCount
)

var verdictNames = [verdictCount]string{"malformed", "accepted", "header", "algorithm", "issuer", "audience", "client", "scope", "expired",
	"not_yet_valid", "bound", "unknown_key", "awaited_key", "signature", "no_keys"}

// String is the verdict's word in metrics and logs.
func (v Verdict) String() string { return verdictNames[v] }

// skew is how far the clocks of the issuer and of this machine may be apart, in seconds.
const skew = 60

// Check checks a token against the configuration o. It borrows the token; digest is a SHA-256 of
// it, possibly with other data that always accompanies it. Check does not wait.
//
// A verified token is found by its digest. The shorter time of this lookup reveals nothing: only a
// caller with the token can find it.
func (r *Keyring) Check(o *credential.OAuth, token []byte, digest [32]byte) Verdict {
	k := (*r.live.Load())[o]
	if k == nil {
		return NoKeys
	}
	now := r.o.Now().Unix()
	keys := k.keys.Load()
	if keys != nil {
		if c := keys.lookup(digest); c != nil {
			return c.check(o, now)
		}
	}
	t, v := parseToken(token)
	if v != Accepted {
		return v
	}
	if v = t.check(o, now); v != Accepted { // cheaper than the signature, and sufficient to reject
		return v
	}
	if keys == nil {
		k.requestFetch(now)
		return NoKeys
	}
	return k.verify(keys, t, digest, now)
}

// verify checks the signature of a token whose claims are accepted. An unknown key causes a fetch,
// because the issuer may have a new one.
func (f *refresher) verify(keys *keys, t *token, digest [32]byte, now int64) Verdict {
	fit := keys.find(t.kid, t.algorithm)
	if len(fit) == 0 {
		if f.requestFetch(now) {
			return AwaitedKey
		}
		return UnknownKey
	}
	for _, key := range fit {
		if t.signedBy(key) {
			keys.store(&verifiedToken{digest: digest, claims: t.claims})
			return Accepted
		}
	}
	f.requestFetch(now) // the key may have been replaced under its old name
	return Signature
}

// claims are the relevant claims of a token.
type claims struct {
	algorithm, issuer string
	audience          []string
	client            string
	scope             []string
	expires           int64 // Unix time, like the fields below
	from, issued      int64 // 0 if absent
	bound             bool
}

// check compares a token's claims with the configuration. They are not secret, so the comparison
// need not be constant-time.
func (c *claims) check(o *credential.OAuth, now int64) Verdict {
	switch {
	case !contains(o.Algorithms, c.algorithm):
		return Algorithm
	case o.Issuer == "" || c.issuer != o.Issuer:
		return Issuer
	case o.Audience == "" || !contains(c.audience, o.Audience):
		return Audience
	case o.Client != "" && c.client != o.Client:
		return Client
	case o.Scope != "" && !contains(c.scope, o.Scope):
		return Scope
	case now >= c.expires+skew:
		return Expired
	case now < c.from-skew || now < c.issued-skew:
		return Early
	case c.bound:
		return Bound
	}
	return Accepted
}

func contains(list []string, s string) bool {
	for _, one := range list {
		if one == s {
			return true
		}
	}
	return false
}

// verifiedToken is a token that was found good by the keys it is remembered with.
type verifiedToken struct {
	digest [32]byte
	claims
}

// lookup returns the claims of a token that these keys verified before; nil if there is none.
func (k *keys) lookup(digest [32]byte) *claims {
	p := k.verified[slot(digest)].Load()
	if p == nil || subtle.ConstantTimeCompare(p.digest[:], digest[:]) != 1 {
		return nil
	}
	return &p.claims
}

// store caches a verified token, perhaps replacing another one. Only tokens with a valid signature
// are stored.
func (k *keys) store(p *verifiedToken) { k.verified[slot(p.digest)].Store(p) }

func slot(digest [32]byte) int { return int(digest[0]) }
