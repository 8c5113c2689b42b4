package gate_test

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/tenterhook/tenterhook/engine/gate"
	"github.com/tenterhook/tenterhook/engine/issuer"
)

// authServer is an authorization server that publishes its keys and signs tokens.
type authServer struct {
	*httptest.Server
	key *rsa.PrivateKey
}

func newAuthServer(t testing.TB) *authServer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	a := &authServer{key: key}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, a.URL, a.URL+"/keys")
		case "/keys":
			fmt.Fprintf(w, `{"keys":[{"kty":"RSA","kid":"k","use":"sig","n":%q,"e":%q}]}`, b64(key.N.Bytes()), b64(big.NewInt(int64(key.E)).Bytes()))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(a.Close)
	return a
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// token returns a token for a client, with the scope s.
func (a *authServer) token(t testing.TB, client string, expires time.Time) string {
	t.Helper()
	payload, err := json.Marshal(map[string]any{"iss": a.URL, "aud": "api://default", "cid": client, "scp": []string{"s"}, "exp": expires.Unix()})
	if err != nil {
		t.Fatal(err)
	}
	signed := b64([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + b64(payload)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + b64(sig)
}

const tokenPolicy = `tenterhook: 1
hooks:
  - name: hook-a
    type: registration
    auth:
      - oauth: {issuer: ISSUER, audience: "api://default", client: c, scope: s}
      - - oauth: {issuer: ISSUER, audience: "api://default", client: both, scope: s}
        - header: X-Key
          secret: [{name: new, value: k8Jq2mVx0PzL4tRw}, {name: old, value: b5Ns9cYd7HfG3aUe}]
      - basic: {user: okta, password: Zr6WkQ1uTj8EoMv3}
    rules:
      - name: stamp
        profile: {division: sales}
`

// startTokenGate starts a Gate that accepts tokens of an authorization server.
func startTokenGate(t *testing.T, a *authServer, o issuer.Options) *testGate {
	t.Helper()
	o.Log, o.Wait = slog.New(slog.DiscardHandler), cmp.Or(o.Wait, testTimeout)
	ring, err := issuer.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ring.Close)
	d := startGate(t, policy, gate.Options{Issuers: ring})
	set := mustLoad(t, strings.ReplaceAll(tokenPolicy, "ISSUER", "'"+a.URL+"'"))
	ring.Use(set)
	d.engine.Swap(set)
	return d
}

func TestToken(t *testing.T) {
	a := newAuthServer(t)
	d := startTokenGate(t, a, issuer.Options{})
	hour := time.Now().Add(time.Hour)
	good, both := a.token(t, "c", hour), a.token(t, "both", hour)
	okta := "Basic " + base64.StdEncoding.EncodeToString([]byte("okta:Zr6WkQ1uTj8EoMv3"))
	tests := []struct {
		name   string
		lines  []string
		status int
	}{
		{"Token", []string{"Authorization: Bearer " + good}, 200},
		{"SchemeInAnyCase", []string{"Authorization: bEARER " + good}, 200},
		{"SpacesBefore", []string{"Authorization: Bearer   " + good}, 200},
		{"AnotherCredential", []string{"Authorization: " + okta}, 200},
		{"BothLines", []string{"Authorization: Bearer " + both, "X-Key: k8Jq2mVx0PzL4tRw"}, 200},
		{"BothLinesOldSecret", []string{"Authorization: Bearer " + both, "X-Key: b5Ns9cYd7HfG3aUe"}, 200},

		{"NoScheme", []string{"Authorization: " + good}, 401},
		{"OtherScheme", []string{"Authorization: DPoP " + good}, 401},
		{"NoToken", []string{"Authorization: Bearer"}, 401},
		{"NoTokenButSpace", []string{"Authorization: Bearer "}, 401},
		{"TwoTokens", []string{"Authorization: Bearer " + good + ", Bearer " + good}, 401},
		{"TwoHeaders", []string{"Authorization: Bearer " + good, "+Authorization: Bearer " + good}, 401},
		{"InAnotherHeader", []string{"Authorization: x", "X-Key: Bearer " + good}, 401},
		{"OtherClient", []string{"Authorization: Bearer " + a.token(t, "d", hour)}, 401},
		{"Expired", []string{"Authorization: Bearer " + a.token(t, "c", time.Now().Add(-time.Hour))}, 401},
		{"Tampered", []string{"Authorization: Bearer " + good[:len(good)-10] + "AAAAAAAAAA"}, 401},
		{"OneLineOfTwo", []string{"Authorization: Bearer " + both}, 401},
		{"OtherLineOfTwo", []string{"Authorization: x", "X-Key: k8Jq2mVx0PzL4tRw"}, 401},
		{"LinesMixed", []string{"Authorization: " + okta + "x", "X-Key: k8Jq2mVx0PzL4tRw"}, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := d.dial()
			l.t = t
			status, text, _ := l.send(requestHead(requestLine, append(tt.lines, fmt.Sprint("Content-Length: ", len(body)))...) + body).readResponse()
			if status != tt.status {
				t.Errorf("got %d %s, want %d", status, text, tt.status)
			}
		})
	}
	want := `
# HELP tenterhook_secret_used_total Calls authenticated by a secret.
# TYPE tenterhook_secret_used_total counter
tenterhook_secret_used_total{hook="hook-a",secret="3"} 1
tenterhook_secret_used_total{hook="hook-a",secret="new"} 1
tenterhook_secret_used_total{hook="hook-a",secret="old"} 1
`
	if err := testutil.GatherAndCompare(d.registry, strings.NewReader(want), "tenterhook_secret_used_total"); err != nil {
		t.Error(err)
	}
	secrets := d.engine.Status().Hooks[0].Secrets
	if len(secrets) != 3 || secrets[0].Name != "new" || secrets[0].Used != 1 || secrets[0].Last.IsZero() {
		t.Errorf("got %+v", secrets)
	}
}

