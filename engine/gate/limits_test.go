package gate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/gate"
)

// metric returns the value of a metric without labels.
func (d *testGate) metric(name string) float64 {
	d.t.Helper()
	families, err := d.registry.Gather()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	d.t.Fatalf("no metric %s", name)
	return 0
}

// waitMetric waits until a metric has a value.
func (d *testGate) waitMetric(name string, want float64) {
	d.t.Helper()
	for end := time.Now().Add(testTimeout); d.metric(name) != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			d.t.Errorf("%s is %v, want %v", name, d.metric(name), want)
			return
		}
	}
}

// TestEviction: unauthenticated connections cannot keep out a caller with the right secret, and
// authenticated connections stay.
func TestEviction(t *testing.T) {
	overTransports(t, outerTransports, func(t *testing.T, tr transport) {
		d := tr.startGate(t, policy, gate.Options{MaxConns: 3, Read: time.Minute})
		known, oldest, older := d.dial(), d.dial(), d.dial()
		known.send(validRequest(body)).readResponse()
		oldest.send("POST /hooks")
		older.send("POST /hooks")
		for i := range 8 {
			l := d.dial()
			if status, _, _ := l.send(validRequest(body)).readResponse(); status != 200 {
				t.Fatalf("%d: got %d", i, status)
			}
			if i > 0 {
				l.Close()
				d.waitMetric("tenterhook_connections", 3-1)
				d.dial().send("POST /hooks") // another unauthenticated connection
				d.waitMetric("tenterhook_connections", 3)
				continue
			}
			// It ends without an answer, because it sent no whole request, or by a reset if its
			// bytes were not read.
			if rest, err := io.ReadAll(oldest.r); len(rest) > 0 || (err != nil && !errors.Is(err, syscall.ECONNRESET)) {
				t.Errorf("want the end of the connection, got %q, %v", rest, err)
			}
			known.send(validRequest(body)).readResponse()
			known.Close()
			d.waitMetric("tenterhook_connections", 2)
			d.dial().send("POST /hooks")
			d.waitMetric("tenterhook_connections", 3)
		}
		if d.metric("tenterhook_displaced_total") == 0 {
			t.Error("nothing was counted")
		}
	})
}

