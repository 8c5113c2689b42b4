package cli_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// writeCertificate writes a self-signed certificate and its key, and returns a pool with it.
func writeCertificate(t *testing.T, cert, key string) *x509.CertPool {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{"hooks.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for path, b := range map[string][]byte{cert: public, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(public)
	return pool
}

// testTLS serves both listeners over TLS on any address, and uses a new certificate without a
// restart.
func testTLS(t *testing.T, bin string) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	first := writeCertificate(t, cert, key)
	policy := newFolder(t, map[string]string{"policy.yaml": strings.Replace(policyVersion(1), "auth: none", "auth: [{header: Authorization, secret: a-secret-that-is-long-enough}]", 1)})
	p := startServer(t, bin, policy, "--listen=0.0.0.0:0", "--admin=0.0.0.0:0", "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(p.hooks, "https://") || !strings.HasPrefix(p.admin, "https://") {
		t.Fatalf("got %s and %s", p.hooks, p.admin)
	}
	port := func(url string) string { return "https://127.0.0.1" + url[strings.LastIndexByte(url, ':'):] }
	ask := func(pool *x509.CertPool) error {
		t.Helper()
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "hooks.example.com"}}
		defer transport.CloseIdleConnections()
		c := &http.Client{Transport: transport, Timeout: time.Minute}
		for _, to := range []struct {
			method, url string
			body        []byte
		}{{http.MethodGet, port(p.admin) + "/readyz", nil}, {http.MethodPost, port(p.hooks) + "/hooks/a", sampleCall(hook.Token, "one")}} {
			request, err := http.NewRequestWithContext(t.Context(), to.method, to.url, bytes.NewReader(to.body))
			if err != nil {
				return err
			}
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Authorization", "a-secret-that-is-long-enough")
			answer, err := c.Do(request)
			if err != nil {
				return err
			}
			text, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			if err != nil || answer.StatusCode != http.StatusOK {
				t.Errorf("%s: got %d %q, %v", to.url, answer.StatusCode, text, err)
			}
		}
		return nil
	}
	if err := ask(first); err != nil {
		t.Error(err)
	}
	second := writeCertificate(t, cert, key)
	p.waitUntil("new", func() bool { return ask(second) == nil })
	if err := ask(first); err == nil {
		t.Error("the old certificate is still used")
	}
	p.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: second, ServerName: "hooks.example.com"}}
	p.admin = port(p.admin)
	if left := p.metric("certificate_expiry_seconds", `name="hooks.example.com"`); left < 3600 || left > 24*3600 {
		t.Errorf("%v seconds left", left)
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.waitUntil("ended", p.hasEnded)
}

// Lifetimes of certificates in seconds. A certificate with the short one is due for renewal at
// every start.
const (
	longLife  = 90 * 24 * 60 * 60
	shortLife = 10 * 60
)

// acmeServer is a real ACME server, which validates localhost at two ports of this machine.
type acmeServer struct {
	url               string
	root              string // file with the authority of the server itself
	roots             *x509.CertPool
	down              atomic.Bool // it answers 503
	requests          atomic.Int64
	tlsPort, httpPort int
}

// newACMEServer starts a server whose certificates live so many seconds.
func newACMEServer(t *testing.T, life uint64) *acmeServer {
	t.Helper()
	for name, value := range map[string]string{"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"} {
		t.Setenv(name, value)
	}
	d := &acmeServer{roots: x509.NewCertPool(), tlsPort: freePort(t), httpPort: freePort(t)}
	quiet, store := log.New(io.Discard, "", 0), db.NewMemoryStore()
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: life}})
	front := wfe.New(quiet, store, va.New(quiet, d.httpPort, d.tlsPort, false, "", store), authority, []string{"ca.example"}, false, false, 0, 0)
	handler := front.Handler()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.requests.Add(1)
		if d.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	d.url, d.root = s.URL+wfe.DirectoryPath, filepath.Join(t.TempDir(), "root.pem")
	writeFile(t, d.root, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	d.roots.AddCert(authority.GetRootCert(0).Cert)
	return d
}