// TestRejectedUsesNoSecret: a secret counts as used only by admitted calls.
func TestRejectedUsesNoSecret(t *testing.T) {
	d := startGate(t, orgPolicy, gate.Options{Proxies: mustList(t, "127.0.0.1"), Allowed: mustAllow(t, "192.0.2.0/24")})
	const text = `{"eventType":"com.okta.user.pre-registration","data":{}}`
	used := func() uint64 {
		for _, h := range d.engine.Status().Hooks {
			if h.Name == "signup" {
				return h.Secrets[0].Used
			}
		}
		return 0
	}
	tests := []struct {
		name, from, media string
		status            int
		used              uint64
	}{
		{"Elsewhere", "198.51.100.7", "application/json", 403, 0},
		{"NoJSON", "192.0.2.7", "text/plain", 415, 0},
		{"LetIn", "192.0.2.7", "application/json", 200, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := d.dial()
			l.t = t
			l.send("POST /hooks/signup HTTP/1.1\r\nHost: x\r\nContent-Type: " + tt.media + "\r\nAuthorization: " + secret + "z\r\nX-Forwarded-For: " +
				tt.from + fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n", len(text)) + text)
			if status, got, _ := l.readResponse(); status != tt.status || used() != tt.used {
				t.Errorf("got %d %s, %d times used", status, got, used())
			}
		})
	}
}

// TestNoKeysYet: if the server has no keys yet, the caller gets 503, so that Okta repeats the call
// where it does.
func TestNoKeysYet(t *testing.T) {
	a := newAuthServer(t)
	token := a.token(t, "c", time.Now().Add(time.Hour))
	a.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "later") })
	d := startTokenGate(t, a, issuer.Options{Wait: time.Millisecond})
	l := d.dial()
	l.send(requestHead(requestLine, "Authorization: Bearer "+token, fmt.Sprint("Content-Length: ", len(body))) + body)
	l.wantResponse(503, "")
	l = d.dial()
	l.send(requestHead(requestLine, "Authorization: Bearer x"+token, fmt.Sprint("Content-Length: ", len(body))) + body)
	l.wantResponse(401, "")
}

// TestUnknownKeyIDs: while an issuer's keys cannot be fetched, tokens with unknown key ids count as
// failures, except from trusted addresses.
func TestUnknownKeyIDs(t *testing.T) {
	for _, friend := range []bool{false, true} {
		t.Run(fmt.Sprintf("Friend%t", friend), func(t *testing.T) {
			a := newAuthServer(t)
			var down atomic.Bool
			up, hang := a.Config.Handler, make(chan struct{})
			a.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if down.Load() {
					<-hang
				}
				up.ServeHTTP(w, r)
			})
			d := startTokenGate(t, a, issuer.Options{})
			t.Cleanup(func() { close(hang) })
			good := a.token(t, "c", time.Now().Add(time.Hour))
			send := func(token string) int {
				l := d.dial()
				defer l.Close()
				status, _, _ := l.send(requestHead(requestLine, "Authorization: Bearer "+token, fmt.Sprint("Content-Length: ", len(body))) + body).readResponse()
				return status
			}
			if friend && send(good) != 200 {
				t.Fatal("the right token is refused")
			}
			down.Store(true)
			_, rest, _ := strings.Cut(good, ".")
			got := map[int]int{}
			end := time.Now().Add(testTimeout)
			for i := 0; i < 40 || !friend && got[429] == 0 && time.Now().Before(end); i++ { // one a second is forgiven
				got[send(b64(fmt.Appendf(nil, `{"alg":"RS256","kid":"k%d"}`, i))+"."+rest)]++
			}
			if friend && got[503] != 40 || !friend && (got[503] < 32 || got[429] == 0) {
				t.Errorf("got %v", got)
			}
			if status := send(good); status != 200 {
				t.Errorf("afterwards: %d", status)
			}
		})
	}
}

