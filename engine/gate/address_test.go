package gate_test

import (
	"bufio"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/gate"
	"github.com/tenterhook/tenterhook/engine/peer"
)

func mustAllow(t *testing.T, texts ...string) *peer.AllowList {
	t.Helper()
	a, err := peer.OpenAllowList(texts)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// wantEnd expects the end of the connection, by a reset or otherwise.
func (l *testConn) wantEnd() {
	l.t.Helper()
	if b, err := io.ReadAll(l.r); len(b) > 0 || err != nil && strings.Contains(err.Error(), "timeout") {
		l.t.Errorf("got %q, %v", b, err)
	}
}

// wantNoConn expects that a new connection is closed at once.
func (d *testGate) wantNoConn() {
	d.t.Helper()
	c, err := net.Dial("tcp", d.addr)
	if err != nil { // it was closed already
		return
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(testTimeout))
	(&testConn{d.t, c, bufio.NewReader(c)}).wantEnd()
}

// TestAllowedAddresses: a connection from another address is closed before anything is read.
func TestAllowedAddresses(t *testing.T) {
	okta := filepath.Join(t.TempDir(), "ip_ranges.json")
	if err := os.WriteFile(okta, []byte(`{"us_cell_1":{"ip_ranges":["127.0.0.0/8"]},"us_cell_2":{"ip_ranges":["192.0.2.0/24"]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	d := startGate(t, policy, gate.Options{Allowed: mustAllow(t, okta+":us_cell_1")})
	if status, _, _ := d.dial().send(validRequest(body)).readResponse(); status != 200 {
		t.Errorf("got %d", status)
	}
	d = startGate(t, policy, gate.Options{Allowed: mustAllow(t, okta+":us_cell_2")})
	d.wantNoConn()
	d.waitRejected("address", 1)
	d.waitMetric("tenterhook_connections", 0)
}

// TestForwardedFor: behind a proxy the allow list applies to the client, not to an address that the
// client claims.
func TestForwardedFor(t *testing.T) {
	length := "Content-Length: 0"
	tests := []struct {
		name    string
		proxies string // empty: none
		lines   []string
		status  int
	}{
		{"Client", "127.0.0.1", []string{"X-Forwarded-For: 192.0.2.7"}, 200},
		{"OtherClient", "127.0.0.1", []string{"X-Forwarded-For: 198.51.100.7"}, 403},
		{"Spoofed", "127.0.0.1", []string{"X-Forwarded-For: 192.0.2.7, 198.51.100.7"}, 403},
		{"SpoofedInALineOfItsOwn", "127.0.0.1", []string{"X-Forwarded-For: 192.0.2.7", "+x-forwarded-for: 198.51.100.7"}, 403},
		{"ThroughTwo", "127.0.0.0/8", []string{"X-Forwarded-For: 198.51.100.7, 192.0.2.7, 127.0.0.9"}, 200},
		{"NoClient", "127.0.0.1", nil, 403},
		{"Garbage", "127.0.0.1", []string{"X-Forwarded-For: unknown"}, 403},
		{"Forbidden before unauthorized", "127.0.0.1", []string{"X-Forwarded-For: 198.51.100.7", "Authorization: x", length}, 403},
		{"Unauthorized", "127.0.0.1", []string{"X-Forwarded-For: 192.0.2.7", "Authorization: x", length}, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := startGate(t, policy, gate.Options{Proxies: mustList(t, tt.proxies), Allowed: mustAllow(t, "192.0.2.0/24")})
			extra := tt.lines
			if tt.status != 401 && !strings.Contains(strings.Join(extra, ""), length) {
				extra = append(extra, "Content-Length: "+strconv.Itoa(len(body)))
			}
			text := requestHead(requestLine, extra...)
			if !strings.Contains(text, length+"\r\n") {
				text += body
			}
			if status, _, _ := d.dial().send(text).readResponse(); status != tt.status {
				t.Errorf("got %d, want %d", status, tt.status)
			}
		})
	}
	t.Run("FromNoProxy", func(t *testing.T) {
		d := startGate(t, policy, gate.Options{Proxies: mustList(t, "10.0.0.0/8"), Allowed: mustAllow(t, "127.0.0.1")})
		l := d.dial().send(requestHead(requestLine, "X-Forwarded-For: 198.51.100.7", "Content-Length: "+strconv.Itoa(len(body))) + body)
		if status, _, _ := l.readResponse(); status != 200 { // its header does not count
			t.Errorf("got %d", status)
		}
	})
}

// TestFailingAddressBehindProxy: failures count for the client, not for the proxy's other clients.
func TestFailingAddressBehindProxy(t *testing.T) {
	d := startGate(t, policy, gate.Options{Proxies: mustList(t, "127.0.0.1")})
	fail := func(client string) int {
		status, _, _ := d.dial().send(requestHead(requestLine, "Authorization: x", "Content-Length: 0", "X-Forwarded-For: "+client)).readResponse()
		return status
	}
	a := 0
	for end := time.Now().Add(testTimeout); a != 429 && time.Now().Before(end); { // one a second is forgiven
		a = fail("192.0.2.7")
	}
	if b := fail("192.0.2.8"); a != 429 || b != 401 {
		t.Errorf("got %d and %d", a, b)
	}
}

// TestProxyHeader: a connection that must begin with a PROXY header can begin with nothing else.
func TestProxyHeader(t *testing.T) {
	for _, secure := range []bool{false, true} {
		tr := transport{secure: secure}
		o := gate.Options{ProxyHeader: true, Proxies: mustList(t, "127.0.0.1"), Allowed: mustAllow(t, "192.0.2.0/24")}
		tests := []struct {
			name, says string
			status     int // 0: none
			reason     string
		}{
			{"Client", "PROXY TCP4 192.0.2.7 127.0.0.1 4711 443\r\n", 200, ""},
			{"Version2", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\x7f\x00\x00\x01\x12\x34\x01\xbb", 200, ""},
			{"OtherClient", "PROXY TCP4 198.51.100.7 127.0.0.1 4711 443\r\n", 0, "address"},
			{"None", "", 0, "proxy"},
			{"Twice", "PROXY TCP4 192.0.2.7 127.0.0.1 4711 443\r\nPROXY TCP4 192.0.2.7 127.0.0.1 4711 443\r\n", 400, ""},
			{"Endless", "PROXY " + strings.Repeat("x", 200), 0, "proxy"},
			{"Half", "PROXY TCP4 192.0.2.7 ", 0, "proxy"},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				o := o
				o.Handshake = testTimeout
				if tt.name == "Half" { // else it waits for the rest as long
					o.Handshake = 300 * time.Millisecond
				}
				d := tr.startGate(t, policy, o)
				d.preamble = tt.says
				switch {
				case tt.status == 0:
					l := d.dialRaw()
					io.WriteString(l, tt.says)
					if tt.says == "" {
						io.WriteString(l, validRequest(body))
					}
					l.wantEnd()
				case secure && tt.status == 400: // the second header is no handshake
					d.dialRaw().send(tt.says).wantEnd()
				default:
					if status, _, _ := d.dial().send(validRequest(body)).readResponse(); status != tt.status {
						t.Errorf("got %d, want %d", status, tt.status)
					}
				}
				if tt.reason != "" {
					d.waitRejected(tt.reason, 1)
				}
			})
		}
	}
	t.Run("FromNoProxy", func(t *testing.T) {
		d := startGate(t, policy, gate.Options{ProxyHeader: true, Proxies: mustList(t, "10.0.0.0/8")})
		d.wantNoConn()
		d.waitRejected("proxy", 1)
	})
}