// freePort returns an unused port outside the range of ephemeral ports.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 10_000 + mathrand.IntN(20_000)
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("there is no free port")
	return 0
}

// acmeClient is a server with a certificate from an acmeServer.
type acmeClient struct {
	*process
	d *acmeServer
}

func (d *acmeServer) serve(t *testing.T, bin, data string, args ...string) *acmeClient {
	t.Helper()
	policy := newFolder(t, map[string]string{"policy.yaml": strings.Replace(policyVersion(1), "auth: none", "auth: [{header: Authorization, secret: a-secret-that-is-long-enough}]", 1)})
	return &acmeClient{startServer(t, bin, append([]string{policy, "--listen", net.JoinHostPort("127.0.0.1", strconv.Itoa(d.tlsPort)), "--data", data,
		"--acme-domain", "localhost", "--acme-email", "ops@example.com", "--acme-directory", d.url, "--acme-root", d.root}, args...)...), d}
}

// fetchCertificate calls a hook over a new connection and returns the server's certificate.
func (h *acmeClient) fetchCertificate() (*x509.Certificate, error) {
	h.t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: h.d.roots, ServerName: "localhost"}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.hooks+"/hooks/a", bytes.NewReader(sampleCall(hook.Token, "e")))
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

// waitForCertificate waits until the server uses a certificate different from other, and returns
// it.
func (h *acmeClient) waitForCertificate(other *x509.Certificate) (shown *x509.Certificate) {
	h.t.Helper()
	h.waitUntil("shown", func() (ok bool) {
		c, err := h.fetchCertificate()
		shown = c
		return err == nil && !c.Equal(other)
	})
	return shown
}

// waitForLog waits until the log contains a text.
func (h *acmeClient) waitForLog(words string) {
	h.t.Helper()
	h.waitUntil("told: "+words, func() bool { return strings.Contains(h.errs.String(), words) })
}

// testACME gets a certificate through the hooks' listener, uses it after a restart while the
// authority is down, and renews it during calls.
func testACME(t *testing.T, bin string) {
	d, data := newACMEServer(t, shortLife), t.TempDir()
	p := d.serve(t, bin, data)
	if !strings.HasPrefix(p.hooks, "https://") {
		t.Fatalf("got %s", p.hooks)
	}
	first := p.waitForCertificate(nil)
	p.waitForLog(`msg="obtained a certificate" domain=localhost renewal=false`)
	if left := p.metric("certificate_expiry_seconds", `name="localhost"`); left <= 0 || left > shortLife {
		t.Errorf("%v seconds left", left)
	}
	p.stop(0)

	d.down.Store(true)
	p = d.serve(t, bin, data)
	p.waitForLog(`msg="a certificate cannot be obtained; it will be retried" domain=localhost renewal=true`)
	if c, err := p.fetchCertificate(); err != nil || !c.Equal(first) {
		t.Errorf("the last good certificate is not used: %v", err)
	}
	p.stop(0)

	d.down.Store(false)
	p = d.serve(t, bin, data)
	p.waitForCertificate(first)
	p.waitForLog(`msg="obtained a certificate" domain=localhost renewal=true`)
	p.stop(0)
}

// testACMEByHTTP has the authority validate over HTTP, because --allow-from would reject it at the
// hooks' listener. The next start uses the stored certificate.
func testACMEByHTTP(t *testing.T, bin string) {
	d, data := newACMEServer(t, longLife), t.TempDir()
	serve := func() *acmeClient {
		return d.serve(t, bin, data, "--acme-http", net.JoinHostPort("127.0.0.1", strconv.Itoa(d.httpPort)), "--allow-from", "127.0.0.1/32")
	}
	p := serve()
	first := p.waitForCertificate(nil)
	p.waitForLog(`msg="obtained a certificate" domain=localhost renewal=false`)
	p.stop(0)

	asked := d.requests.Load()
	p = serve()
	if c := p.waitForCertificate(nil); !c.Equal(first) {
		t.Error("another certificate is used")
	}
	p.stop(0)
	if n := d.requests.Load() - asked; n > 2 { // it may ask for the renewal time
		t.Errorf("%d requests", n)
	}
}
