package issuer

import (
	"crypto/subtle"

	"github.com/tenterhook/tenterhook/rules"
)

// Verdict is what came of a token.
type Verdict uint8

// The verdicts. Only Accepted lets anybody in.
const (
	Malformed Verdict = iota // not a signed token of three parts, or not strict JSON
	Accepted
	Header    // it brings a key of its own, or asks for what is not understood
	Algorithm // it is signed by one that is not allowed
	Issuer    // it is another issuer's
	Audience  // it is for somebody else
	Client    // it was given to another client
	Scope     // it does not have the scope
	Expired
	Early      // not valid yet, or issued in the future
	Bound      // it counts only together with a proof of a key (RFC 7800)
	UnknownKey // the issuer has no such key
	AwaitedKey // the issuer's keys are here, this one is not, and it may be soon: they are being fetched
	Signature  // the issuer has not signed it
	NoKeys     // nobody knows: the keys that would tell are not here
	verdictCount
)

var verdictNames = [verdictCount]string{"malformed", "accepted", "header", "algorithm", "issuer", "audience", "client", "scope", "expired",
	"not_yet_valid", "bound", "unknown_key", "awaited_key", "signature", "no_keys"}

// String is the verdict's word in metrics and logs.
func (v Verdict) String() string { return verdictNames[v] }

// skew is how far the clocks of the issuer and of this machine may be apart, in seconds.
const skew = 60

// Check judges a token that was shown for what o accepts. The token is borrowed; digest is a SHA-256 over it and, if need be,
// over more that belongs to it always. Check does not wait.
//
// A token that was found good before is found by its digest. That this takes less time tells nothing: it can be found only
// by who has it.
func (r *Keyring) Check(o *rules.OAuth, token []byte, digest [32]byte) Verdict {
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
	if v = t.check(o, now); v != Accepted { // cheaper than its signature, and nobody is let in by it
		return v
	}
	if keys == nil {
		k.requestFetch(now)
		return NoKeys
	}
	return k.verify(keys, t, digest, now)
}

// verify judges the signature of a token that is good otherwise. One by a key that is not known has the keys fetched: the
// issuer may have a new one.
func (k *refresher) verify(keys *keys, t *token, digest [32]byte, now int64) Verdict {
	fit := keys.find(t.kid, t.algorithm)
	if len(fit) == 0 {
		if k.requestFetch(now) {
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
	k.requestFetch(now) // the key may have been replaced under its old name
	return Signature
}

// claims is what a token says, as far as it matters.
type claims struct {
	algorithm, issuer string
	audience          []string
	client            string
	scope             []string
	expires           int64 // in Unix time, as what follows
	from, issued      int64 // 0: it does not say
	bound             bool
}

// check holds what a token says against what is accepted. Nothing of it is secret, and so nothing is compared in constant time.
func (c *claims) check(o *rules.OAuth, now int64) Verdict {
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

// lookup finds what a token says that was found good by these keys, nil when none was.
func (k *keys) lookup(digest [32]byte) *claims {
	p := k.verified[slot(digest)].Load()
	if p == nil || subtle.ConstantTimeCompare(p.digest[:], digest[:]) != 1 {
		return nil
	}
	return &p.claims
}

// store keeps a proof in the place of another, perhaps. Only what an issuer has signed comes here.
func (k *keys) store(p *verifiedToken) { k.verified[slot(p.digest)].Store(p) }

func slot(digest [32]byte) int { return int(digest[0]) }
