package gate

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/peer"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

const streamPolicy = `tenterhook: 1
hooks:
  - name: hook-a
    type: registration
    auth: [{header: Authorization, secret: Bearer aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}]
    rules:
      - name: module
        wasm: stamp.wasm
  - name: hook-b
    type: registration
    auth: [{header: X-Key, secret: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb}]
    rules:
      - name: note
        debug: {by: b}
  - name: events
    type: event
    auth: [{header: Authorization, secret: Bearer cccccccccccccccccccccccccccccccc}]
    rules:
      - name: note
        log: seen
`

// credentials are the headers for each hook.
var credentials = map[string]string{
	"hook-a": "Authorization: Bearer aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"hook-b": "x-key: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
	"events": "authorization:\tBearer cccccccccccccccccccccccccccccccc ",
}

// handled is a request as the handler got it.
type handled struct{ hook, request, client, challenge, body string }

// requestStream is the text of one connection, and its expected effect.
type requestStream struct {
	*rand.Rand
	text    string
	handled []handled
	status  []int // of the answers, with 100
	closed  bool  // the rest is not read
}

func newStream(r *rand.Rand) *requestStream {
	s := &requestStream{Rand: r}
	for n := 1 + s.IntN(6); n > 0 && !s.closed; n-- {
		s.addRequest()
	}
	if !s.closed && s.IntN(2) == 0 {
		s.addRejected()
	}
	if s.closed {
		behind := *s
		behind.addRequest() // valid, but not read
		s.text = behind.text
	}
	return s
}

// addRequest adds an admitted request in one of its possible notations.
func (s *requestStream) addRequest() {
	h := handled{hook: []string{"hook-a", "hook-b", "events"}[s.IntN(3)], request: fmt.Sprintf("req-%016x", s.Uint64()), client: fmt.Sprint("192.0.2.", s.IntN(256))}
	lines := []string{"Host: h", credentials[h.hook], "X-Okta-Request-Id: " + h.request, "X-Forwarded-For: 10.1.2.3, " + h.client}
	method, version, behind := "POST", "HTTP/1.1", ""
	if h.hook == "events" {
		method, h.challenge = "GET", strconv.FormatUint(s.Uint64(), 16)
		lines = append(lines, "X-Okta-Verification-Challenge: "+h.challenge, []string{"content-length: 000", "X: y"}[s.IntN(2)])
	} else {
		lines = append(lines, "Content-Type: application/json; charset=utf-8", "")
		h.body, lines[len(lines)-1], behind = s.body()
	}
	switch s.IntN(20) {
	case 0:
		lines, s.closed = append(lines, "Connection: upgrade, Close ,x"), true
	case 1:
		lines, s.closed = append(lines, "Connection: keep-alive", "connection: ,, close"), true
	case 2, 3, 4:
		if !slices.Contains(lines, inChunks) {
			version, lines = "HTTP/1.0", append(lines, "Connection: x, Keep-Alive")
		}
	case 5, 6, 7:
		lines, s.status = append(lines, "expect: 100-Continue"), append(s.status, 100)
	}
	s.handled, s.status = append(s.handled, h), append(s.status, 200)
	s.add(method+" /hooks/"+h.hook+" "+version, lines, behind)
}

const inChunks = "Transfer-encoding: Chunked"

// body makes a body, the header that announces it, and its text.
func (s *requestStream) body() (body, framing, text string) {
	fill := []int{0, 1, 10, 1000, 16 << 10, 70 << 10}[s.IntN(6)]
	body = fmt.Sprintf(`%s,"eventId":"%x","x":"%s"}`, call[:len(call)-1], s.Uint64(), s.letters(fill))
	if s.IntN(2) == 0 {
		return body, fmt.Sprintf("Content-Length: %0*d", 1+s.IntN(12), len(body)), body
	}
	var b strings.Builder
	most := []int{1 << 4, 1 << 9, 1 << 14, 1 << 17}[s.IntN(4)]
	for rest := body; len(rest) > 0; {
		n := min(len(rest), len(body)/64+1+s.IntN(most))
		fmt.Fprintf(&b, "%0*x\r\n%s\r\n", 1+s.IntN(8), n, rest[:n])
		rest = rest[n:]
	}
	return body, inChunks, b.String() + strings.Repeat("0", 1+s.IntN(8)) + "\r\n\r\n"
}

