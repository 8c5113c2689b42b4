package issuer_test

import (
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/engine/issuer"
	"github.com/tenterhook/tenterhook/rules/credential"
)

// TestExplainRejection names the first thing that is wrong with a token, and nothing of its
// signature.
func TestExplainRejection(t *testing.T) {
	s := mustLoad(t, map[string]string{"keys.json": keySet(jwk("one", rsaKey(), nil))}, "{"+common+"}",
		"{issuer: 'https://other.okta.com/oauth2/default', audience: 'api://other', client: x, scope: y}")
	all := []*credential.OAuth{acceptedToken(s, 1), acceptedToken(s, 0)}
	long := strings.Repeat("x", 3000)
	tests := []struct{ name, token, want string }{
		{"OK", sign(rsaKey(), nil, claims(nil)), ""},
		{"SignedByAnother", sign(otherKey(), nil, claims(nil)), ""},
		{"NoToken", "a-secret", "not a signed token"},
		{"Header", sign(rsaKey(), object{"typ": "application/okta-internal-at+jwt"}, claims(nil)), "custom authorization server"},
		{"Algorithm", sign(rsaKey(), object{"alg": "RS384"}, claims(nil)), `its alg is "RS384": want "RS256"`},
		{"Issuer", sign(rsaKey(), nil, claims(object{"iss": "https://evil.example"})), `its iss is "https://evil.example": want "https://`},
		{"Audience", sign(rsaKey(), nil, claims(object{"aud": []string{"a", "b"}})), `its aud is "a b": want "api://default"`},
		{"Client", sign(rsaKey(), nil, claims(object{"cid": long})), `its cid is "xxx`},
		{"Scope", sign(rsaKey(), nil, claims(object{"scp": []string{"openid"}})), `its scp is "openid": want "tenterhook"`},
		{"NoScope", sign(rsaKey(), nil, claims(object{"scp": nil})), `its scp is "": want`},
		{"Expired", sign(rsaKey(), nil, claims(object{"exp": now.Unix() - 3600})), "its exp was "},
		{"Early", sign(rsaKey(), nil, claims(object{"nbf": now.Unix() + 3600})), "it is valid from "},
		{"Bound", sign(rsaKey(), nil, claims(object{"cnf": object{"jkt": "x"}})), "proof of possession"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := issuer.ExplainRejection(all, []byte(tt.token), now)
			if !strings.Contains(got, tt.want) || tt.want == "" && got != "" || len(got) > 300 {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := issuer.ExplainRejection(nil, []byte(sign(rsaKey(), nil, claims(nil))), now); got != "" {
		t.Errorf("got %q of nothing to hold it against", got)
	}
}
