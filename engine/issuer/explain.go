package issuer

import (
	"fmt"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules"
)

// ExplainRejection says, to who has a token, the first thing that it says and that is not accepted; of several that are accepted it is
// held against the one it comes nearest to. It is empty when only the issuer's keys can tell. Nobody is let in by it: no
// signature is looked at.
func ExplainRejection(all []*rules.OAuth, text []byte, now time.Time) string {
	t, v := parseToken(text)
	switch v {
	case Accepted:
	case Header:
		return "its header asks for what is not understood, as that of a token for Okta's own use does: want one of a custom authorization server"
	case UnknownKey:
		return ""
	default:
		return "it is no signed token of three parts"
	}
	var nearest *rules.OAuth
	most := Malformed
	for _, o := range all {
		switch v := t.check(o, now.Unix()); {
		case v == Accepted:
			return ""
		case nearest == nil || v > most: // they are in the order in which they are judged
			nearest, most = o, v
		}
	}
	if nearest == nil {
		return ""
	}
	return t.explain(nearest, most)
}

// explain tells a verdict with what has led to it. Claims are no secrets; those that somebody has made up may be long.
func (c *claims) explain(o *rules.OAuth, v Verdict) string {
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
		return "its exp was " + moment(c.expires) + ": want a new one"
	case Early:
		return "it counts from " + moment(max(c.from, c.issued)) + ": want the clocks to agree"
	}
	return "it counts only with a proof of a key (cnf): want one without"
}