func (s *requestStream) letters(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(s.IntN(26))
	}
	return string(b)
}

// add adds a request with its lines in random order. Some heads have the maximum length.
func (s *requestStream) add(first string, lines []string, behind string) {
	s.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	head := first + "\r\n" + strings.Join(lines, "\r\n") + "\r\n"
	if room := 16<<10 - len(head+"Y: \r\n\r\n"); s.IntN(5) == 0 {
		head += "Y: " + s.letters(room-s.IntN(2)*s.IntN(room)) + "\r\n"
	}
	s.text += head + "\r\n" + behind
}

// addRejected adds a request that is rejected, or not read to its end.
func (s *requestStream) addRejected() {
	from := fmt.Sprintf("X-Forwarded-For: 198.18.%d.%d", s.IntN(256), s.IntN(256)) // else one address would fail too often
	of := func(auth, media, framing string) []string { return []string{"Host: h", from, auth, media, framing} }
	const path, media, length = "POST /hooks/hook-a HTTP/1.1", "Content-Type: application/json", "Content-Length: 5"
	a := credentials["hook-a"]
	all := []struct {
		status int
		first  string
		lines  []string
		behind string
	}{
		{401, path, of(credentials["hook-b"], media, length), "{}   "},
		{401, path, of(credentials["events"], media, length), "{}   "},
		{401, path, append(of(a, media, length), a), "{}   "},
		{404, "POST /hooks/hook-c HTTP/1.1", of(a, media, length), "{}   "},
		{405, "GET /hooks/hook-a HTTP/1.1", of(a, media, "X: y"), ""},
		{400, path, of(a, media, inChunks), "2\r\n{}\r\n1\r\n}x"},
		{200, path, of(a, media, inChunks), "2\r\n{}\r\n100001\r\n{}"},
		{200, path, of(a, media, "Content-Length: 1048577"), "{}"},
		{415, path, of(a, "Content-Type: text/plain", length), "{}   "},
		{400, path, append(of(a, media, length), "Host: h"), "{}   "},
	}
	r := all[s.IntN(len(all))]
	s.status, s.closed = append(s.status, r.status), true
	s.add(r.first, r.lines, r.behind)
}

// send sends the text in random parts.
func (s *requestStream) send(c net.Conn) {
	most := []int{1, 2, 20, 500, 5000, 20000, 1 << 20}[s.IntN(7)]
	for rest, n := s.text, 0; len(rest) > 0; n++ {
		k := 1 + s.IntN(min(len(rest), most))
		if n == 400 { // slow enough
			k = len(rest)
		}
		io.WriteString(c, rest[:k]) // the bytes behind a rejected request are not read
		rest = rest[k:]
	}
	c.(interface{ CloseWrite() error }).CloseWrite()
}

// recorder records the requests that reach a gate's handler.
type recorder struct {
	g        *Gate
	mu       sync.Mutex
	requests []handled
}

func (e *recorder) serve(ctx *fasthttp.RequestCtx) {
	c := ctx.Conn().(*conn)
	h := handled{c.hook.Rules.Name, c.requestID, c.client.String(), string(c.challenge), string(ctx.Request.Body())}
	e.mu.Lock()
	e.requests = append(e.requests, h)
	e.mu.Unlock()
	e.g.serve(ctx)
}

func (e *recorder) takeRequests() []handled {
	e.mu.Lock()
	defer e.mu.Unlock()
	of := e.requests
	e.requests = nil
	return of
}