const orgPolicy = `tenterhook: 1
orgs:
  acme: {hosts: [acme.okta.com, login.acme.example]}
  other: {hosts: other.okta.com}
hooks:
  - name: import
    type: password-import
    org: acme
    auth: [{header: Authorization, secret: ` + secret + `}]
    rules:
      - name: r
        verify: false
  - name: token
    type: token
    org: acme
    auth: [{header: Authorization, secret: ` + secret + `x}]
    rules:
      - name: r
        debug: {a: b}
  - name: events
    type: event
    org: other
    auth: [{header: Authorization, secret: ` + secret + `y}]
    rules:
      - name: r
        log: a
  - name: signup
    type: registration
    org: other
    auth: [{header: Authorization, secret: ` + secret + `z}]
    rules:
      - name: r
        debug: {a: b}
`

func TestOrg(t *testing.T) {
	event := `"eventType":"com.okta.event_hook","data":{"events":[]}`
	password := `"eventType":"com.okta.user.credential.password.import","data":{}`
	token := func(issuer string) string {
		return `"eventType":"com.okta.oauth2.tokens.transform","data":{"context":{"protocol":{"issuer":{"uri":"` + issuer + `"}}}}`
	}
	tests := []struct {
		name, hook, end, source, rest string
		status                        int
	}{
		{"Own", "import", "", "https://acme.okta.com/api/v1/inlineHooks/cal1", password, 200},
		{"CustomDomain", "import", "", "https://login.acme.example/api/v1/inlineHooks/cal1", password, 200},
		{"AnyCase", "import", "", "HTTPS://Acme.Okta.COM/api", password, 200},
		{"Port", "import", "", "https://acme.okta.com:443/api", password, 200},
		{"OwnUnreadable", "import", "", "https://acme.okta.com/api/v1/inlineHooks/cal1", password + `,"a":1,"a":2`, 200},
		{"AnotherUnreadable", "import", "", "https://other.okta.com/api/v1/inlineHooks/cal1", password + `,"a":1,"a":2`, 403},
		{"TokenOfAnotherIssuerUnreadable", "token", "x", "https://acme.okta.com/oauth2/default/v1/authorize", token("https://other.okta.com/oauth2/default") + `,"a":1,"a":2`, 403},
		{"Another", "import", "", "https://other.okta.com/api/v1/inlineHooks/cal1", password, 403},
		{"Stranger", "import", "", "https://acme.okta.com.evil.example/api", password, 403},
		{"UserBeforeTheHost", "import", "", "https://acme.okta.com@evil.example/", password, 403},
		{"HostBehindAUser", "import", "", "https://evil.example@acme.okta.com/", password, 403},
		{"AnotherBehindAUser", "import", "", "https://acme.okta.com:443@evil.example/x", password, 403},
		{"NoScheme", "import", "", "//acme.okta.com/x", password, 403},
		{"OtherScheme", "import", "", "javascript://acme.okta.com/x", password, 403},
		{"PortOfLetters", "import", "", "https://acme.okta.com:pw/x", password, 403},
		{"NoSource", "import", "", "", password, 403},
		{"Token", "token", "x", "https://acme.okta.com/oauth2/default/v1/authorize", token("https://acme.okta.com/oauth2/default"), 200},
		{"TokenOfAnotherIssuer", "token", "x", "https://acme.okta.com/oauth2/default/v1/authorize", token("https://other.okta.com/oauth2/default"), 403},
		{"TokenOfAnotherSource", "token", "x", "https://other.okta.com/oauth2/default/v1/authorize", token("https://acme.okta.com/oauth2/default"), 403},
		{"Events", "events", "y", "https://other.okta.com/api/v1/eventHooks/who1", event, 200},
		{"EventsOfAnother", "events", "y", "https://acme.okta.com/api/v1/eventHooks/who1", event, 403},
		{"TokenWithoutIssuer", "token", "x", "https://acme.okta.com/oauth2/default/v1/authorize", `"eventType":"com.okta.oauth2.tokens.transform","data":{}`, 403},
		{"NoBareID", "signup", "z", "https:/evil.example", `"eventType":"com.okta.user.pre-registration","data":{}`, 403},
		{"BareID", "signup", "z", "reg1", `"eventType":"com.okta.user.pre-registration","data":{}`, 200},
	}
	d := startGate(t, orgPolicy, gate.Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := `{"source":"` + tt.source + `",` + tt.rest + `}`
			l := d.dial()
			l.t = t
			told := ""
			if tt.status == 403 {
				told = `{"error":"org"}`
			}
			l.send(requestHead("POST /hooks/"+tt.hook+" HTTP/1.1", "Authorization: "+secret+tt.end, fmt.Sprint("Content-Length: ", len(text))) + text)
			if status, got, _ := l.readResponse(); status != tt.status || told != "" && got != told {
				t.Errorf("got %d %s, want %d", status, got, tt.status)
			}
		})
	}
	for _, h := range d.engine.Status().Hooks {
		if want := map[string]uint64{"import": 10, "token": 4, "events": 1, "signup": 1}[h.Name]; h.Foreign != want || h.Org == "" {
			t.Errorf("%s of %s: %d foreign calls, want %d", h.Name, h.Org, h.Foreign, want)
		}
	}
}
