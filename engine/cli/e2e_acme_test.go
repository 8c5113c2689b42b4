package cli_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// How long certificates live, in seconds. One that lives no longer than the time between two looks at it is due at every start.
const (
	lasting  = 90 * 24 * 60 * 60
	fleeting = 10 * 60
)

// directory is a real ACME server, which asks at two ports of this machine whether localhost is ours.
type directory struct {
	url               string
	root              string // file of the authority of the server itself
	roots             *x509.CertPool
	down              atomic.Bool // it answers nothing but that
	asked             atomic.Int64
	tlsPort, httpPort int
}

// newDirectory makes one whose certificates live so many seconds.
func newDirectory(t *testing.T, life uint64) *directory {
	t.Helper()
	for name, value := range map[string]string{"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"} {
		t.Setenv(name, value)
	}
	d := &directory{roots: x509.NewCertPool(), tlsPort: free(t), httpPort: free(t)}
	quiet, store := log.New(io.Discard, "", 0), db.NewMemoryStore()
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: life}})
	front := wfe.New(quiet, store, va.New(quiet, d.httpPort, d.tlsPort, false, "", store), authority, []string{"ca.example"}, false, false, 0, 0)
	handler := front.Handler()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.asked.Add(1)
		if d.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	d.url, d.root = s.URL+wfe.DirectoryPath, filepath.Join(t.TempDir(), "root.pem")
	write(t, d.root, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	d.roots.AddCert(authority.GetRootCert(0).Cert)
	return d
}

// free is a port that nobody listens at, and that the system gives to nobody who does not ask for it.
func free(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// host is a serve with a certificate from a directory.
type host struct {
	*process
	d *directory
}

func (d *directory) serve(t *testing.T, bin, data string, args ...string) *host {
	t.Helper()
	policy := folder(t, map[string]string{"policy.yaml": strings.Replace(versioned(1), "auth: none", "auth: [{header: Authorization, secret: a-secret-that-is-long-enough}]", 1)})
	return &host{launch(t, bin, append([]string{policy, "--listen", net.JoinHostPort("127.0.0.1", strconv.Itoa(d.tlsPort)), "--data", data,
		"--acme-domain", "localhost", "--acme-email", "ops@example.com", "--acme-directory", d.url, "--acme-root", d.root}, args...)...), d}
}

// call calls a hook over a connection of its own, by the name that the certificate is for, and gives what was shown.
func (h *host) call() (*x509.Certificate, error) {
	h.t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: h.d.roots, ServerName: "localhost"}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.hooks+"/hooks/a", bytes.NewReader(call(hook.Token, "e")))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "a-secret-that-is-long-enough")
	answer, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK || string(text) != `{"debugContext":{"b":1}}` {
		h.t.Errorf("got %d %q, %v", answer.StatusCode, text, err)
	}
	return answer.TLS.PeerCertificates[0], nil
}

// shows waits until calls are answered over another certificate than one, which may be nil, and gives it.
func (h *host) shows(other *x509.Certificate) (shown *x509.Certificate) {
	h.t.Helper()
	h.until("shown", func() (ok bool) {
		c, err := h.call()
		shown = c
		return err == nil && !c.Equal(other)
	})
	return shown
}

// tells waits for words in the log.
func (h *host) tells(words string) {
	h.t.Helper()
	h.until("told: "+words, func() bool { return strings.Contains(h.errs.String(), words) })
}

// acme lives with an authority: a certificate is got by the hooks' own listener, is used by the next start while the authority fails,
// and is replaced while calls are answered.
func acme(t *testing.T, bin string) {
	d, data := newDirectory(t, fleeting), t.TempDir()
	p := d.serve(t, bin, data)
	if !strings.HasPrefix(p.hooks, "https://") {
		t.Fatalf("got %s", p.hooks)
	}
	first := p.shows(nil)
	p.tells(`msg="got a certificate" domain=localhost renewal=false`)
	if left := p.metric("certificate_expiry_seconds", `name="localhost"`); left <= 0 || left > fleeting {
		t.Errorf("%v seconds left", left)
	}
	p.stop(0)

	d.down.Store(true)
	p = d.serve(t, bin, data)
	p.tells(`msg="a certificate cannot be got; it is tried again" domain=localhost renewal=true`)
	if c, err := p.call(); err != nil || !c.Equal(first) {
		t.Errorf("the last good one is not used: %v", err)
	}
	p.stop(0)

	d.down.Store(false)
	p = d.serve(t, bin, data)
	p.shows(first)
	p.tells(`msg="got a certificate" domain=localhost renewal=true`)
	p.stop(0)
}

// acmeByHTTP has the authority ask at port 80, because at the hooks' listener it would be turned away; the next start has the
// certificate without asking.
func acmeByHTTP(t *testing.T, bin string) {
	d, data := newDirectory(t, lasting), t.TempDir()
	serve := func() *host {
		return d.serve(t, bin, data, "--acme-http", net.JoinHostPort("127.0.0.1", strconv.Itoa(d.httpPort)), "--allow-from", "127.0.0.1/32")
	}
	p := serve()
	first := p.shows(nil)
	p.tells(`msg="got a certificate" domain=localhost renewal=false`)
	p.stop(0)

	asked := d.asked.Load()
	p = serve()
	if c := p.shows(nil); !c.Equal(first) {
		t.Error("another one is shown")
	}
	p.stop(0)
	if n := d.asked.Load() - asked; n > 2 { // it may ask when to renew
		t.Errorf("it asked %d times", n)
	}
}
