package certificate_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/certificate"
)

// authority signs certificates.
type authority struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
	}
	a.cert, a.key, a.pem, _ = a.sign(a.cert)
	return a
}

// sign signs a certificate; the first one is self-signed.
func (a *authority) sign(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey, []byte, []byte) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	by := a.key
	if by == nil {
		by = key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), by)
	if err != nil {
		a.t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return made, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// issue makes a certificate for names, which ends in so long, and has lived as long as 90 days.
func (a *authority) issue(ends time.Duration, names ...string) (cert, key []byte) {
	a.t.Helper()
	_, _, cert, key = a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: names, NotBefore: time.Now().Add(ends - 90*24*time.Hour), NotAfter: time.Now().Add(ends),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	return cert, key
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

const month = 30 * 24 * time.Hour

func writeFile(t testing.TB, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// writePair writes a pair.
func writePair(t testing.TB, dir string, cert, key []byte) certificate.Pair {
	t.Helper()
	return certificate.Pair{Certificate: writeFile(t, filepath.Join(dir, "tls.crt"), cert), Key: writeFile(t, filepath.Join(dir, "tls.key"), key)}
}

// logBuffer is a log that is read while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *logBuffer) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *logBuffer) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// testListener is a running Keeper with a listener that uses it.
type testListener struct {
	t    testing.TB
	k    *certificate.Keeper
	addr string
	log  *logBuffer
}

func newListener(t testing.TB, o certificate.Options) *testListener {
	t.Helper()
	return newListenerWith(t, func(int) certificate.Options { return o })
}

// newListenerWith opens with options made for the port it opens at.
func newListenerWith(t testing.TB, options func(port int) certificate.Options) *testListener {
	t.Helper()
	h := &testListener{t: t, log: new(logBuffer)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.addr = l.Addr().String()
	o := options(l.Addr().(*net.TCPAddr).Port)
	o.Log = slog.New(slog.NewTextHandler(h.log, nil))
	if len(o.ACME.Domains) > 0 {
		o.ACME.Listen = h.addr
	}
	if h.k, err = certificate.Open(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { h.k.Run(ctx) })
	all.Go(func() {
		for l := tls.NewListener(l, h.k.Config()); ; {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(time.Minute))
				io.WriteString(c, "hello") // the client sees the error
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		cancel()
		all.Wait()
		h.k.Close()
	})
	return h
}

// handshake connects and returns the leaf of the server.
func (h *testListener) handshake(c *tls.Config) (*x509.Certificate, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: time.Minute}, "tcp", h.addr, c)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if b, err := io.ReadAll(conn); err != nil || string(b) != "hello" {
		return nil, errors.Join(errors.New("no hello"), err)
	}
	return conn.ConnectionState().PeerCertificates[0], nil
}

func (h *testListener) waitFor(what string, is func() bool) {
	h.t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("never %s\n%s", what, h.log)
		}
	}
}
