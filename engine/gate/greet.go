package gate

import (
	"crypto/tls"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/tenterhook/tenterhook/engine/peer"
)

// greeting is what a connection needs until its first request.
type greeting struct {
	greeted bool
	welcome bool        // and there may be requests
	shaking bool        // hands are being shaken
	heard   bool        // something came
	by      time.Time   // when hands must be shaken
	hasSlot atomic.Bool // a handshake slot
	suspect bool        // its address has failed too often
	friend  bool        // its address has shown a secret
}

// acmeProtocol is what an authority speaks that wants to see a certificate, and nothing else (RFC 8737).
const acmeProtocol = "acme-tls/1"

// Handshake greets. The server calls it before it has any memory for a connection: of a crowd most come no further.
func (c *conn) Handshake() error {
	if !c.greet() {
		return io.EOF // which it also reads next
	}
	return nil
}

// ConnectionState is what TLS has come to, and nothing where there is none. It makes the server call Handshake.
func (c *conn) ConnectionState() (s tls.ConnectionState) {
	if t := c.secure.Load(); t != nil {
		s = t.ConnectionState()
	}
	return s
}

// greet does what comes before the first request: a proxy's header, and the handshake. It is done on the connection's own goroutine,
// when the server first reads if not before: who is slow here keeps nobody waiting. It is false when there will be no request.
func (c *conn) greet() (ok bool) {
	if c.greeted {
		return c.welcome
	}
	c.greeted = true
	defer func() {
		if p := recover(); p != nil {
			c.g.bug(p)
			ok = false
		}
		c.welcome = ok
		c.releaseHandshake()
	}()
	if !c.g.o.ProxyHeader && c.g.tls == nil {
		return true
	}
	c.by = c.last.Add(c.less(c.g.o.Handshake))
	if c.Conn.SetDeadline(c.by) != nil {
		return false
	}
	r, err := c.introduce()
	if r == admitted && err == nil && c.g.tls != nil {
		r, err = c.shake()
	}
	if r != admitted && (c.heard || !errors.Is(err, io.EOF)) { // or else it came and went, as health checks do
		if r == elsewhere || r == noProxy {
			c.g.away(r, c.from)
		} else {
			c.g.counts.add(r)
		}
	}
	c.last, c.reads, c.writes = time.Now(), time.Time{}, time.Time{}
	return r == admitted && err == nil
}

// introduce reads whom a proxy speaks for.
func (c *conn) introduce() (reason, error) {
	if !c.g.o.ProxyHeader {
		return admitted, nil
	}
	from, err := peer.ReadHeader(c.Conn)
	if err != nil {
		return noProxy, err
	}
	if from.IsValid() { // or else the proxy speaks for itself
		c.from, c.trusted = from, c.g.o.Proxies.Has(from)
		c.g.strangers.move(c, c.g.friends.Has(from, c.last))
	}
	return c.g.calls(c.from), nil
}

// shake does the handshake.
func (c *conn) shake() (reason, error) {
	t := tls.Server((*wire)(c), c.g.tls)
	c.shaking, c.suspect, c.friend = true, c.g.failures.Many(c.from, c.last), c.g.friends.Has(c.from, c.last)
	err := t.Handshake()
	c.shaking = false
	c.secure.Store(t)
	switch {
	case err != nil:
		c.explain(err)
		return noTLS, err
	case t.ConnectionState().NegotiatedProtocol == acmeProtocol:
		return admitted, io.EOF // it has seen what it wanted
	}
	return admitted, nil
}

// explain answers who speaks HTTP where TLS is spoken, which is somebody's mistake in a URL.
func (c *conn) explain(err error) {
	plain, ok := errors.AsType[tls.RecordHeaderError](err)
	if !ok {
		return
	}
	switch string(plain.RecordHeader[:]) {
	case "POST ", "GET /", "HEAD ":
		c.secure.Store(nil)
		c.unread.Store(true)
		io.WriteString(c.Conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	}
}

// wire is a connection as TLS sees it: what lies beneath.
type wire conn

// Read reads. During the handshake who has read something waits for a turn, because what follows costs time of the processor.
// Afterwards it notes when a request begins, and gives it its time from there: a record can come as slowly as a request.
func (w *wire) Read(p []byte) (int, error) {
	c := (*conn)(w)
	c.releaseHandshake()
	n, err := c.Conn.Read(p)
	if n == 0 {
		return n, err
	}
	c.heard = true
	if c.shaking {
		if !c.acquireHandshake() {
			return 0, os.ErrDeadlineExceeded
		}
		return n, err
	}
	if c.fresh && c.begun.IsZero() {
		c.begun = time.Now()
		c.reads = c.begun.Add(c.g.o.Read)
		c.Conn.SetReadDeadline(c.reads) // or else the next read says why
	}
	return n, err
}

// Write writes. A turn ends where it waits for the other side.
func (w *wire) Write(p []byte) (int, error) {
	(*conn)(w).releaseHandshake()
	return w.Conn.Write(p)
}

// SetWriteDeadline is how TLS bounds what it says at the end, for which nobody waits long: conn sets its own beneath.
func (w *wire) SetWriteDeadline(t time.Time) error {
	const moment = 100 * time.Millisecond
	if most := time.Now().Add(moment); most.Before(t) {
		t = most
	}
	return w.Conn.SetWriteDeadline(t)
}
