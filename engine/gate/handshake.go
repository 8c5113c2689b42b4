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

// handshakeState is a connection's state before its first request.
type handshakeState struct {
	setupDone   bool
	setupOK     bool        // requests may follow
	handshaking bool        // the TLS handshake is running
	hasReceived bool        // at least one byte came
	handshakeBy time.Time   // deadline of the PROXY header and the handshake
	hasSlot     atomic.Bool // in a handshakeLimit
	failingAddr bool        // the address has too many failures
	trustedAddr bool        // the address has sent a right secret in the last day
}

// acmeProtocol is the TLS protocol of a certificate authority that only checks the certificate (RFC
// 8737).
const acmeProtocol = "acme-tls/1"

// Handshake sets the connection up. The server calls it before it allocates memory for the
// connection: most connections of a flood end here.
func (c *conn) Handshake() error {
	if !c.setup() {
		return io.EOF // which it would also read next
	}
	return nil
}

// ConnectionState returns the state of TLS, which is zero for plain HTTP. Its presence makes the
// server call Handshake.
func (c *conn) ConnectionState() (s tls.ConnectionState) {
	if t := c.secure.Load(); t != nil {
		s = t.ConnectionState()
	}
	return s
}

// setup reads the PROXY header and does the handshake. It runs on the connection's own goroutine,
// at the latest when the server first reads, so a slow peer delays no other. It is false if no
// request can follow.
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
	if r != admitted && (c.hasReceived || !errors.Is(err, io.EOF)) { // else it was opened and closed, as health checks do
		if r == addrNotAllowed || r == proxyMissing {
			c.g.rejectAddr(r, c.peerAddr)
		} else {
			c.g.rejected.add(r)
		}
	}
	c.lastRead, c.readDeadline, c.writeDeadline = time.Now(), time.Time{}, time.Time{}
	return r == admitted && err == nil
}

// readProxyHeader reads the client's address from a PROXY header.
func (c *conn) readProxyHeader() (reason, error) {
	if !c.g.o.ProxyHeader {
		return admitted, nil
	}
	from, err := peer.ReadProxyHeader(c.Conn)
	if err != nil {
		return proxyMissing, err
	}
	if from.IsValid() { // else the proxy itself calls
		c.peerAddr, c.isProxy = from, c.g.o.Proxies.Has(from)
		c.g.unauth.move(c, c.g.trusted.Has(from, c.lastRead))
	}
	return c.g.checkAddr(c.peerAddr), nil
}

// tlsHandshake does the TLS handshake.
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
		return admitted, io.EOF // the authority has seen the certificate
	}
	return admitted, nil
}

// answerPlainHTTP answers a peer that speaks HTTP instead of TLS, usually because its URL begins
// with http://.
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

// rawConn is a connection as TLS sees it: the transport below.
type rawConn conn

// Read reads from the transport. During the handshake it waits for a handshake slot after a read,
// because computing follows. Later it notes when a request's first record begins and sets its
// deadline from there: a record can arrive as slowly as a request.
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
		c.Conn.SetReadDeadline(c.readDeadline) // on an error the next read fails as well
	}
	return n, err
}

// Write writes to the transport. It releases the handshake slot, because the peer's turn follows.
func (w *rawConn) Write(p []byte) (int, error) {
	(*conn)(w).releaseHandshake()
	return w.Conn.Write(p)
}

// SetWriteDeadline bounds the closing message of TLS, which is worth only a short wait. All other
// deadlines are set by conn on the transport.
func (w *rawConn) SetWriteDeadline(t time.Time) error {
	const moment = 100 * time.Millisecond
	if most := time.Now().Add(moment); most.Before(t) {
		t = most
	}
	return w.Conn.SetWriteDeadline(t)
}
