package gate_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/gate"
	"github.com/tenterhook/tenterhook/engine/peer"
)

// dress is what every door of a test wears beside its own options.
type dress struct{ secure, proxied bool }

var worn dress

// wear puts it on; what a connection must begin with, and how a client speaks TLS, is returned.
func (w dress) wear(t testing.TB, o *gate.Options) (says string, client *tls.Config) {
	if w.secure {
		o.TLS, client = configs(t)
	}
	if w.proxied {
		o.ProxyHeader, o.Proxies = true, list(t, "127.0.0.0/8")
		says = "PROXY TCP4 192.0.2.1 127.0.0.1 4711 443\r\n"
	}
	return says, client
}

// configs are a server's and a client's.
func configs(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"example.com"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	own := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	return &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12, DynamicRecordSizingDisabled: true},
		&tls.Config{RootCAs: pool, ServerName: "example.com"}
}

func list(t testing.TB, texts ...string) peer.List {
	t.Helper()
	l, err := peer.NewList(texts)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestDressed has everything hold over TLS and behind a proxy that holds without.
func TestDressed(t *testing.T) {
	all := map[string]func(*testing.T){
		"Answer": TestAnswer, "Refused": TestRefused, "RefusedBody": TestRefusedBody, "Admitted": TestAdmitted, "Continue": TestContinue,
		"Smuggled": TestSmuggled, "Pipelined": TestPipelined, "Slow": TestSlow, "SlowBody": TestSlowBodyEatsItsOwnTime, "Idle": TestIdle,
		"Shutdown": TestShutdown, "Strangers": TestStrangersMakeRoom, "Held": TestHeld, "Version": TestVersion,
		"ShutdownOfStrangers": TestShutdownOfStrangers, "Challenge": TestChallenge, "Delivery": TestDelivery, "SetChanges": TestSetChangesWhileTheBodyComes,
	}
	defer func() { worn = dress{} }()
	few := map[string]func(*testing.T){"Refused": TestRefused, "Pipelined": TestPipelined, "Slow": TestSlow, "Shutdown": TestShutdown}
	for _, d := range []struct {
		name string
		dress
		tests map[string]func(*testing.T)
	}{{"TLS", dress{secure: true}, few}, {"Proxied", dress{proxied: true}, few}, {"ProxiedTLS", dress{true, true}, all}} {
		t.Run(d.name, func(t *testing.T) {
			worn = d.dress
			for name, test := range d.tests {
				if testing.Short() && (name == "Held" || name == "SlowBody") {
					continue // they take seconds
				}
				t.Run(name, test)
			}
		})
	}
}

// secured opens a door that speaks TLS.
func secured(t *testing.T, o gate.Options) *door {
	t.Helper()
	var client *tls.Config
	o.TLS, client = configs(t)
	d := open(t, policy, o)
	d.client = client
	return d
}

// raw is a connection beneath what a door speaks.
func (d *door) raw() *line {
	d.t.Helper()
	client, says := d.client, d.says
	defer func() { d.client, d.says = client, says }()
	d.client, d.says = nil, ""
	return d.dial()
}

// refused is how many were, for a reason.
func (d *door) refused(reason string) (n float64) {
	d.t.Helper()
	families, err := d.registry.Gather()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "tenterhook_refused_total" && m.GetLabel()[0].GetValue() == reason {
				n = m.GetCounter().GetValue()
			}
		}
	}
	return n
}

func (d *door) counts(reason string, want float64) {
	d.t.Helper()
	for end := time.Now().Add(patience); d.refused(reason) != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			d.t.Errorf("%v refused for %s, want %v", d.refused(reason), reason, want)
			return
		}
	}
}

