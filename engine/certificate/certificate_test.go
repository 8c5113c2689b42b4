package certificate_test

import (
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/engine/certificate"
)

func TestNames(t *testing.T) {
	a := newAuthority(t, "a")
	var pairs []certificate.Pair
	for _, names := range [][]string{{"one.example.com", "uno.example.com"}, {"*.two.example.com"}} {
		cert, key := a.issue(month, names...)
		pairs = append(pairs, writePair(t, t.TempDir(), cert, key))
	}
	h := newListener(t, certificate.Options{Pairs: pairs})
	for name, want := range map[string]string{
		"one.example.com": "one.example.com", "uno.example.com": "one.example.com", "a.two.example.com": "*.two.example.com",
		"three.example.com": "one.example.com", "": "one.example.com", // the first one, for names without a certificate
	} {
		leaf, err := h.handshake(&tls.Config{ServerName: name, InsecureSkipVerify: true}) // the test compares the leaf
		if err != nil || leaf.DNSNames[0] != want {
			t.Errorf("%q: got %v, %v", name, leaf, err)
		}
	}
	if s := h.k.Status(); len(s) != 3 || s[2].Name != "*.two.example.com" || s[2].From != certificate.FromFiles || s[2].Near {
		t.Errorf("status %+v", s)
	}
}