// TestStreams sends random requests, pipelined and in random parts, while Sets are swapped. Each
// one reaches the handler byte for byte with its client, up to the first rejected one, and no
// memory remains reserved.
func TestStreams(t *testing.T) {
	seed, n := rand.Uint64(), 150
	if s := os.Getenv("TENTERHOOK_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	if testing.Short() {
		n = 25
	}
	for name, secure := range map[string]bool{"Plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			e, dial, swap := startRecorder(t, secure)
			for i := range n {
				if i%20 == 0 {
					swap(i)
				}
				s := newStream(rand.New(rand.NewPCG(seed, uint64(i))))
				c := dial()
				go s.send(c)
				if got := readStatuses(t, c); !slices.Equal(got, s.status) {
					t.Errorf("answers %v, want %v", got, s.status)
				}
				c.Close()
				if got := e.takeRequests(); !slices.Equal(got, s.handled) {
					t.Errorf("heard %.2000q, want %.2000q", got, s.handled)
				}
				if t.Failed() {
					t.Fatalf("stream %d; run it again with TENTERHOOK_SEED=%d", i, seed)
				}
			}
		})
	}
}

// startRecorder starts a gate behind a proxy that records its requests. At the end it must have
// released everything: connections, memory, and the modules of its Sets.
func startRecorder(t *testing.T, secure bool) (e *recorder, dial func() net.Conn, swap func(int)) {
	t.Helper()
	guests, err := wasm.New(wasm.Options{})
	must(t, err)
	code, err := os.ReadFile("../../rules/testdata/modules/stamp.wasm")
	must(t, err)
	on, err := engine.New(engine.Options{Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	swap = func(i int) {
		text := fmt.Append([]byte(streamPolicy), "# ", i, "\n")
		s, err := rules.Load(folder.New(map[string][]byte{"policy.yaml": text, "stamp.wasm": code}), rules.Options{Modules: guests})
		must(t, err)
		on.Swap(s)
	}
	o := Options{Log: slog.New(slog.DiscardHandler), Read: time.Minute, ProxyHeader: true}
	o.Proxies, err = peer.NewList([]string{"127.0.0.0/8"})
	must(t, err)
	var client *tls.Config
	if secure {
		o.TLS, client = tlsConfigs(t)
	}
	e = new(recorder)
	e.g, err = New(on, o)
	must(t, err)
	e.g.server.Handler = e.serve
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- e.g.Serve(l) }()
	t.Cleanup(func() { e.wantNothingLeft(t, served, on, guests) })
	dial = func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		must(t, err)
		c.SetDeadline(time.Now().Add(time.Minute))
		io.WriteString(c, "PROXY TCP4 127.0.0.9 127.0.0.1 4711 443\r\n")
		if secure {
			return tls.Client(c, client)
		}
		return c
	}
	return e, dial, swap
}

// wantNothingLeft ends a gate without connections.
func (e *recorder) wantNothingLeft(t *testing.T, served chan error, on *engine.Engine, guests *wasm.Runtime) {
	g := e.g
	for by := time.Now().Add(time.Minute); g.open.Load() > 0 && time.Now().Before(by); {
		time.Sleep(time.Millisecond)
	}
	g.Shutdown(t.Context()) // its context is over, and there is no connection
	<-served
	if g.open.Load() != 0 || g.bodyMemory.used.Load() != 0 || g.parseMemory.used.Load() != 0 || g.panics.Load() != 0 {
		t.Errorf("left: %d connections, %d and %d bytes, %d panics", g.open.Load(), g.bodyMemory.used.Load(), g.parseMemory.used.Load(), g.panics.Load())
	}
	if err := on.Close(); err != nil {
		t.Error(err)
	}
	if err := guests.Close(); err != nil {
		t.Errorf("a Set is left: %v", err)
	}
}

// tlsConfigs returns the TLS settings of a server and a client, from net/http/httptest.
func tlsConfigs(t *testing.T) (server, client *tls.Config) {
	s := httptest.NewTLSServer(nil)
	t.Cleanup(s.Close)
	client = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	client.ServerName = "example.com"
	return &tls.Config{Certificates: s.TLS.Certificates}, client
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
