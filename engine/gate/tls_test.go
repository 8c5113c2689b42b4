package gate_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
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

// transport is how the connections of a test reach the Gate.
type transport struct{ secure, proxied bool }

// All transports, and the two that differ most.
var (
	allTransports   = []transport{{}, {secure: true}, {proxied: true}, {true, true}}
	outerTransports = []transport{{}, {true, true}}
)

// slowTransports are for tests that take seconds: plain HTTP alone if tests are short.
func slowTransports() []transport {
	if testing.Short() {
		return outerTransports[:1]
	}
	return outerTransports
}

// String is the name of a sub-test.
func (tr transport) String() string {
	return map[transport]string{{}: "Plain", {secure: true}: "TLS", {proxied: true}: "Proxied", {true, true}: "ProxiedTLS"}[tr]
}

// apply sets the Gate's options. It returns the text that a connection begins with, and the
// client's TLS settings.
func (tr transport) apply(t testing.TB, o *gate.Options) (says string, client *tls.Config) {
	if tr.secure {
		o.TLS, client = tlsConfigs(t)
	}
	if tr.proxied {
		o.ProxyHeader, o.Proxies = true, mustList(t, "127.0.0.0/8")
		says = "PROXY TCP4 192.0.2.1 127.0.0.1 4711 443\r\n"
	}
	return says, client
}

// tlsConfigs returns the settings of a server and a client.
func tlsConfigs(t testing.TB) (server, client *tls.Config) {
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

func mustList(t testing.TB, texts ...string) peer.List {
	t.Helper()
	l, err := peer.NewList(texts)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// overTransports runs a test once over each transport.
func overTransports(t *testing.T, all []transport, test func(*testing.T, transport)) {
	for _, tr := range all {
		t.Run(tr.String(), func(t *testing.T) { test(t, tr) })
	}
}

// startTLSGate starts a Gate with TLS.
func startTLSGate(t *testing.T, o gate.Options) *testGate {
	t.Helper()
	var client *tls.Config
	o.TLS, client = tlsConfigs(t)
	d := startGate(t, policy, o)
	d.clientTLS = client
	return d
}

// dialRaw opens a connection without TLS and PROXY header.
func (d *testGate) dialRaw() *testConn {
	d.t.Helper()
	client, says := d.clientTLS, d.preamble
	defer func() { d.clientTLS, d.preamble = client, says }()
	d.clientTLS, d.preamble = nil, ""
	return d.dial()
}

// rejectedCount returns the number of rejections for a reason.
func (d *testGate) rejectedCount(reason string) (n float64) {
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

func (d *testGate) waitRejected(reason string, want float64) {
	d.t.Helper()
	for end := time.Now().Add(testTimeout); d.rejectedCount(reason) != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			d.t.Errorf("%v refused for %s, want %v", d.rejectedCount(reason), reason, want)
			return
		}
	}
}

// clientHello returns the first message of a client.
func clientHello(t *testing.T, c *tls.Config) []byte {
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

// TestBadHandshakes: an invalid or incomplete handshake is counted and its connection closed, and
// other connections are not affected.
func TestBadHandshakes(t *testing.T) {
	_, client := tlsConfigs(t)
	whole := string(clientHello(t, client))
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
			t.Parallel()                                                   // some take the whole timeout
			d := startTLSGate(t, gate.Options{Handshake: 3 * time.Second}) // the valid connection's handshake has this timeout, too
			honest := d.dial()
			honest.send(validRequest(body)).readResponse()
			l := d.dialRaw()
			io.WriteString(l, tt.text) // the server may close it meanwhile
			io.Copy(io.Discard, l)     // an alert, or a reset
			d.waitRejected("tls", 1)
			if status, _, _ := honest.send(validRequest(body)).readResponse(); status != 200 {
				t.Errorf("the honest got %d", status)
			}
			d.dialRaw().Close() // a health check
			d.waitMetric("tenterhook_connections", 1)
			d.waitRejected("tls", 1)
		})
	}
}

// TestSlowHandshake: silence and single bytes do not extend a handshake's timeout.
func TestSlowHandshake(t *testing.T) {
	d := startTLSGate(t, gate.Options{Handshake: 200 * time.Millisecond})
	whole := clientHello(t, d.clientTLS)
	silent, slow := d.dialRaw(), d.dialRaw()
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
	silent.wantClosed()
	d.waitMetric("tenterhook_connections", 0)
	d.waitRejected("tls", 2)
}

