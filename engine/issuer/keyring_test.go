package issuer_test

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/issuer"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/rules/folder"
)

// mustLoad makes a Set of one hook for each of some oauth texts.
func mustLoad(t testing.TB, files map[string]string, oauths ...string) *rules.Set {
	t.Helper()
	text := "tenterhook: 1\nhooks:\n"
	for i, o := range oauths {
		text += fmt.Sprintf("  - name: h%d\n    type: token\n    auth: [{oauth: %s}]\n    rules: [{name: r, debug: {a: b}}]\n", i, o)
	}
	contents := map[string][]byte{"policy.yaml": []byte(text)}
	for name, text := range files {
		contents[name] = []byte(text)
	}
	s, err := rules.Load(folder.New(contents), rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func acceptedToken(s *rules.Set, i int) *credential.OAuth { return s.Hooks()[i].Auth[0].Lines[0].OAuth }

func newKeyring(t testing.TB, o issuer.Options) *issuer.Keyring {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = func() time.Time { return now }
	}
	r, err := issuer.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func check(r *issuer.Keyring, o *credential.OAuth, token string) issuer.Verdict {
	return r.Check(o, []byte(token), credential.Digest([]byte("Bearer "+token)))
}

const common = "issuer: " + at + ", audience: 'api://default', client: 0oaClient, scope: tenterhook, keys: keys.json"

// newBenchKeyring returns a Keyring with a key from the policy, and the tokens it accepts.
func newBenchKeyring(t testing.TB) (*issuer.Keyring, *credential.OAuth) {
	t.Helper()
	second := jwk("two", otherKey(), object{"alg": nil})
	delete(second, "alg")
	curve := object{"kty": "EC", "crv": "P-256", "kid": "ec", "x": b64(must(ecKey().PublicKey.Bytes())[1:33]), "y": b64(must(ecKey().PublicKey.Bytes())[33:])}
	s := mustLoad(t, map[string]string{"keys.json": keySet(jwk("one", rsaKey(), nil), second, curve)}, "{"+common+"}")
	r := newKeyring(t, issuer.Options{})
	r.Use(s)
	return r, acceptedToken(s, 0)
}

func TestCheck(t *testing.T) {
	good := func(more object) string { return sign(rsaKey(), nil, claims(more)) }
	unix := func(d time.Duration) int64 { return now.Add(d).Unix() }
	tests := []struct {
		name, token string
		want        issuer.Verdict
	}{
		{"Good", good(nil), issuer.Accepted},
		{"AudienceInAList", good(object{"aud": []string{"other", "api://default"}}), issuer.Accepted},
		{"ScopeAsText", good(object{"scp": "other tenterhook"}), issuer.Accepted},
		{"RFC9068Names", good(object{"cid": nil, "scp": nil, "client_id": "0oaClient", "scope": "a tenterhook b"}), issuer.Accepted},
		{"Typed", sign(rsaKey(), object{"typ": "at+jwt"}, claims(nil)), issuer.Accepted},
		{"TypedInFull", sign(rsaKey(), object{"typ": "application/AT+JWT"}, claims(nil)), issuer.Accepted},
		{"MoreInItsHeader", sign(rsaKey(), object{"x5t": "x", "pi.atm": "1", "extra": object{"a": 1}}, claims(nil)), issuer.Accepted},
		{"JustExpired", good(object{"exp": unix(-59 * time.Second)}), issuer.Accepted},
		{"FractionOfASecond", good(object{"exp": float64(unix(0)) + 0.5}), issuer.Accepted},
		{"ClockBehind", good(object{"nbf": unix(59 * time.Second), "iat": unix(59 * time.Second)}), issuer.Accepted},

		{"OtherIssuer", good(object{"iss": "https://evil.okta.com/oauth2/default"}), issuer.Issuer},
		{"IssuerWithSlash", good(object{"iss": at + "/"}), issuer.Issuer},
		{"IssuerInOtherCase", good(object{"iss": strings.ToUpper(at)}), issuer.Issuer},
		{"NoIssuer", good(object{"iss": nil}), issuer.Issuer},
		{"IssuerNoText", good(object{"iss": []string{at}}), issuer.Malformed},
		{"OtherAudience", good(object{"aud": "api://other"}), issuer.Audience},
		{"AudienceIsAPrefix", good(object{"aud": "api://default/x"}), issuer.Audience},
		{"NoAudience", good(object{"aud": nil}), issuer.Audience},
		{"EmptyAudience", good(object{"aud": []string{}}), issuer.Audience},
		{"AudienceOfNumbers", good(object{"aud": []any{1, "api://default"}}), issuer.Malformed},
		{"OtherClient", good(object{"cid": "0oaOther"}), issuer.Client},
		{"NoClient", good(object{"cid": nil}), issuer.Client},
		{"TwoClients", good(object{"cid": "0oaOther", "client_id": "0oaClient"}), issuer.Client},
		{"OtherScope", good(object{"scp": []string{"tenterhook2", "hook"}}), issuer.Scope},
		{"NoScope", good(object{"scp": nil}), issuer.Scope},
		{"TwoScopes", good(object{"scp": []string{"x"}, "scope": "tenterhook"}), issuer.Scope},
		{"ScopeInAListIsNoWords", good(object{"scp": []string{"a tenterhook"}}), issuer.Scope},
		{"Expired", good(object{"exp": unix(-60 * time.Second)}), issuer.Expired},
		{"NoExpiry", good(object{"exp": nil}), issuer.Malformed},
		{"ExpiryAsText", good(object{"exp": "4102444800"}), issuer.Malformed},
		{"ExpiryNegative", good(object{"exp": -1}), issuer.Malformed},
		{"NotYet", good(object{"nbf": unix(61 * time.Second)}), issuer.Early},
		{"FromTheFuture", good(object{"iat": unix(time.Hour)}), issuer.Early},
		{"NotYetAsText", good(object{"nbf": "0"}), issuer.Malformed},
		{"BoundToAKey", good(object{"cnf": object{"jkt": "x"}}), issuer.Bound},

		{"ExpiryForEver", signText(rsaKey(), `{"alg":"RS256","kid":"one"}`, `{"iss":"`+at+`","aud":"api://default","cid":"0oaClient","scp":["tenterhook"],"exp":1e400}`), issuer.Malformed},
		{"ClaimTwice", signText(rsaKey(), `{"alg":"RS256","kid":"one"}`, `{"iss":"`+at+`","aud":"x","aud":"api://default","cid":"0oaClient","scp":["tenterhook"],"exp":4102444800}`), issuer.Malformed},
		{"ClaimTwiceEscaped", signText(rsaKey(), `{"alg":"RS256","kid":"one"}`, `{"iss":"`+at+`","\u0069ss":"x","aud":"api://default","cid":"0oaClient","scp":["tenterhook"],"exp":4102444800}`), issuer.Malformed},
		{"HeaderTwice", signText(rsaKey(), `{"alg":"none","alg":"RS256","kid":"one"}`, string(must(json.Marshal(claims(nil))))), issuer.Malformed},
		{"HeaderInOtherCase", signText(rsaKey(), `{"ALG":"RS256","kid":"one"}`, string(must(json.Marshal(claims(nil))))), issuer.Algorithm},
		{"PayloadNoJSON", signText(rsaKey(), `{"alg":"RS256","kid":"one"}`, `It's`), issuer.Malformed},
		{"PayloadAList", signText(rsaKey(), `{"alg":"RS256","kid":"one"}`, `[]`), issuer.Malformed},
		{"PayloadAToken", signText(rsaKey(), `{"alg":"RS256","kid":"one","cty":"JWT"}`, sign(rsaKey(), nil, claims(nil))), issuer.Malformed},
		{"PayloadNotUTF8", signText(rsaKey(), `{"alg":"RS256","kid":"one"}`, "{\"iss\":\"\xff\"}"), issuer.Malformed},
		{"IDToken", sign(rsaKey(), object{"typ": "dpop+jwt"}, claims(nil)), issuer.Header},
		{"OrgServersToken", sign(rsaKey(), object{"typ": "application/okta-internal-at+jwt"}, claims(nil)), issuer.Header},
		{"Huge", sign(rsaKey(), nil, claims(object{"pad": strings.Repeat("x", 9<<10)})), issuer.Malformed},
		{"Deep", signText(rsaKey(), `{"alg":"RS256","kid":"one"}`, `{"iss":`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000)+`}`), issuer.Malformed},
		{"Empty", "", issuer.Malformed},
		{"Dots", "..", issuer.Malformed},
	}
	r, o := newBenchKeyring(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // the second time it may be remembered
				if got := check(r, o, tt.token); got != tt.want {
					t.Errorf("got %v, want %v", got, tt.want)
				}
			}
		})
	}
}

