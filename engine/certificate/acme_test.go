package certificate_test

import (
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

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"

	"github.com/tenterhook/tenterhook/engine/certificate"
)

// directory is a real ACME server, which validates domains at the given ports.
type directory struct {
	url   string
	root  string // file of the authority of the server itself
	roots *x509.CertPool
	asked atomic.Int64
}

func newDirectory(t *testing.T, tlsPort, httpPort int) *directory {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	quiet, store := log.New(io.Discard, "", 0), db.NewMemoryStore()
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: 90 * 24 * 60 * 60}})
	front := wfe.New(quiet, store, va.New(quiet, httpPort, tlsPort, false, "", store), authority, []string{"ca.example"}, false, false, 0, 0)
	d := &directory{roots: x509.NewCertPool()}
	handler := front.Handler()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.asked.Add(1)
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	d.url = s.URL + wfe.DirectoryPath
	d.root = writeFile(t, filepath.Join(t.TempDir(), "root.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	d.roots.AddCert(authority.GetRootCert(0).Cert)
	return d
}

// freePort returns a port without a listener, outside the range of automatically assigned ports.
func freePort(t *testing.T) int {
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

// TestACME gets a certificate from a real server, with each of the two challenges, and reuses it
// after a restart without asking again.
func TestACME(t *testing.T) {
	for _, way := range []string{"TLS", "HTTP"} {
		t.Run(way, func(t *testing.T) {
			o := certificate.ACME{Domains: []string{"localhost"}, Email: "ops@example.com", Storage: t.TempDir()}
			var d *directory
			h := newListenerWith(t, func(port int) certificate.Options {
				web := freePort(t)
				d = newDirectory(t, port, web)
				o.Directory, o.Root = d.url, d.root
				if way == "HTTP" {
					o.HTTP, o.OnlyHTTP = net.JoinHostPort("127.0.0.1", strconv.Itoa(web)), true
				}
				return certificate.Options{ACME: o}
			})
			client := &tls.Config{RootCAs: d.roots, ServerName: "localhost"}
			h.waitFor("got", func() bool { _, err := h.handshake(client); return err == nil })
			s := h.k.Status()
			if len(s) != 1 || s[0].Name != "localhost" || s[0].From != certificate.FromACME || s[0].NotAfter.IsZero() {
				t.Errorf("status %+v", s)
			}
			if log := h.log.String(); !strings.Contains(log, "obtained a certificate") || strings.Contains(log, "level=ERROR") {
				t.Errorf("log:\n%s", log)
			}
			asked := d.asked.Load()
			again := newListener(t, certificate.Options{ACME: o})
			again.waitFor("read", func() bool { _, err := again.handshake(client); return err == nil })
			if n := d.asked.Load() - asked; n > 2 { // it may ask when to renew
				t.Errorf("it asked %d times", n)
			}
		})
	}
}

// TestACMERefused: an authority's refusal is logged.
func TestACMERefused(t *testing.T) {
	d := newDirectory(t, freePort(t), freePort(t)) // no listener
	h := newListener(t, certificate.Options{ACME: certificate.ACME{Domains: []string{"localhost"}, Directory: d.url, Root: d.root, Storage: t.TempDir()}})
	h.waitFor("the log line", func() bool {
		return strings.Contains(h.log.String(), "a certificate cannot be obtained; it will be retried")
	})
	if s := h.k.Status(); len(s) != 0 {
		t.Errorf("status %+v", s)
	}
}
