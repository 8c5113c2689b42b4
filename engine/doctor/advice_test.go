package doctor_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/doctor"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// TestSetHost: SetHost replaces the org's host where a call has one, and nothing else.
func TestSetHost(t *testing.T) {
	for _, name := range sample.Names() {
		t.Run(name, func(t *testing.T) {
			call, _ := sample.Named(name)
			got, err := doctor.SetHost("acme.okta.com", call)
			if err != nil {
				t.Fatal(err)
			}
			var d jsondoc.Doc
			if err := d.Parse(got, jsondoc.Limits{}); err != nil {
				t.Fatal(err)
			}
			if source := d.Root().Get("source").Text(); strings.Contains(source, "://") && !strings.HasPrefix(source, "https://acme.okta.com/") {
				t.Errorf("source %s", source)
			}
			if uri := d.Root().Pointer("/data/context/protocol/issuer/uri").Text(); strings.HasPrefix(name, "token") != strings.HasPrefix(uri, "https://acme.okta.com/") {
				t.Errorf("issuer %s", uri)
			}
			back, err := doctor.SetHost("login.example.com", got)
			if err != nil || string(back) != string(call) {
				t.Errorf("other members have changed: %v\n%s", err, back)
			}
		})
	}
	for _, call := range []string{`{}`, `{"source":5}`, `{"source":"https://x"}`, `{"source":"https://x?y"}`} {
		if got, err := doctor.SetHost("h", []byte(call)); err != nil || strings.Contains(string(got), "//x") {
			t.Errorf("%s: %s %v", call, got, err)
		}
	}
	if _, err := doctor.SetHost("h", []byte(`{`)); err == nil {
		t.Error("no error for invalid JSON")
	}
}

func TestForbidden(t *testing.T) {
	tests := []struct {
		name, body, says string
		typ              hook.Type
	}{
		{"Org", `{"error":"org"}`, "--host acme.okta.com", hook.Token},
		{"Unsaid", ``, "--allow-from", hook.Token},
		{"NamesNone", ``, "--allow-from", hook.Registration},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := examine(t, tt.typ, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, tt.body)
			}, nil)
			if f := findingOf(r, "calls"); f.Grade != doctor.Wrong || !strings.Contains(f.Advice, tt.says) || !r.Enterable() {
				t.Errorf("got %+v", f)
			}
		})
	}
}

// TestTokens compares a rejected token with the policy's oauth settings, without printing the
// token.
func TestTokens(t *testing.T) {
	const text = `tenterhook: 1
hooks:
  - name: a
    type: token
    auth: [{oauth: {issuer: https://acme.okta.com/oauth2/default, audience: "api://default", client: c, scope: s}}]
    rules: [{name: r, debug: {a: b}}]
  - name: b
    type: token
    auth: [{header: Authorization, secret: a-secret-that-is-long-enough}]
    rules: [{name: r, debug: {a: b}}]
`
	s, err := rules.Load(folder.New(map[string][]byte{"policy.yaml": []byte(text)}), rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	token := func(scope string) string {
		payload, _ := json.Marshal(map[string]any{"iss": "https://acme.okta.com/oauth2/default", "aud": "api://default", "cid": "c",
			"scp": []string{scope}, "exp": time.Now().Add(time.Hour).Unix()})
		encode := base64.RawURLEncoding.EncodeToString
		return "Bearer " + encode([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + encode(payload) + "." + encode([]byte("signature"))
	}
	tests := []struct {
		name       string
		hook       *rules.Hook
		credential string
		says       string
	}{
		{"Scope", s.Hooks()[0], token("other"), `its scp is "other": want "s"`},
		{"Signature", s.Hooks()[0], token("s"), "signed by its issuer"},
		{"NoToken", s.Hooks()[0], "another-secret", "this hook needs an access token"},
		{"NoOAuth", s.Hooks()[1], token("s"), "adds no scheme"},
		{"NoPolicy", nil, token("s"), "give --hook and --policy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := examine(t, hook.Token, validHandler(hook.Token), func(o *doctor.Options) { o.Headers, o.Hook = credentialFields(tt.credential), tt.hook })
			if f := findingOf(r, "calls"); f.Grade != doctor.Wrong || !strings.Contains(f.Advice, tt.says) || strings.Contains(f.Text+f.Advice, tt.credential[7:]) {
				t.Errorf("got %+v", f)
			}
		})
	}
}

// TestEnterable: a URL is enterable whatever is wrong with the hook behind it.
func TestEnterable(t *testing.T) {
	tests := []struct {
		name    string
		handler http.HandlerFunc
		change  func(*doctor.Options)
		want    bool
	}{
		{"Good", validHandler(hook.Token), nil, true},
		{"OtherSecret", validHandler(hook.Token), func(o *doctor.Options) { o.Headers = credentialFields("other") }, true},
		{"NotFound", http.NotFound, nil, false},
		{"Redirect", http.RedirectHandler("/elsewhere", http.StatusMovedPermanently).ServeHTTP, nil, false},
		{"Plain", validHandler(hook.Token), func(o *doctor.Options) { o.URL = strings.Replace(o.URL, "https:", "http:", 1) }, false},
		{"OtherName", validHandler(hook.Token), func(o *doctor.Options) { o.URL = strings.Replace(o.URL, "127.0.0.1", "localhost", 1) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if r := examine(t, hook.Token, tt.handler, tt.change); r.Enterable() != tt.want {
				t.Errorf("got %v: %+v", !tt.want, r.Findings)
			}
		})
	}
}

// TestWrongProtocol: plain HTTP to a TLS port, and TLS to a server that hangs up.
func TestWrongProtocol(t *testing.T) {
	r := examine(t, hook.Token, validHandler(hook.Token), func(o *doctor.Options) { o.URL = strings.Replace(o.URL, "https:", "http:", 1) })
	if f := findingOf(r, "connection"); f.Text != "this port speaks TLS" || f.Advice != "use https://" {
		t.Errorf("got %+v", r.Findings)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
	}()
	r = examine(t, hook.Token, validHandler(hook.Token), func(o *doctor.Options) { o.URL = "https://" + l.Addr().String() })
	if f := findingOf(r, "certificate"); !strings.Contains(f.Advice, "does not allow this address") {
		t.Errorf("got %+v", r.Findings)
	}
	l.Close()
	<-gone
}

// TestHost: the calls name the org's host.
func TestHost(t *testing.T) {
	for _, typ := range []hook.Type{hook.Token, hook.EventHook} {
		var last string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var call struct{ Source string }
			if json.NewDecoder(r.Body).Decode(&call) == nil {
				last = call.Source // there is one call at a time
			}
			w.Write([]byte(`{}`))
		}))
		_, err := doctor.Examine(t.Context(), doctor.Options{URL: s.URL, Type: typ, Headers: credentialFields(secret), Calls: 1, Host: "acme.okta.com"})
		s.Close()
		if err != nil || !strings.HasPrefix(last, "https://acme.okta.com/") {
			t.Errorf("%v: called as %q, %v", typ, last, err)
		}
	}
}