// TestModern: obsolete protocol versions and ciphers are rejected, and so are protocols that hook
// callers do not use.
func TestModern(t *testing.T) {
	a := newAuthority(t, "a")
	cert, key := a.issue(month, "one.example.com")
	h := newListener(t, certificate.Options{Pairs: []certificate.Pair{writePair(t, t.TempDir(), cert, key)}})
	tests := []struct {
		name   string
		client *tls.Config
		ok     bool
	}{
		{"TLS13", &tls.Config{MinVersion: tls.VersionTLS13}, true},
		{"TLS12", &tls.Config{MaxVersion: tls.VersionTLS12}, true},
		{"TLS11", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		{"CBC", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, false},
		{"HTTP1", &tls.Config{NextProtos: []string{"h2", "http/1.1"}}, true},
		{"OnlyHTTP2", &tls.Config{NextProtos: []string{"h2"}}, false},
		{"ACMEUnasked", &tls.Config{NextProtos: []string{"acme-tls/1"}}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.client.RootCAs, test.client.ServerName = a.pool(), "one.example.com"
			if _, err := h.handshake(test.client); (err == nil) != test.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestRotation has clients connect while the files are replaced: no connection fails, and a bad
// pair changes nothing.
func TestRotation(t *testing.T) {
	a, dir := newAuthority(t, "a"), t.TempDir()
	link := func(to string) {
		t.Helper()
		if err := errors.Join(os.Symlink(to, filepath.Join(dir, "new")), os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "..data"))); err != nil {
			t.Fatal(err)
		}
	}
	put := func(version string, cert, key []byte) { // as Kubernetes replaces a secret
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		writePair(t, filepath.Join(dir, version), cert, key)
		link(version)
	}
	cert, key := a.issue(month, "v1.example.com", "one.example.com")
	put("v1", cert, key)
	pair := certificate.Pair{Certificate: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	if err := errors.Join(os.Symlink("..data/tls.crt", pair.Certificate), os.Symlink("..data/tls.key", pair.Key)); err != nil {
		t.Fatal(err)
	}
	h := newListener(t, certificate.Options{Pairs: []certificate.Pair{pair}})
	stop, greeted := make(chan struct{}), 0
	var load sync.WaitGroup
	load.Go(func() {
		cache := tls.NewLRUClientSessionCache(1)
		for {
			select {
			case <-stop:
				return
			default:
			}
			c := &tls.Config{RootCAs: a.pool(), ServerName: "one.example.com"}
			if greeted%2 == 0 {
				c.ClientSessionCache = cache
			}
			if _, err := h.handshake(c); err != nil {
				t.Errorf("greeting %d: %v", greeted, err)
				return
			}
			greeted++
		}
	})
	served := func() string {
		leaf, err := h.handshake(&tls.Config{RootCAs: a.pool(), ServerName: "one.example.com"})
		if err != nil {
			t.Fatal(err)
		}
		return leaf.DNSNames[0]
	}
	cert, key = a.issue(month, "v2.example.com", "one.example.com")
	put("v2", cert, key)
	h.waitFor("v2", func() bool { return served() == "v2.example.com" })

	_, other := a.issue(month, "v3.example.com")
	put("v3", cert, other)
	h.waitFor("the log line", func() bool { return strings.Contains(h.log.String(), "the previous one stays in use") })
	ended, key := a.issue(-time.Minute, "v4.example.com", "one.example.com")
	put("v4", ended, key)
	h.waitFor("the warning", func() bool { return strings.Contains(h.log.String(), certificate.ErrExpired.Error()) })
	if s := h.k.Status(); len(s) != 3 || !strings.Contains(s[2].Error, certificate.ErrExpired.Error()) {
		t.Errorf("status %+v", s)
	}
	if got := served(); got != "v2.example.com" {
		t.Errorf("%s is served", got)
	}
	cert, key = a.issue(month, "v5.example.com", "one.example.com")
	put("v5", cert, key)
	h.waitFor("v5", func() bool { return served() == "v5.example.com" })
	close(stop)
	load.Wait()
	t.Log(greeted, "greetings")
	if s := h.k.Status(); len(s) != 2 {
		t.Errorf("status %+v", s)
	}
}

func TestClients(t *testing.T) {
	server, old, next := newAuthority(t, "server"), newAuthority(t, "old"), newAuthority(t, "next")
	cert, key := server.issue(month, "one.example.com")
	path := writeFile(t, filepath.Join(t.TempDir(), "clients.pem"), old.pem)
	h := newListener(t, certificate.Options{Pairs: []certificate.Pair{writePair(t, t.TempDir(), cert, key)}, ClientCA: path})
	sessions := tls.NewLRUClientSessionCache(1)
	greet := func(a *authority, ends time.Duration) error {
		t.Helper()
		c := &tls.Config{RootCAs: server.pool(), ServerName: "one.example.com", ClientSessionCache: sessions}
		if a != nil {
			cert, key := a.issue(ends, "gateway.example.com")
			own, err := tls.X509KeyPair(cert, key)
			if err != nil {
				t.Fatal(err)
			}
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
		}
		_, err := h.handshake(c)
		return err
	}
	if err := greet(old, month); err != nil {
		t.Error("its own is refused:", err)
	}
	for name, err := range map[string]error{"none": greet(nil, 0), "another's": greet(next, month), "one that has ended": greet(old, -time.Minute)} {
		if err == nil {
			t.Errorf("%s is let in", name)
		}
	}
	writeFile(t, path, next.pem)
	h.waitFor("changed", func() bool { return greet(next, month) == nil })
	if err := greet(old, month); err == nil {
		t.Error("one of the old authority is let in")
	}
	writeFile(t, path, []byte("nothing"))
	h.waitFor("the log line", func() bool { return strings.Contains(h.log.String(), certificate.ErrNoAuthority.Error()) })
	if err := greet(next, month); err != nil {
		t.Error("what was good is refused:", err)
	}
}

func TestOpenReportsAll(t *testing.T) {
	a, dir := newAuthority(t, "a"), t.TempDir()
	cert, key := a.issue(month, "one.example.com")
	nameless, its := a.issue(month)
	good := writePair(t, t.TempDir(), cert, key)
	o := certificate.Options{
		Pairs:    []certificate.Pair{good, {good.Key, good.Certificate}, writePair(t, dir, nameless, its), {filepath.Join(dir, "x"), good.Key}},
		ClientCA: good.Key, ACME: certificate.ACME{Domains: []string{"*.example.com"}, Listen: "127.0.0.1:1"},
	}
	_, err := certificate.Open(o)
	for _, want := range []error{certificate.ErrNoName, certificate.ErrNoAuthority, certificate.ErrDomain, os.ErrNotExist} {
		if !errors.Is(err, want) {
			t.Errorf("%v is not in it: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "PRIVATE KEY") || strings.Contains(err.Error(), "MIG") {
		t.Errorf("it quotes a key: %v", err)
	}
	if _, err := certificate.Open(certificate.Options{}); !errors.Is(err, certificate.ErrNone) {
		t.Errorf("got %v", err)
	}
}

// TestExpiry: near ends are in the metric, the status and the log.
func TestExpiry(t *testing.T) {
	const day = 24 * time.Hour
	a, registry := newAuthority(t, "a"), prometheus.NewPedanticRegistry()
	var pairs []certificate.Pair
	for name, ends := range map[string]time.Duration{"far": 30 * day, "near": 20*day + time.Hour, "ended": -day} {
		cert, key := a.issue(ends, name+".example.com", "all.example.com")
		pairs = append(pairs, writePair(t, t.TempDir(), cert, key))
	}
	h := newListener(t, certificate.Options{Pairs: pairs, Registry: registry})
	h.waitFor("warned", func() bool {
		log := h.log.String()
		return strings.Contains(log, "a certificate expires soon\" name=near.example.com") && strings.Contains(log, "days=20") &&
			strings.Contains(log, "has expired: Okta refuses it\" name=ended.example.com") && !strings.Contains(log, "name=far")
	})
	time.Sleep(1500 * time.Millisecond) // it has looked again
	if n := strings.Count(h.log.String(), "near.example.com"); n != 1 {
		t.Errorf("%d log lines", n)
	}
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "tenterhook_certificate_expiry_seconds" || len(families[0].GetMetric()) != 4 {
		t.Fatal(families, err)
	}
	for _, m := range families[0].GetMetric() {
		name, left := m.GetLabel()[0].GetValue(), time.Duration(m.GetGauge().GetValue())*time.Second
		if want := map[string]time.Duration{"far.example.com": 30 * day, "near.example.com": 20*day + time.Hour, "ended.example.com": -day, "all.example.com": -day}[name]; want-left > time.Hour || left > want {
			t.Errorf("%s: %v left, want %v", name, left, want)
		}
	}
}