// TestConfusion: no token is its own judge.
func TestConfusion(t *testing.T) {
	der := must(x509.MarshalPKIXPublicKey(rsaKey().Public()))
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	evil := jwk("one", otherKey(), nil)
	mac := func(alg string, key []byte) string {
		signed := b64([]byte(`{"alg":"`+alg+`","kid":"one"}`)) + "." + b64(must(json.Marshal(claims(nil))))
		h := hmac.New(sha256.New, key)
		h.Write([]byte(signed))
		return signed + "." + b64(h.Sum(nil))
	}
	es := func(kid string) string {
		signed := b64([]byte(`{"alg":"ES256","kid":"`+kid+`"}`)) + "." + b64(must(json.Marshal(claims(nil))))
		sum := sha256.Sum256([]byte(signed))
		a, b, err := ecdsa.Sign(rand.Reader, ecKey(), sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signed + "." + b64(append(a.FillBytes(make([]byte, 32)), b.FillBytes(make([]byte, 32))...))
	}
	good := sign(rsaKey(), nil, claims(nil))
	parts := strings.Split(good, ".")
	kid := func(kid string) string { return sign(otherKey(), object{"kid": kid}, claims(nil)) }
	tests := []struct {
		name, token string
		want        issuer.Verdict
	}{
		{"MACWithPublicPEM", mac("HS256", keyPEM), issuer.Algorithm},
		{"MACWithPublicDER", mac("HS256", der), issuer.Algorithm},
		{"MACWithModulus", mac("HS256", rsaKey().N.Bytes()), issuer.Algorithm},
		{"MACCalledRS256", mac("RS256", keyPEM), issuer.Signature},
		{"None", b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + "." + parts[2], issuer.Algorithm},
		{"NoneInCapitals", b64([]byte(`{"alg":"nOnE"}`)) + "." + parts[1] + "." + parts[2], issuer.Algorithm},
		{"NoneUnsigned", b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".", issuer.Malformed},
		{"NoAlgorithm", sign(rsaKey(), object{"alg": nil}, claims(nil)), issuer.Algorithm},
		{"AlgorithmNoText", sign(rsaKey(), object{"alg": []string{"RS256"}}, claims(nil)), issuer.Malformed},
		{"AlgorithmNotAllowed", sign(rsaKey(), object{"alg": "PS256"}, claims(nil)), issuer.Algorithm},
		{"AnotherKindOfKey", es("ec"), issuer.Algorithm},
		{"Unsigned", parts[0] + "." + parts[1] + ".", issuer.Malformed},
		{"TwoParts", parts[0] + "." + parts[1], issuer.Malformed},
		{"FourParts", good + ".x", issuer.Malformed},
		{"Encrypted", good + ".x.y", issuer.Malformed},
		{"JSONSerialization", `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, issuer.Malformed},
		{"LineEndInside", good[:40] + "\n" + good[40:], issuer.Malformed},
		{"Padded", good + "==", issuer.Malformed},
		{"StandardAlphabet", strings.NewReplacer("-", "+", "_", "/").Replace(good), issuer.Malformed},
		{"SpaceBehind", good + " ", issuer.Malformed},
		{"KeyOfItsOwn", sign(otherKey(), object{"jwk": evil}, claims(nil)), issuer.Header},
		{"KeysElsewhere", sign(otherKey(), object{"jku": "https://evil.example/keys"}, claims(nil)), issuer.Header},
		{"CertificateElsewhere", sign(otherKey(), object{"x5u": "https://evil.example/cert"}, claims(nil)), issuer.Header},
		{"CertificateOfItsOwn", sign(otherKey(), object{"x5c": []string{b64(der)}}, claims(nil)), issuer.Header},
		{"Critical", sign(rsaKey(), object{"crit": []string{"exp"}, "exp": 1}, claims(nil)), issuer.Header},
		{"Unencoded", sign(rsaKey(), object{"b64": false, "crit": []string{"b64"}}, claims(nil)), issuer.Header},
		{"Compressed", sign(rsaKey(), object{"zip": "DEF"}, claims(nil)), issuer.Header},
		{"AnothersSignature", sign(otherKey(), nil, claims(nil)), issuer.Signature},
		{"SignedByTheOtherKey", sign(otherKey(), object{"kid": "two"}, claims(nil)), issuer.Accepted},
		{"KeyOfAnotherName", sign(rsaKey(), object{"kid": "two"}, claims(nil)), issuer.Signature},
		{"WithoutKidOneOfTwo", sign(rsaKey(), object{"kid": nil}, claims(nil)), issuer.UnknownKey},
		{"KidIsAPath", kid("../../../../dev/null"), issuer.UnknownKey},
		{"KidIsAURL", kid("https://evil.example/key"), issuer.UnknownKey},
		{"KidIsSQL", kid("x' UNION SELECT 'key"), issuer.UnknownKey},
		{"KidHasNUL", kid("one\x00"), issuer.UnknownKey},
		{"KidInOtherCase", kid("ONE"), issuer.UnknownKey},
		{"KidHuge", kid(strings.Repeat("k", 4000)), issuer.UnknownKey},
		{"KidNoText", sign(rsaKey(), object{"kid": 1}, claims(nil)), issuer.Malformed},
	}
	r, o := newBenchKeyring(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := check(r, o, tt.token); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	t.Run("CurveWhereAllowed", func(t *testing.T) {
		curve := *o
		curve.Algorithms = []string{"ES256"}
		s := mustLoad(t, map[string]string{"keys.json": keySet(jwk("one", rsaKey(), nil), object{"kty": "EC", "crv": "P-256", "kid": "ec",
			"x": b64(must(ecKey().PublicKey.Bytes())[1:33]), "y": b64(must(ecKey().PublicKey.Bytes())[33:])})}, "{"+common+", algorithms: [ES256, RS384]}")
		r := newKeyring(t, issuer.Options{})
		r.Use(s)
		if v := check(r, acceptedToken(s, 0), es("ec")); v != issuer.Accepted {
			t.Errorf("got %v", v)
		}
		if v := check(r, acceptedToken(s, 0), es("one")); v != issuer.UnknownKey { // which is no key for ES256
			t.Errorf("got %v", v)
		}
		if v := check(r, acceptedToken(s, 0), sign(rsaKey(), object{"alg": "RS384"}, claims(nil))); v != issuer.UnknownKey { // its alg is RS256
			t.Errorf("got %v", v)
		}
	})
}

// TestTampered: a token in which one character is another is another token.
func TestTampered(t *testing.T) {
	r, o := newBenchKeyring(t)
	token := sign(rsaKey(), nil, claims(nil))
	if v := check(r, o, token); v != issuer.Accepted {
		t.Fatal(v)
	}
	step := 1
	if testing.Short() {
		step = 7
	}
	for i := 0; i < len(token); i += step {
		for _, c := range "AQgwx_-." {
			if byte(c) == token[i] {
				continue
			}
			if v := check(r, o, token[:i]+string(c)+token[i+1:]); v == issuer.Accepted {
				t.Fatalf("accepted with %q at %d", c, i)
			}
		}
		if v := check(r, o, token[:i]); v == issuer.Accepted {
			t.Fatalf("accepted up to %d", i)
		}
		if v := check(r, o, token[:i]+token[i+1:]); v == issuer.Accepted {
			t.Fatalf("accepted without %d", i)
		}
	}
}

// TestVerifiedCache: the claims of a cached token are checked again for each call.
func TestVerifiedCache(t *testing.T) {
	clock := now
	s := mustLoad(t, map[string]string{"keys.json": keySet(jwk("one", rsaKey(), nil))}, "{"+common+"}", "{"+strings.Replace(common, "0oaClient", "0oaOther", 1)+"}")
	r := newKeyring(t, issuer.Options{Now: func() time.Time { return clock }})
	r.Use(s)
	token := sign(rsaKey(), nil, claims(nil))
	for _, step := range []struct {
		name string
		hook int
		at   time.Duration
		want issuer.Verdict
	}{
		{"First", 0, 0, issuer.Accepted},
		{"Again", 0, 59 * time.Minute, issuer.Accepted},
		{"OfAnotherHook", 1, 59 * time.Minute, issuer.Client},
		{"Expired", 0, 61 * time.Minute, issuer.Expired},
		{"ClockSetBack", 0, -time.Hour, issuer.Early},
		{"AndForth", 0, 0, issuer.Accepted},
	} {
		clock = now.Add(step.at)
		if got := check(r, acceptedToken(s, step.hook), token); got != step.want {
			t.Errorf("%s: got %v, want %v", step.name, got, step.want)
		}
	}
}

func TestProblems(t *testing.T) {
	s := mustLoad(t, map[string]string{"keys.json": `{"keys":[{"kty":"oct","k":"AAAA"}]}`}, "{"+common+"}")
	p := issuer.Problems(s)
	if len(p) != 1 || !strings.Contains(p.Error(), "hook h0: keys of "+at+": no usable key") {
		t.Errorf("got %v", p)
	}
	r := newKeyring(t, issuer.Options{Wait: time.Millisecond})
	r.Use(s)
	if v := check(r, acceptedToken(s, 0), sign(rsaKey(), nil, claims(nil))); v != issuer.NoKeys {
		t.Errorf("got %v", v)
	}
	if v := check(r, new(credential.OAuth), sign(rsaKey(), nil, claims(nil))); v != issuer.NoKeys {
		t.Errorf("unknown issuer: got %v", v)
	}
}

func BenchmarkCheck(b *testing.B) {
	r, o := newBenchKeyring(b)
	token := []byte(sign(rsaKey(), nil, claims(nil)))
	digest := credential.Digest(token)
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if v := r.Check(o, token, digest); v != issuer.Accepted {
				b.Fatal(v)
			}
		}
	})
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			digest[31]++
			if v := r.Check(o, token, digest); v != issuer.Accepted {
				b.Fatal(v)
			}
		}
	})
	b.Run("expired", func(b *testing.B) {
		token := []byte(sign(rsaKey(), nil, claims(object{"exp": 1})))
		digest := credential.Digest(token)
		b.ReportAllocs()
		for b.Loop() {
			if v := r.Check(o, token, digest); v != issuer.Expired {
				b.Fatal(v)
			}
		}
	})
}