// hello is what a client says first.
func hello(t *testing.T, c *tls.Config) []byte {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	go tls.Client(a, c).Handshake() // ends with the pipe
	buf := make([]byte, 16<<10)
	n, err := b.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

// TestHostileHands: who shakes hands in a wrong way, or not at all, is counted and gone, and nobody else notices.
func TestHostileHands(t *testing.T) {
	_, client := configs(t)
	whole := string(hello(t, client))
	huge := "\x16\x03\x01\x40\x00" + "\x01\xff\xff\xff" + strings.Repeat("x", 16380)
	tests := []struct{ name, text string }{
		{"Garbage", "hello, who is there?\r\n\r\n"},
		{"HalfAHello", whole[:len(whole)/2]},
		{"HelloAndNoMore", whole},
		{"HelloTwice", whole + whole},
		{"HugeHello", strings.Repeat(huge, 8)},
		{"Alert", "\x15\x03\x01\x00\x02\x02\x28"},
		{"DataFirst", "\x17\x03\x03\x00\x05hello"},
		{"EmptyRecords", strings.Repeat("\x16\x03\x01\x00\x00", 1000)},
		{"SSL2", "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + strings.Repeat("x", 40)},
		{"Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()                                              // some of them take all the time that there is
			d := secured(t, gate.Options{Handshake: 3 * time.Second}) // the honest shake hands, too
			honest := d.dial()
			honest.send(good(body)).answer()
			l := d.raw()
			io.WriteString(l, tt.text) // it may end while it is written
			io.Copy(io.Discard, l)     // an alert, or a reset
			d.counts("tls", 1)
			if status, _, _ := honest.send(good(body)).answer(); status != 200 {
				t.Errorf("the honest got %d", status)
			}
			d.raw().Close() // a health check
			d.settles("tenterhook_connections", 1)
			d.counts("tls", 1)
		})
	}
}

// TestSlowHands: silence and single bytes do not make a handshake last longer than it may.
func TestSlowHands(t *testing.T) {
	d := secured(t, gate.Options{Handshake: 200 * time.Millisecond})
	whole := hello(t, d.client)
	silent, slow := d.raw(), d.raw()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, b := range whole {
			if _, err := slow.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	<-done
	silent.ends()
	d.settles("tenterhook_connections", 0)
	d.counts("tls", 2)
}

// TestSlowRecord: a request has its time from the first byte of the record that it comes in, though nothing can be read of it
// before the last.
func TestSlowRecord(t *testing.T) {
	d := secured(t, gate.Options{Read: time.Second, Idle: time.Hour})
	l := d.raw()
	var held bytes.Buffer
	through := &halting{Conn: l.Conn, held: &held}
	c := tls.Client(through, d.client)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, good(body))
	if n, err := c.Read(make([]byte, 4096)); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	through.halt = true
	io.WriteString(c, good(body))
	l.Conn.Write(held.Bytes()[:held.Len()/2])
	if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("got %v", err)
	}
	d.settles("tenterhook_connections", 0)
}

// halting keeps what is written back when it halts.
type halting struct {
	net.Conn
	halt bool
	held *bytes.Buffer
}

func (h *halting) Write(p []byte) (int, error) {
	if h.halt {
		return h.held.Write(p)
	}
	return h.Conn.Write(p)
}

// TestPlainToTLS: whoever has written http:// into a URL is told in a language that is understood there.
func TestPlainToTLS(t *testing.T) {
	d := secured(t, gate.Options{})
	l := d.raw().send(good(body))
	l.wants(400, "")
	l.ends()
	d.counts("tls", 1)
}

// TestACMEProtocol: an authority sees the certificate, and that is all.
func TestACMEProtocol(t *testing.T) {
	o := gate.Options{}
	server, client := configs(t)
	server.NextProtos, client.NextProtos = []string{"acme-tls/1"}, []string{"acme-tls/1"}
	o.TLS = server
	d := open(t, policy, o)
	d.client = client
	d.dial().ends()
	d.settles("tenterhook_connections", 0)
	d.counts("tls", 0)
}

// TestFloodOfHands: however many shake hands at once, all of them honest in the end, each is answered.
func TestFloodOfHands(t *testing.T) {
	d := secured(t, gate.Options{Handshake: patience})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 10 {
				c, err := tls.Dial("tcp", d.addr, d.client)
				if err != nil {
					t.Error(err)
					return
				}
				io.WriteString(c, good(body))
				answer := make([]byte, 15)
				if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "HTTP/1.1 200 OK" {
					t.Errorf("got %q, %v", answer, err)
				}
				c.Close()
			}
		})
	}
	all.Wait()
	d.settles("tenterhook_connections", 0)
	d.counts("tls", 0)
}

// TestShutdownWhileHandsAreShaken: nobody who has not finished keeps the program from ending.
func TestShutdownWhileHandsAreShaken(t *testing.T) {
	d := secured(t, gate.Options{Handshake: time.Hour})
	silent := d.raw()
	d.settles("tenterhook_connections", 1)
	time.Sleep(50 * time.Millisecond) // it is being read from
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := d.gate.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	silent.gone()
}

// TestSuspects: an address that fails again and again is told so, and its right secret still counts, on an old connection and
// on a new one.
func TestSuspects(t *testing.T) {
	for _, w := range []dress{{}, {secure: true}} {
		t.Run(fmt.Sprint(w), func(t *testing.T) {
			worn = w
			defer func() { worn = dress{} }()
			d := open(t, policy, gate.Options{})
			honest := d.dial()
			honest.send(good(body)).answer()
			got := map[int]int{}
			sent := 0
			for end := time.Now().Add(patience); got[429] < 10 && time.Now().Before(end); sent++ { // one a second is let off
				status, _, _ := d.dial().send(head(post, "Authorization: x", "Content-Length: 0")).answer()
				got[status]++
			}
			if got[401] < 32 || got[429] < 10 || got[401]+got[429] != sent {
				t.Errorf("got %v", got)
			}
			for _, l := range []*line{honest, d.dial()} {
				if status, _, _ := l.send(good(body)).answer(); status != 200 {
					t.Errorf("the right secret got %d", status)
				}
			}
			if n := d.refused("unauthorized") + d.refused("too_many_failures"); n != float64(sent) {
				t.Errorf("%v counted of %d", n, sent)
			}
		})
	}
}
