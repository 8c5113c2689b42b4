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
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// paired writes a certificate for 127.0.0.1 that signs itself, and its key; who trusts it is returned.
func paired(t *testing.T, cert, key string) *x509.CertPool {
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

// secure serves over TLS on any address, the admin listener too, and shows a new certificate without a restart.
func secure(t *testing.T, bin string) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	first := paired(t, cert, key)
	policy := folder(t, map[string]string{"policy.yaml": strings.Replace(versioned(1), "auth: none", "auth: [{header: Authorization, secret: a-secret-that-is-long-enough}]", 1)})
	p := launch(t, bin, policy, "--listen=0.0.0.0:0", "--admin=0.0.0.0:0", "--tls-cert", cert, "--tls-key", key)
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
		}{{http.MethodGet, port(p.admin) + "/readyz", nil}, {http.MethodPost, port(p.hooks) + "/hooks/a", call(hook.Token, "one")}} {
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
	second := paired(t, cert, key)
	p.until("new", func() bool { return ask(second) == nil })
	if err := ask(first); err == nil {
		t.Error("the old one is shown")
	}
	p.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: second, ServerName: "hooks.example.com"}}
	p.admin = port(p.admin)
	if left := p.metric("certificate_expiry_seconds", `name="hooks.example.com"`); left < 3600 || left > 24*3600 {
		t.Errorf("%v seconds left", left)
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.until("ended", p.ended)
}
