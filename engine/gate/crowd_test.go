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

// value is what a metric without labels says.
func (d *door) value(name string) float64 {
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

// settles waits until a metric is what it is in the end.
func (d *door) settles(name string, want float64) {
	d.t.Helper()
	for range 500 {
		if d.value(name) == want {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	d.t.Errorf("%s is %v, want %v", name, d.value(name), want)
}

// TestStrangersMakeRoom: connections that never showed a secret cannot keep out one that does, and those that did stay.
func TestStrangersMakeRoom(t *testing.T) {
	d := open(t, policy, gate.Options{MaxConns: 3})
	known, oldest, older := d.dial(), d.dial(), d.dial()
	known.send(good(body)).answer()
	oldest.send("POST /hooks")
	older.send("POST /hooks")
	for i := range 8 {
		l := d.dial()
		if status, _, _ := l.send(good(body)).answer(); status != 200 {
			t.Fatalf("%d: got %d", i, status)
		}
		if i > 0 {
			l.Close()
			d.settles("tenterhook_connections", 3-1)
			d.dial().send("POST /hooks") // another stranger
			d.settles("tenterhook_connections", 3)
			continue
		}
		// It ends without a word, for it never asked; by a reset where what it sent was not read.
		if rest, err := io.ReadAll(oldest.r); len(rest) > 0 || (err != nil && !errors.Is(err, syscall.ECONNRESET)) {
			t.Errorf("want the end of the connection, got %q, %v", rest, err)
		}
		known.send(good(body)).answer()
		known.Close()
		d.settles("tenterhook_connections", 2)
		d.dial().send("POST /hooks")
		d.settles("tenterhook_connections", 3)
	}
	if d.value("tenterhook_displaced_total") == 0 {
		t.Error("nothing was counted")
	}
}

// TestCrowdOfStrangers comes and goes at all places at once: every connection is counted out again.
func TestCrowdOfStrangers(t *testing.T) {
	d := open(t, policy, gate.Options{MaxConns: 8, FirstBytes: 200 * time.Millisecond})
	var all sync.WaitGroup
	for g := range 16 {
		all.Go(func() {
			for i := range 30 {
				c, err := net.Dial("tcp", d.addr)
				if err != nil {
					t.Error(err)
					return
				}
				c.SetDeadline(time.Now().Add(20 * time.Second))
				switch (g + i) % 4 {
				case 0:
					io.WriteString(c, good(body)) // an answer, or a reset from having made room
					c.Read(make([]byte, 100))
				case 1:
					io.WriteString(c, head(post, "Authorization: x", "Content-Length: 100000"))
				case 2:
					c.Read(make([]byte, 1)) // until it has to make room
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
	for { // those that wait to make room need somebody to come
		select {
		case <-ended:
			d.settles("tenterhook_connections", 0)
			if status, _, _ := d.dial().send(good(body)).answer(); status != 200 {
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

// TestHurry: while many connections are open, those that say nothing are given less time.
func TestHurry(t *testing.T) {
	if testing.Short() {
		t.Skip("takes five seconds")
	}
	d := open(t, policy, gate.Options{MaxConns: 2})
	start := time.Now()
	d.dial()
	d.dial().ends()
	if waited := time.Since(start); waited > 12*time.Second {
		t.Errorf("it took %v", waited)
	}
}

// TestHeld: the bytes of large bodies that are there at one time are bounded, and given back whatever becomes of a request.
func TestHeld(t *testing.T) {
	const large = 150 << 10
	d := open(t, policy, gate.Options{MaxHeld: 200 << 10, MaxBody: large})
	whole := body + strings.Repeat(" ", large-len(body))
	length := head(post, fmt.Sprint("Content-Length: ", large))
	chunked := head(post, "Transfer-Encoding: chunked") + fmt.Sprintf("%x\r\n", large)

	first := d.dial().send(length + whole[:large-1])
	d.settles("tenterhook_held_bytes", float64(len(length)+large-1))
	for _, refused := range []string{length, chunked} {
		l := d.dial().send(refused)
		l.wants(503, "")
		l.ends()
	}
	if status, _, _ := d.dial().send(good(body)).answer(); status != 200 { // what is small is never in the way
		t.Errorf("got %d", status)
	}
	if status, _, _ := first.send(whole[large-1:]).answer(); status != 200 {
		t.Errorf("got %d", status)
	}
	d.settles("tenterhook_held_bytes", 0)

	// Two that were let in before anything of them came.
	for _, start := range []string{length, chunked} {
		first, second := d.dial().send(start), d.dial().send(start)
		time.Sleep(50 * time.Millisecond)
		first.send(whole[:large-1])
		d.settles("tenterhook_held_bytes", float64(len(start)+large-1))
		go io.WriteString(second, whole[:large-1]) // cut off by the refusal
		second.wants(503, "")
		first.Close()
		second.Close()
		d.settles("tenterhook_held_bytes", 0)
	}
}

func TestVersion(t *testing.T) {
	d := open(t, policy, gate.Options{})
	for _, version := range []string{"HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/9.9"} {
		t.Run(version[5:], func(t *testing.T) {
			l := d.dial().send(strings.Replace(good(body), "HTTP/1.1", version, 1))
			l.wants(505, "")
			l.ends()
		})
	}
	l := d.dial().send(strings.Replace(good(body), "HTTP/1.1", "HTTP/1.0", 1))
	if status, _, _ := l.answer(); status != 200 {
		t.Errorf("1.0: got %d", status)
	}
	l.ends()
}

// TestShutdownOfStrangers: nobody who says nothing keeps the program from ending in time.
func TestShutdownOfStrangers(t *testing.T) {
	d := open(t, policy, gate.Options{})
	silent := d.dial()
	d.settles("tenterhook_connections", 1)
	time.Sleep(50 * time.Millisecond) // it is being read from
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := d.gate.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	silent.ends()
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
	case <-time.After(10 * time.Second):
		t.Error("it serves")
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener was left open: %v", err)
	}
}

// poor is a listener on a system that has no descriptors at first.
type poor struct {
	net.Listener
	times int
}

func (p *poor) Accept() (net.Conn, error) {
	if p.times > 0 {
		p.times--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return p.Listener.Accept()
}

// TestNoDescriptors: it is waited out, and told once.
func TestNoDescriptors(t *testing.T) {
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, nil))
	e, err := engine.New(engine.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	e.Swap(load(t, policy))
	g, err := gate.New(e, gate.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- g.Serve(&poor{l, 3}) }()
	d := &door{t: t, addr: l.Addr().String()}
	if status, _, _ := d.dial().send(good(body)).answer(); status != 200 {
		t.Errorf("got %d", status)
	}
	if err := errors.Join(g.Shutdown(context.Background()), <-served); err != nil {
		t.Error(err)
	}
	if n := strings.Count(text.String(), "a connection cannot be accepted"); n != 1 {
		t.Errorf("told %d times:\n%s", n, &text)
	}
}