// TestManyUnauthenticatedConns: connections in all states come and go at the same time, and the
// count returns to zero.
func TestManyUnauthenticatedConns(t *testing.T) {
	d := startGate(t, policy, gate.Options{MaxConns: 8, FirstBytes: 200 * time.Millisecond})
	var all sync.WaitGroup
	for g := range 16 {
		all.Go(func() {
			for i := range 30 {
				c, err := net.Dial("tcp", d.addr)
				if err != nil {
					t.Error(err)
					return
				}
				c.SetDeadline(time.Now().Add(testTimeout))
				switch (g + i) % 4 {
				case 0:
					io.WriteString(c, validRequest(body)) // an answer, or a reset by eviction
					c.Read(make([]byte, 100))
				case 1:
					io.WriteString(c, requestHead(requestLine, "Authorization: x", "Content-Length: 100000"))
				case 2:
					c.Read(make([]byte, 1)) // until it is evicted
				}
				c.Close()
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		all.Wait()
		close(ended)
	}()
	for { // connections that wait for eviction need new ones
		select {
		case <-ended:
			d.waitMetric("tenterhook_connections", 0)
			if status, _, _ := d.dial().send(validRequest(body)).readResponse(); status != 200 {
				t.Errorf("got %d", status)
			}
			return
		case <-time.After(5 * time.Millisecond):
			c, err := net.Dial("tcp", d.addr)
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
		}
	}
}

// TestFirstBytesWhenCrowded: while many connections are open, silent ones get less time.
func TestFirstBytesWhenCrowded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes five seconds")
	}
	d := startGate(t, policy, gate.Options{MaxConns: 2, FirstBytes: time.Hour})
	d.dial()
	d.dial().wantClosed()
}

// TestBodyMemory: the memory of large bodies in progress is limited, even before their bytes
// arrive, and released however a request ends.
func TestBodyMemory(t *testing.T) {
	overTransports(t, slowTransports(), func(t *testing.T, tr transport) {
		const large, takes = 200 << 10, 256 << 10
		d := tr.startGate(t, policy, gate.Options{MaxHeld: 300 << 10, MaxBody: large, Read: testTimeout})
		whole := body + strings.Repeat(" ", large-len(body))
		length := requestHead(requestLine, fmt.Sprint("Content-Length: ", large))
		chunked := requestHead(requestLine, "Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n", large)
		for _, start := range []string{length, chunked} {
			first := d.dial().send(start)
			d.waitMetric("tenterhook_held_bytes", takes)
			for _, refused := range []string{length, chunked} {
				l := d.dial().send(refused)
				l.wantResponse(503, "")
				l.wantClosed()
			}
			if status, _, _ := d.dial().send(validRequest(body)).readResponse(); status != 200 { // small bodies are never affected
				t.Errorf("got %d", status)
			}
			if start == chunked {
				whole += "\r\n0\r\n\r\n"
			}
			if status, _, _ := first.send(whole).readResponse(); status != 200 {
				t.Errorf("got %d", status)
			}
			d.waitMetric("tenterhook_held_bytes", 0)
		}
		for _, start := range []string{length, chunked, strings.Replace(length, "\r\n", "\r\nExpect: 100-continue\r\n", 1)} {
			for _, some := range []string{"", body} {
				l := d.dial().send(start + some)
				d.waitMetric("tenterhook_held_bytes", takes)
				l.Close()
				d.waitMetric("tenterhook_held_bytes", 0)
			}
		}
		l := d.dial().send(strings.Replace(chunked, secret, "x", 1)) // an unauthenticated caller reserves nothing
		l.wantResponse(401, "")
		d.waitMetric("tenterhook_held_bytes", 0)
	})
}

// TestChunksAreReserved: chunks count with their announced sizes, and together.
func TestChunksAreReserved(t *testing.T) {
	d := startGate(t, policy, gate.Options{Read: testTimeout})
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 40<<10, strings.Repeat(" ", 40<<10))
	l := d.dial().send(requestHead(requestLine, "Transfer-Encoding: chunked") + chunk)
	time.Sleep(20 * time.Millisecond)
	d.waitMetric("tenterhook_held_bytes", 0)
	l.send(chunk)
	d.waitMetric("tenterhook_held_bytes", 128<<10)
	l.send(chunk + chunk)
	d.waitMetric("tenterhook_held_bytes", 256<<10)
	l.send("80000\r\n")
	d.waitMetric("tenterhook_held_bytes", 1<<20)
	l.Close()
	d.waitMetric("tenterhook_held_bytes", 0)
}

// TestManyReservations: many reservations at once, however they end, are all released.
func TestManyReservations(t *testing.T) {
	d := startGate(t, policy, gate.Options{MaxHeld: 2 << 20, Read: time.Second})
	whole := body + strings.Repeat(" ", 100<<10)
	var all sync.WaitGroup
	for g := range 16 {
		all.Go(func() {
			for i := range 12 {
				c, err := net.Dial("tcp", d.addr)
				if err != nil {
					t.Error(err)
					return
				}
				c.SetDeadline(time.Now().Add(testTimeout))
				switch text := validRequest(whole); (g + i) % 4 {
				case 0:
					io.WriteString(c, text)
					c.Read(make([]byte, 100))
				case 1:
					io.WriteString(c, text[:len(text)-i*1000-1])
				case 2:
					io.WriteString(c, text+text)
					c.Read(make([]byte, 1))
				case 3:
					io.WriteString(c, requestHead(requestLine, "Transfer-Encoding: chunked")+"40000\r\n"+whole)
				}
				c.Close()
			}
		})
	}
	all.Wait()
	d.waitMetric("tenterhook_held_bytes", 0)
	d.waitMetric("tenterhook_connections", 0)
}

