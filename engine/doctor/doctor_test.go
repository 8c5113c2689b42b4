package doctor_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/doctor"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

const secret = "Bearer a-secret-that-is-long-enough"

// validHandler answers correctly for a hook of the type.
func validHandler(t hook.Type) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != secret:
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodGet:
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(map[string]string{"verification": r.Header.Get("X-Okta-Verification-Challenge")})
		case t == hook.EventHook:
		default:
			w.Write(hook.OpenAnswer(t))
		}
	}
}

func credentialFields(value string) http.Header { return http.Header{"Authorization": {value}} }

// examine examines a TLS server of its own; change can adjust the options.
func examine(t *testing.T, typ hook.Type, h http.HandlerFunc, change func(*doctor.Options)) *doctor.Report {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	o := doctor.Options{URL: s.URL + "/hooks/h", Type: typ, Headers: credentialFields(secret), Calls: 3, Roots: pool}
	if change != nil {
		change(&o)
	}
	r, err := doctor.Examine(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func findingOf(r *doctor.Report, subject string) doctor.Finding {
	for _, f := range r.Findings {
		if f.Subject == subject {
			return f
		}
	}
	return doctor.Finding{Text: "no finding about " + subject}
}

func TestValidEndpoint(t *testing.T) {
	for _, typ := range hook.Types() {
		t.Run(typ.String(), func(t *testing.T) {
			r := examine(t, typ, validHandler(typ), nil)
			for _, f := range r.Findings {
				if f.Grade != doctor.OK && f.Subject != "address" { // test servers are on loopback
					t.Errorf("%s: %s: %s", f.Grade, f.Subject, f.Text)
				}
			}
			if r.Times == nil || r.Times.Calls != 3 || r.Times.Longest < r.Times.Median {
				t.Errorf("times: %+v", r.Times)
			}
		})
	}
}

func TestFindings(t *testing.T) {
	answers := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != secret {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			fmt.Fprint(w, text)
		}
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	rejectsBroken := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if text, err := io.ReadAll(r.Body); err != nil || !json.Valid(text) {
				w.WriteHeader(code)
				return
			}
			answers(`{}`)(w, r)
		}
	}
	tests := []struct {
		name    string
		typ     hook.Type
		handler http.HandlerFunc
		change  func(*doctor.Options)
		subject string
		grade   doctor.Grade
		says    string
	}{
		{"OpenToAll", hook.Token, unauthenticatedHandler, nil, "wrong secret", doctor.Wrong, "anybody can call"},
		{"NoSecret", hook.Token, unauthenticatedHandler, nil, "no secret", doctor.Wrong, "anybody can call"},
		{"NotGiven", hook.Token, validHandler(hook.Token), func(o *doctor.Options) { o.Headers = nil }, "calls", doctor.Wrong, "--header 'Authorization: …'"},
		{"OtherSecret", hook.Token, validHandler(hook.Token), func(o *doctor.Options) { o.Headers = credentialFields("other") }, "calls", doctor.Wrong, "adds no scheme"},
		{"NotFound", hook.Token, status(404), nil, "calls", doctor.Wrong, "no hook is served"},
		{"Fault", hook.Token, status(500), nil, "no secret", doctor.Warning, "retries after"},
		{"Redirect", hook.Token, http.RedirectHandler("/elsewhere", http.StatusMovedPermanently).ServeHTTP, nil, "calls", doctor.Wrong, "does not follow redirects"},
		{"NotApplied", hook.Token, answers(`{"commands":[{"type":"com.okta.identity.path","value":[]}]}`), nil, "calls", doctor.Wrong, "would not apply"},
		{"NotJSON", hook.SAML, answers(`<html>`), nil, "calls", doctor.Wrong, "the answer"},
		{"BrokenCallAnswered", hook.SAML, answers(`{}`), nil, "broken call", doctor.OK, "would apply"},
		{"BrokenCallRejected", hook.SAML, rejectsBroken(400), nil, "broken call", doctor.Warning, "status 400 want 200"},
		{"BrokenCallFails", hook.SAML, rejectsBroken(500), nil, "broken call", doctor.Warning, "status 500 want 200"},
		{"NoChallenge", hook.EventHook, answers(`{}`), nil, "verification", doctor.Wrong, "would not verify"},
		{"Expires", hook.Token, validHandler(hook.Token), func(o *doctor.Options) { o.Now = relativeToExpiry(o, -24*time.Hour) }, "certificate", doctor.Warning, "expires soon"},
		{"Expired", hook.Token, validHandler(hook.Token), func(o *doctor.Options) { o.Now = relativeToExpiry(o, time.Hour) }, "certificate", doctor.Wrong, "renew"},
		{"Untrusted", hook.Token, validHandler(hook.Token), func(o *doctor.Options) { o.Roots = x509.NewCertPool() }, "certificate", doctor.Wrong, "only public authorities"},
		{"OtherName", hook.Token, validHandler(hook.Token), func(o *doctor.Options) { o.URL = strings.Replace(o.URL, "127.0.0.1", "localhost", 1) }, "certificate", doctor.Wrong, "get a certificate for localhost"},
		{"Nobody", hook.Token, validHandler(hook.Token), func(o *doctor.Options) { o.URL = "https://127.0.0.1:1/hooks/h" }, "certificate", doctor.Wrong, "no server speaks TLS"},
		{"Private", hook.Token, validHandler(hook.Token), nil, "address", doctor.Warning, "cannot reach"},
		{"Query", hook.Token, validHandler(hook.Token), func(o *doctor.Options) { o.URL += "?key=x" }, "url", doctor.Warning, "put secrets in headers"},
		{"Long", hook.Token, validHandler(hook.Token), func(o *doctor.Options) { o.URL += "/" + strings.Repeat("x", 1100) }, "url", doctor.Wrong, "1,024"},
		{"Password", hook.Token, validHandler(hook.Token), func(o *doctor.Options) { o.URL = strings.Replace(o.URL, "//", "//okta:hunter2@", 1) }, "url", doctor.Wrong, "Basic"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := examine(t, tt.typ, tt.handler, tt.change)
			f := findingOf(r, tt.subject)
			if f.Grade != tt.grade || !strings.Contains(f.Text+" "+f.Advice, tt.says) {
				t.Errorf("%s: got %s: %s; %s", f.Subject, f.Grade, f.Text, f.Advice)
			}
			for _, f := range r.Findings {
				if text := f.Text + f.Advice; strings.Contains(text, "hunter2") || strings.Contains(text, "long-enough") {
					t.Errorf("a secret is printed: %s", text)
				}
			}
		})
	}
}

