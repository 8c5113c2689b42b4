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

// handshakeState is what a connection needs until its first request.
type handshakeState struct {
	setupDone   bool
	setupOK     bool        // and there may be requests
	handshaking bool        // hands are being shaken
	hasReceived bool        // something came
	handshakeBy time.Time   // when hands must be shaken
	hasSlot     atomic.Bool // a handshake slot
	failingAddr bool        // its address has failed too often
	trustedAddr bool        // its address has shown a secret
}

// acmeProtocol is what an authority speaks that wants to see a certificate, and nothing else (RFC 8737).
const acmeProtocol = "acme-tls/1"

// Handshake greets. The server calls it before it has any memory for a connection: of a crowd most come no further.
func (c *conn) Handshake() error {
	if !c.setup() {
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

// setup does what comes before the first request: a proxy's header, and the handshake. It is done on the connection's own goroutine,
// when the server first reads if not before: who is slow here keeps nobody waiting. It is false when there will be no request.
func (c *conn) setup() (ok bool) {
	if c.setupDone {
		return c.setupOK
	}
	c.setupDone = true
	defer func() {
		if p := recover(); p != nil {
			c.g.logPanic(p)
			ok = false
		}
		c.setupOK = ok
		c.releaseHandshake()
	}()
	if !c.g.o.ProxyHeader && c.g.tls == nil {
		return true
	}
	c.handshakeBy = c.lastRead.Add(c.withJitter(c.g.o.Handshake))
	if c.Conn.SetDeadline(c.handshakeBy) != nil {
		return false
	}
	r, err := c.readProxyHeader()
	if r == admitted && err == nil && c.g.tls != nil {
		r, err = c.tlsHandshake()
	}
	if r != admitted && (c.hasReceived || !errors.Is(err, io.EOF)) { // or else it came and went, as health checks do
		if r == addrNotAllowed || r == proxyMissing {
			c.g.rejectAddr(r, c.peerAddr)
		} else {
			c.g.rejected.add(r)
		}
	}
	c.lastRead, c.readDeadline, c.writeDeadline = time.Now(), time.Time{}, time.Time{}
	return r == admitted && err == nil
}

// readProxyHeader reads whom a proxy speaks for.
func (c *conn) readProxyHeader() (reason, error) {
	if !c.g.o.ProxyHeader {
		return admitted, nil
	}
	from, err := peer.ReadProxyHeader(c.Conn)
	if err != nil {
		return proxyMissing, err
	}
	if from.IsValid() { // or else the proxy speaks for itself
		c.peerAddr, c.isProxy = from, c.g.o.Proxies.Has(from)
		c.g.unauth.move(c, c.g.trusted.Has(from, c.lastRead))
	}
	return c.g.checkAddr(c.peerAddr), nil
}

// tlsHandshake does the handshake.
func (c *conn) tlsHandshake() (reason, error) {
	t := tls.Server((*rawConn)(c), c.g.tls)
	c.handshaking, c.failingAddr, c.trustedAddr = true, c.g.failures.TooMany(c.peerAddr, c.lastRead), c.g.trusted.Has(c.peerAddr, c.lastRead)
	err := t.Handshake()
	c.handshaking = false
	c.secure.Store(t)
	switch {
	case err != nil:
		c.answerPlainHTTP(err)
		return handshakeFailed, err
	case t.ConnectionState().NegotiatedProtocol == acmeProtocol:
		return admitted, io.EOF // it has seen what it wanted
	}
	return admitted, nil
}

// answerPlainHTTP answers who speaks HTTP where TLS is spoken, which is somebody's mistake in a URL.
func (c *conn) answerPlainHTTP(err error) {
	plain, ok := errors.AsType[tls.RecordHeaderError](err)
	if !ok {
		return
	}
	switch string(plain.RecordHeader[:]) {
	case "POST ", "GET /", "HEAD ":
		c.secure.Store(nil)
		c.lingers.Store(true)
		io.WriteString(c.Conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	}
}

// rawConn is a connection as TLS sees it: what lies beneath.
type rawConn conn

// Read reads. During the handshake who has read something waits for a turn, because what follows costs time of the processor.
// Afterwards it notes when a request begins, and gives it its time from there: a record can come as slowly as a request.
func (w *rawConn) Read(p []byte) (int, error) {
	c := (*conn)(w)
	c.releaseHandshake()
	n, err := c.Conn.Read(p)
	if n == 0 {
		return n, err
	}
	c.hasReceived = true
	if c.handshaking {
		if !c.acquireHandshake() {
			return 0, os.ErrDeadlineExceeded
		}
		return n, err
	}
	if c.betweenRequests && c.recordStart.IsZero() {
		c.recordStart = time.Now()
		c.readDeadline = c.recordStart.Add(c.g.o.Read)
		c.Conn.SetReadDeadline(c.readDeadline) // or else the next read says why
	}
	return n, err
}

// Write writes. A turn ends where it waits for the other side.
func (w *rawConn) Write(p []byte) (int, error) {
	(*conn)(w).releaseHandshake()
	return w.Conn.Write(p)
}

// SetWriteDeadline is how TLS bounds what it says at the end, for which nobody waits long: conn sets its own beneath.
func (w *rawConn) SetWriteDeadline(t time.Time) error {
	const moment = 100 * time.Millisecond
	if most := time.Now().Add(moment); most.Before(t) {
		t = most
	}
	return w.Conn.SetWriteDeadline(t)
}
