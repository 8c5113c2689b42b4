package issuer

import (
	"fmt"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules/credential"
)

// ExplainRejection describes the first claim of a token that is not accepted, for the token's
// owner. Of several accepted configurations it compares with the closest one. It returns "" if only
// the issuer's keys can decide. It checks no signature, so it must not authenticate anybody.
func ExplainRejection(all []*credential.OAuth, text []byte, now time.Time) string {
	t, v := parseToken(text)
	switch v {
	case Accepted:
	case Header:
		return "its header requires an unknown extension, as in tokens for Okta's own use: want a token of a custom authorization server"
	case UnknownKey:
		return ""
	default:
		return "it is not a signed token of three parts"
	}
	var nearest *credential.OAuth
	most := Malformed
	for _, o := range all {
		switch v := t.check(o, now.Unix()); {
		case v == Accepted:
			return ""
		case nearest == nil || v > most: // verdicts are in the order of the checks
			nearest, most = o, v
		}
	}
	if nearest == nil {
		return ""
	}
	return t.explain(nearest, most)
}

// explain describes a verdict with the values that led to it. Claims are not secret; forged ones
// may be long.
func (c *claims) explain(o *credential.OAuth, v Verdict) string {
	pair := func(what, got, want string) string { return fmt.Sprintf("its %s is %.120q: want %q", what, got, want) }
	moment := func(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }
	switch v {
	case Algorithm:
		return pair("alg", c.algorithm, strings.Join(o.Algorithms, " "))
	case Issuer:
		return pair("iss", c.issuer, o.Issuer)
	case Audience:
		return pair("aud", strings.Join(c.audience, " "), o.Audience)
	case Client:
		return pair("cid", c.client, o.Client)
	case Scope:
		return pair("scp", strings.Join(c.scope, " "), o.Scope)
	case Expired:
		return "its exp was " + moment(c.expires) + ": want a new token"
	case Early:
		return "it is valid from " + moment(max(c.from, c.issued)) + ": want the clocks to agree"
	}
	return "it requires a proof of possession (cnf): want a token without cnf"
}