func unauthenticatedHandler(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) }

// relativeToExpiry returns a clock that is d after the expiry of the test server's certificate.
func relativeToExpiry(o *doctor.Options, d time.Duration) func() time.Time {
	c, err := tls.Dial("tcp", strings.TrimPrefix(strings.TrimSuffix(o.URL, "/hooks/h"), "https://"), &tls.Config{RootCAs: o.Roots})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	return func() time.Time { return c.ConnectionState().PeerCertificates[0].NotAfter.Add(d) }
}

func TestPlainHTTP(t *testing.T) {
	s := httptest.NewServer(validHandler(hook.Token))
	defer s.Close()
	r, err := doctor.Examine(context.Background(), doctor.Options{URL: s.URL, Type: hook.Token, Headers: credentialFields(secret), Calls: 1})
	if err != nil || findingOf(r, "url").Grade != doctor.Wrong || findingOf(r, "calls").Grade != doctor.OK || r.Worst() != doctor.Wrong {
		t.Errorf("plain http: %v, %+v", err, r)
	}
	s2 := httptest.NewServer(validHandler(hook.Token))
	defer s2.Close()
	r, err = doctor.Examine(context.Background(), doctor.Options{URL: strings.Replace(s2.URL, "http:", "https:", 1), Type: hook.Token})
	if f := findingOf(r, "certificate"); err != nil || !strings.Contains(f.Advice, "plain HTTP") {
		t.Errorf("TLS to a plain HTTP port: %v, %+v", err, f)
	}
}

// TestCredentialOverPlainHTTP: doctor sends neither the credential nor an altered one over plain
// HTTP.
func TestCredentialOverPlainHTTP(t *testing.T) {
	var calls, secrets atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.Header.Get("Authorization") != "" {
			secrets.Add(1)
		}
		validHandler(hook.EventHook)(w, r)
	}))
	defer s.Close()
	url := strings.Replace(s.URL, "127.0.0.1", "0.0.0.0", 1) // reaches this machine, but is not a loopback address
	r, err := doctor.Examine(context.Background(), doctor.Options{URL: url, Type: hook.EventHook, Headers: credentialFields(secret), Calls: 1})
	if err != nil || findingOf(r, "no secret").Grade != doctor.OK || findingOf(r, "calls").Grade != doctor.Skipped {
		t.Errorf("%v, %+v", err, r)
	}
	if calls.Load() != 1 || secrets.Load() != 0 {
		t.Errorf("%d calls, %d with a credential", calls.Load(), secrets.Load())
	}
}

func TestInvalidURL(t *testing.T) {
	for _, u := range []string{"", "hooks.example.com", "ftp://x", "https://", "://"} {
		if _, err := doctor.Examine(context.Background(), doctor.Options{URL: u, Type: hook.Token}); err == nil {
			t.Errorf("%q is accepted as a URL", u)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := doctor.Examine(ctx, doctor.Options{URL: "https://127.0.0.1:1", Type: hook.Token}); err == nil {
		t.Error("no error after a cancellation")
	}
}
