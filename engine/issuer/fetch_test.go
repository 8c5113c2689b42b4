package issuer_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/issuer"
)

// server is an authorization server, as far as anybody asks it for its keys.
type server struct {
	*httptest.Server
	asked atomic.Int64 // times for the keys

	mu   sync.Mutex // guards the fields below
	keys string
	lie  http.HandlerFunc // answers instead of the server's own handler, if not nil
}

func newServer(t testing.TB, keys string) *server {
	t.Helper()
	s := &server{keys: keys}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	keys, lie := s.keys, s.lie
	s.mu.Unlock()
	if r.URL.Path == "/keys" {
		s.asked.Add(1)
	}
	switch {
	case lie != nil:
		lie(w, r)
	case r.URL.Path == "/as/.well-known/oauth-authorization-server":
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, s.URL+"/as", s.URL+"/keys")
	case r.URL.Path == "/keys":
		io.WriteString(w, keys)
	default:
		http.NotFound(w, r)
	}
}

func (s *server) set(keys string, lie http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys, s.lie = keys, lie
}

func (s *server) oauth() string {
	return "{issuer: '" + s.URL + "/as', audience: 'api://default', client: 0oaClient, scope: tenterhook}"
}

// token is a good one of this server's.
func (s *server) token(kid string) string {
	return sign(rsaKey(), object{"kid": kid}, claims(object{"iss": s.URL + "/as"}))
}