// TestSlowRecord: a request's timeout begins with the first byte of its TLS record, although no
// byte of the request can be read before the record's last.
func TestSlowRecord(t *testing.T) {
	d := startTLSGate(t, gate.Options{Read: time.Second, Idle: time.Hour})
	l := d.dialRaw()
	var held bytes.Buffer
	through := &holdingConn{Conn: l.Conn, written: &held}
	c := tls.Client(through, d.clientTLS)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(testTimeout))
	io.WriteString(c, validRequest(body))
	if n, err := c.Read(make([]byte, 4096)); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	through.hold = true
	io.WriteString(c, validRequest(body))
	l.Conn.Write(held.Bytes()[:held.Len()/2])
	if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("got %v", err)
	}
	d.waitMetric("tenterhook_connections", 0)
}

// holdingConn keeps the bytes that are written while hold is set.
type holdingConn struct {
	net.Conn
	hold    bool
	written *bytes.Buffer
}

func (h *holdingConn) Write(p []byte) (int, error) {
	if h.hold {
		return h.written.Write(p)
	}
	return h.Conn.Write(p)
}

// TestPlainToTLS: a peer that speaks HTTP instead of TLS gets an answer in HTTP.
func TestPlainToTLS(t *testing.T) {
	d := startTLSGate(t, gate.Options{})
	l := d.dialRaw().send(validRequest(body))
	l.wantResponse(400, "")
	l.wantClosed()
	d.waitRejected("tls", 1)
}

// TestACMEProtocol: a certificate authority sees the certificate and nothing else.
func TestACMEProtocol(t *testing.T) {
	o := gate.Options{}
	server, client := tlsConfigs(t)
	server.NextProtos, client.NextProtos = []string{"acme-tls/1"}, []string{"acme-tls/1"}
	o.TLS = server
	d := startGate(t, policy, o)
	d.clientTLS = client
	d.dial().wantClosed()
	d.waitMetric("tenterhook_connections", 0)
	d.waitRejected("tls", 0)
}

// TestManyHandshakes: many handshakes at the same time are all completed, and their calls answered.
func TestManyHandshakes(t *testing.T) {
	d := startTLSGate(t, gate.Options{Handshake: testTimeout})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 10 {
				c, err := tls.Dial("tcp", d.addr, d.clientTLS)
				if err != nil {
					t.Error(err)
					return
				}
				io.WriteString(c, validRequest(body))
				answer := make([]byte, 15)
				if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "HTTP/1.1 200 OK" {
					t.Errorf("got %q, %v", answer, err)
				}
				c.Close()
			}
		})
	}
	all.Wait()
	d.waitMetric("tenterhook_connections", 0)
	d.waitRejected("tls", 0)
}

// TestShutdownDuringHandshake: incomplete handshakes do not delay the end of the program.
func TestShutdownDuringHandshake(t *testing.T) {
	d := startTLSGate(t, gate.Options{Handshake: time.Hour})
	silent := d.dialRaw()
	d.waitMetric("tenterhook_connections", 1)
	time.Sleep(50 * time.Millisecond) // its first read has begun
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	if err := d.gate.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	silent.wantEnd()
}

// TestFailingAddresses: an address that fails repeatedly gets 429. Its right secret is still
// accepted, on an old connection and on a new one.
func TestFailingAddresses(t *testing.T) {
	for _, tr := range []transport{{}, {secure: true}} {
		t.Run(tr.String(), func(t *testing.T) {
			d := tr.startGate(t, policy, gate.Options{})
			honest := d.dial()
			honest.send(validRequest(body)).readResponse()
			got := map[int]int{}
			sent := 0
			for end := time.Now().Add(testTimeout); got[429] < 10 && time.Now().Before(end); sent++ { // one a second is forgiven
				status, _, _ := d.dial().send(requestHead(requestLine, "Authorization: x", "Content-Length: 0")).readResponse()
				got[status]++
			}
			if got[401] < 32 || got[429] < 10 || got[401]+got[429] != sent {
				t.Errorf("got %v", got)
			}
			for _, l := range []*testConn{honest, d.dial()} {
				if status, _, _ := l.send(validRequest(body)).readResponse(); status != 200 {
					t.Errorf("the right secret got %d", status)
				}
			}
			if n := d.rejectedCount("unauthorized") + d.rejectedCount("too_many_failures"); n != float64(sent) {
				t.Errorf("%v counted of %d", n, sent)
			}
		})
	}
}
