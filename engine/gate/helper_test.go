package gate_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/gate"
	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
)

// testTimeout is the limit for waits that end at once on an idle machine.
const testTimeout = time.Minute

const secret = "Bearer 0123456789abcdef0123456789abcdef"

const policy = `tenterhook: 1
hooks:
  - name: hook-a
    type: registration
    auth:
      - header: Authorization
        secret: ` + secret + `
    rules:
      - name: deny
        when: data.userProfile.email == 'eve@example.com'
        deny: Go away.
      - name: stamp
        profile: {division: sales}
`

// failureAnswer is the answer of hook-a when its rules cannot decide: it denies.
const failureAnswer = `{"commands":[{"type":"com.okta.action.update","value":{"registration":"DENY"}}],` +
	`"error":{"errorSummary":"This request cannot be completed right now. Please try again later."}}`

const body = `{"eventType":"com.okta.user.pre-registration","requestType":"self.service.registration",` +
	`"data":{"userProfile":{"email":"ann@example.com"}}}`

// testGate is a Gate on loopback, with its Engine and ledger.
type testGate struct {
	t         *testing.T
	addr      string
	ledger    *ledger.Ledger
	engine    *engine.Engine
	gate      *gate.Gate
	registry  *prometheus.Registry
	preamble  string      // beginning of each connection
	clientTLS *tls.Config // nil: plain HTTP
}

// startGate starts a Gate with plain HTTP.
func startGate(t *testing.T, policy string, o gate.Options) *testGate {
	t.Helper()
	return transport{}.startGate(t, policy, o)
}

// startGate starts an Engine with a policy and a Gate for it on loopback.
func (tr transport) startGate(t *testing.T, policy string, o gate.Options) *testGate {
	t.Helper()
	d := &testGate{t: t, registry: prometheus.NewPedanticRegistry()}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	var err error
	if d.ledger, err = ledger.Open(ledger.Options{Path: filepath.Join(t.TempDir(), "ledger"), Step: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	if d.engine, err = engine.New(engine.Options{Log: o.Log, Registry: d.registry, Ledger: d.ledger}); err != nil {
		t.Fatal(err)
	}
	if policy != "" {
		d.engine.Swap(mustLoad(t, policy))
	}
	o.Registry = d.registry
	d.preamble, d.clientTLS = tr.apply(t, &o)
	if d.gate, err = gate.New(d.engine, o); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.addr = l.Addr().String()
	served := make(chan error)
	go func() { served <- d.gate.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // as long as a connection that the test left open takes
		defer cancel()
		d.gate.Shutdown(ctx) // the test may have left a connection open on purpose
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := d.engine.Close(); err != nil {
			t.Error(err)
		}
		d.ledger.Close() // the test may have closed it
	})
	return d
}

func mustLoad(t testing.TB, policy string) *rules.Set {
	t.Helper()
	s, err := rules.Load(folder.New(map[string][]byte{"policy.yaml": []byte(policy)}), rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// testConn is a raw connection to a testGate.
type testConn struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func (d *testGate) dial() *testConn {
	d.t.Helper()
	c, err := net.Dial("tcp", d.addr)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(testTimeout))
	if d.preamble != "" {
		io.WriteString(c, d.preamble) // the next write reports an error
	}
	if d.clientTLS != nil {
		c = tls.Client(c, d.clientTLS) // the handshake runs with the first write
	}
	return &testConn{d.t, c, bufio.NewReader(c)}
}

func (l *testConn) send(text string) *testConn {
	l.t.Helper()
	if _, err := io.WriteString(l, text); err != nil {
		l.t.Fatal(err)
	}
	return l
}

// sendHead sends the head of a valid request with a body, and waits until it is admitted.
func (l *testConn) sendHead(body string) *testConn {
	l.t.Helper()
	l.send(requestHead(requestLine, "Expect: 100-continue", fmt.Sprint("Content-Length: ", len(body))))
	if first, err := l.r.ReadString('\n'); err != nil || first != "HTTP/1.1 100 Continue\r\n" {
		l.t.Fatalf("got %q, %v", first, err)
	}
	l.r.ReadString('\n')
	return l
}

// readResponse reads one response with its body.
func (l *testConn) readResponse() (status int, body string, h http.Header) {
	l.t.Helper()
	r, err := http.ReadResponse(l.r, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	return r.StatusCode, string(b), r.Header
}

// wantResponse reads one response and compares its status and body.
func (l *testConn) wantResponse(status int, text string) {
	l.t.Helper()
	got, b, h := l.readResponse()
	if got != status || b != text {
		l.t.Errorf("got %d %q, want %d %q", got, b, status, text)
	}
	if h.Get("Server") != "" {
		l.t.Errorf("the server says what it is: %q", h.Get("Server"))
	}
	if b != "" && h.Get("Content-Type") != "application/json" {
		l.t.Errorf("Content-Type %q", h.Get("Content-Type"))
	}
}

// wantClosed expects the end of the connection, and no byte before it.
func (l *testConn) wantClosed() {
	l.t.Helper()
	rest, err := io.ReadAll(l.r)
	if err != nil || len(rest) > 0 {
		l.t.Errorf("want the end of the connection, got %q, %v", rest, err)
	}
}

// requestHead returns a request's head with valid headers. The lines in extra replace headers of
// the same name, unless they begin with +.
func requestHead(first string, extra ...string) string {
	lines := []string{"Host: hooks.example.com", "Authorization: " + secret, "Content-Type: application/json", "Accept: application/json"}
	for _, e := range extra {
		name, _, _ := strings.Cut(e, ":")
		for i, l := range lines {
			if strings.HasPrefix(l, name+":") && !strings.HasPrefix(e, "+") {
				lines[i] = ""
			}
		}
		lines = append(lines, strings.TrimPrefix(e, "+"))
	}
	var b strings.Builder
	b.WriteString(first + "\r\n")
	for _, l := range lines {
		if l != "" {
			b.WriteString(l + "\r\n")
		}
	}
	return b.String() + "\r\n"
}

const requestLine = "POST /hooks/hook-a HTTP/1.1"

// validRequest returns a whole valid request.
func validRequest(body string) string {
	return requestHead(requestLine, fmt.Sprint("Content-Length: ", len(body))) + body
}