// waitFor waits for a condition that takes a moment at most, with more time for a loaded machine.
func waitFor(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

var quick = issuer.Options{Refresh: 20 * time.Millisecond, Retry: 5 * time.Millisecond, Wait: time.Minute}

// slow fetches once, and then when it is asked to.
var slow = issuer.Options{Refresh: time.Hour, Retry: 5 * time.Millisecond, Wait: time.Minute}

func TestDiscovery(t *testing.T) {
	as := newServer(t, keySet(jwk("one", rsaKey(), nil)))
	r := newKeyring(t, slow)
	s := mustLoad(t, nil, as.oauth())
	r.Use(s) // waits for the keys
	if v := check(r, acceptedToken(s, 0), as.token("one")); v != issuer.Accepted {
		t.Errorf("got %v", v)
	}
}

func TestKeysAtAnAddress(t *testing.T) {
	as := newServer(t, keySet(jwk("one", rsaKey(), nil)))
	r := newKeyring(t, slow)
	s := mustLoad(t, nil, "{issuer: '"+at+"', audience: 'api://default', client: 0oaClient, scope: tenterhook, keys: '"+as.URL+"/keys'}")
	r.Use(s)
	if v := check(r, acceptedToken(s, 0), sign(rsaKey(), nil, claims(nil))); v != issuer.Accepted {
		t.Errorf("got %v", v)
	}
}

// badAnswers are responses for metadata and keys that yield no keys.
func badAnswers(url string) map[string]http.HandlerFunc {
	text := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
	}
	good := keySet(jwk("one", otherKey(), nil))
	keysAt := func(at string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/keys" {
				io.WriteString(w, good)
				return
			}
			fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, url+"/as", at)
		}
	}
	return map[string]http.HandlerFunc{
		"AnotherIssuer": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/keys" {
				io.WriteString(w, good)
				return
			}
			fmt.Fprintf(w, `{"issuer":"https://evil.example","jwks_uri":%q}`, url+"/keys")
		},
		"KeysWithoutTLS": keysAt("http://192.0.2.1/keys"),
		"KeysInAFile":    keysAt("file:///etc/passwd"),
		"KeysNowhere":    keysAt(""),
		"Page":           text("<html>log in</html>"),
		"Nothing":        text(""),
		"EmptySet":       text(`{"keys":[]}`),
		"Half":           text(good[:len(good)/2]),
		"MemberTwice":    text(strings.Replace(good, "{", `{"keys":[],`, 1)),
		"NotFound":       http.NotFound,
		"Broken":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); io.WriteString(w, good) },
		"AnotherSuccess": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(203); io.WriteString(w, good) },
		"Redirect":       http.RedirectHandler(url+"/elsewhere", http.StatusFound).ServeHTTP,
		"RedirectToItself": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusMovedPermanently)
		},
		"Huge": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"keys":[`)
			for range 1 << 12 {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1<<10)); err != nil {
					return
				}
			}
			io.WriteString(w, good[len(`{"keys":[`):])
		},
		"HalfBody": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			io.WriteString(w, good)
		},
		"HungUp": func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
		"HugeHeader": func(w http.ResponseWriter, _ *http.Request) {
			for i := range 200 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 1000))
			}
			io.WriteString(w, good)
		},
	}
}

// TestBadAnswers: keys stay in use after any bad answer, and new ones arrive with the first good
// answer.
func TestBadAnswers(t *testing.T) {
	for name := range badAnswers("http://127.0.0.1:1") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			as := newServer(t, keySet(jwk("one", rsaKey(), nil)))
			as.Config.ErrorLog = nil
			as.set(as.keys, badAnswers(as.URL)[name])
			var log lines
			o := quick
			o.Wait, o.Log = 20*time.Millisecond, slog.New(slog.NewTextHandler(&log, nil))
			r := newKeyring(t, o)
			s := mustLoad(t, nil, as.oauth())
			r.Use(s)
			token := as.token("one")
			logged := func(n int) func() bool {
				return func() bool { return strings.Count(log.String(), "cannot be fetched") >= n }
			}
			waitFor(t, "the log line", logged(1))
			if v := check(r, acceptedToken(s, 0), token); v != issuer.NoKeys {
				t.Fatalf("got %v before there are keys", v)
			}
			as.set(as.keys, nil)
			waitFor(t, "accepted", func() bool { return check(r, acceptedToken(s, 0), token) == issuer.Accepted })
			as.set(as.keys, badAnswers(as.URL)[name])
			waitFor(t, "the second log line", logged(2))
			if v := check(r, acceptedToken(s, 0), token); v != issuer.Accepted {
				t.Errorf("got %v by the last good keys", v)
			}
			if v := check(r, acceptedToken(s, 0), sign(otherKey(), nil, claims(object{"iss": as.URL + "/as"}))); v != issuer.Signature {
				t.Errorf("got %v for a token of the liar's", v)
			}
		})
	}
}

// lines is a log that a test reads while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// TestSlowServer: only the first Set that names a slow issuer waits for it, and only briefly.
func TestSlowServer(t *testing.T) {
	as := newServer(t, keySet(jwk("one", rsaKey(), nil)))
	release := make(chan struct{})
	as.set(as.keys, func(w http.ResponseWriter, r *http.Request) {
		<-release
		as.set(as.keys, nil)
		as.serve(w, r)
	})
	o := quick
	o.Wait = 10 * time.Millisecond
	r := newKeyring(t, o)
	s := mustLoad(t, nil, as.oauth())
	r.Use(s)
	token := as.token("one")
	for range 100 {
		if v := check(r, acceptedToken(s, 0), token); v != issuer.NoKeys {
			t.Fatalf("got %v", v)
		}
	}
	if v := check(r, acceptedToken(s, 0), as.token("one")+"x"); v != issuer.Malformed {
		t.Errorf("got %v for what is no token with any keys", v)
	}
	close(release)
	waitFor(t, "accepted", func() bool { return check(r, acceptedToken(s, 0), token) == issuer.Accepted })
}

// TestDown: a server that is not there, at first or later.
func TestDown(t *testing.T) {
	const url = "http://127.0.0.1:1"
	o := quick
	o.Wait = 10 * time.Millisecond
	r := newKeyring(t, o)
	s := mustLoad(t, nil, "{issuer: '"+url+"', audience: a, client: c, scope: s}")
	r.Use(s)
	token := sign(rsaKey(), nil, claims(object{"iss": url, "aud": "a", "cid": "c", "scp": "s"}))
	if v := check(r, acceptedToken(s, 0), token); v != issuer.NoKeys {
		t.Errorf("got %v", v)
	}
	waitFor(t, "the error in the status", func() bool { return strings.Contains(r.Status()[0].Error, "connection refused") })
}

// TestErrorsHideQueries: the query of an address may be a secret key.
func TestErrorsHideQueries(t *testing.T) {
	as := newServer(t, "")
	o := quick
	o.Wait = time.Millisecond
	r := newKeyring(t, o)
	r.Use(mustLoad(t, nil, "{issuer: '"+at+"', audience: a, client: c, scope: s, keys: '"+as.URL+"/keys?key=hunter2'}"))
	waitFor(t, "failed", func() bool { return strings.Contains(r.Status()[0].Error, "JSON Web Key Set") })
	as.Close()
	waitFor(t, "down", func() bool { return strings.Contains(r.Status()[0].Error, "refused") })
	if e := r.Status()[0].Error; strings.Contains(e, "hunter2") || !strings.Contains(e, as.URL+"/keys: ") {
		t.Errorf("the error quotes the query: %s", e)
	}
}