// TestManyValues: a large body may have only as many values as Okta's have, a small one more.
func TestManyValues(t *testing.T) {
	d := startGate(t, policy, gate.Options{})
	call := func(values int) string {
		return validRequest(strings.Replace(body, `"data":{`, `"data":{"x":[`+strings.Repeat("1,", values)+`1],`, 1))
	}
	l := d.dial()
	if status, text, _ := l.send(call(20_000)).readResponse(); status != 200 {
		t.Errorf("a small one: %d %s", status, text)
	}
	l.send(call(200_000)).wantResponse(200, failureAnswer)
	if status, text, _ := l.send(call(20_000)).readResponse(); status != 200 {
		t.Errorf("afterwards: %d %s", status, text)
	}
}

func TestVersion(t *testing.T) {
	overTransports(t, outerTransports, func(t *testing.T, tr transport) {
		d := tr.startGate(t, policy, gate.Options{})
		for _, version := range []string{"HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/9.9"} {
			t.Run(version[5:], func(t *testing.T) {
				l := d.dial().send(strings.Replace(validRequest(body), "HTTP/1.1", version, 1))
				l.wantResponse(505, "")
				l.wantClosed()
			})
		}
		l := d.dial().send(strings.Replace(validRequest(body), "HTTP/1.1", "HTTP/1.0", 1))
		if status, _, _ := l.readResponse(); status != 200 {
			t.Errorf("1.0: got %d", status)
		}
		l.wantClosed()
	})
}

// TestAuthenticatedBeforeBody: a caller counts as authenticated before its first body arrives.
func TestAuthenticatedBeforeBody(t *testing.T) {
	d := startGate(t, policy, gate.Options{MaxConns: 4, Read: testTimeout})
	l := d.dial().sendHead(body)
	for range 8 {
		d.dial()
	}
	d.waitMetric("tenterhook_displaced_total", 5)
	if status, _, _ := l.send(body).readResponse(); status != 200 {
		t.Errorf("got %d", status)
	}
}

// TestShutdownOfSilentConns: silent connections do not delay the end of the program.
func TestShutdownOfSilentConns(t *testing.T) {
	overTransports(t, outerTransports, func(t *testing.T, tr transport) {
		d := tr.startGate(t, policy, gate.Options{FirstBytes: time.Hour})
		silent := d.dial()
		d.waitMetric("tenterhook_connections", 1)
		time.Sleep(50 * time.Millisecond) // its first read has begun
		ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
		defer cancel()
		if err := d.gate.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		silent.wantEnd()
	})
}

func TestShutdownBeforeServe(t *testing.T) {
	e, err := engine.New(engine.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	g, err := gate.New(e, gate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(testTimeout):
		t.Error("it serves")
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener was left open: %v", err)
	}
}

// exhaustedListener has no descriptors at first.
type exhaustedListener struct {
	net.Listener
	failures int
}

func (p *exhaustedListener) Accept() (net.Conn, error) {
	if p.failures > 0 {
		p.failures--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return p.Listener.Accept()
}

// TestNoDescriptors: the listener waits for descriptors, and logs one line.
func TestNoDescriptors(t *testing.T) {
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, nil))
	e, err := engine.New(engine.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	e.Swap(mustLoad(t, policy))
	g, err := gate.New(e, gate.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- g.Serve(&exhaustedListener{l, 3}) }()
	d := &testGate{t: t, addr: l.Addr().String()}
	if status, _, _ := d.dial().send(validRequest(body)).readResponse(); status != 200 {
		t.Errorf("got %d", status)
	}
	if err := errors.Join(g.Shutdown(context.Background()), <-served); err != nil {
		t.Error(err)
	}
	if n := strings.Count(text.String(), "cannot accept connections"); n != 1 {
		t.Errorf("told %d times:\n%s", n, &text)
	}
}
