package gate

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"
)

// conn is a connection that knows when each request began and enforces its timeouts. Only one
// goroutine at a time reads, answers and writes, so there is no lock.
//
// A pipelined request, sent before the previous one was answered, counts as begun when the
// connection was last read. Okta does not pipeline.
//
// The embedded net.Conn is the transport below TLS: deadlines are set there, and eviction closes
// it.
type conn struct {
	net.Conn
	g      *Gate
	closed atomic.Bool
	secure atomic.Pointer[tls.Conn] // read and written instead of the net.Conn

	peerAddr netip.Addr // of the other end; a PROXY header replaces it
	isProxy  bool       // peerAddr is a proxy, and its requests name their clients
	jitter   uint8      // random; see withJitter
	handshakeState
	admission
	bodyReservation

	lingers          atomic.Bool // close lingers, because the peer may still be sending
	betweenRequests  bool        // no byte of the next request was read
	hasAuthenticated bool        // at least one request was authenticated
	recordStart      time.Time   // arrival of the request's first TLS record; zero before, and without TLS
	firstByte        time.Time   // when the first byte of the request was read
	lastRead         time.Time   // when anything was read
	readDeadline     time.Time   // as last set
	writeDeadline    time.Time   // as last set

	frame          frame  // of the current request
	serverHasBytes bool   // the server has read part of it
	buffered       []byte // received, but not yet delivered: the start of a head, or bytes behind a request
	approved       int    // bytes of buffered that the frame has accepted
	rejection      reason // why the frame did not accept the request

	group      *connGroup // in unauthConns, whose lock guards these fields; nil: not in it
	prev, next *conn      // of the group
}

// receive reads under the deadline of the request or, before its first byte, of the connection. The
// deadline of an idle connection is long, and setting one costs time, so it is moved only now and
// then.
func (c *conn) receive(p []byte) (int, error) {
	if !c.setupOK && !c.setup() {
		return 0, io.EOF
	}
	n, err := c.readUntilDeadline(p)
	c.lastRead = time.Now()
	if n > 0 && c.betweenRequests {
		c.betweenRequests, c.firstByte = false, c.lastRead
		if !c.recordStart.IsZero() {
			c.firstByte = c.recordStart
		}
	}
	if c.betweenRequests && errors.Is(err, os.ErrDeadlineExceeded) {
		return n, io.EOF // the peer has asked for nothing, and gets no answer
	}
	return n, err
}

// readUntilDeadline reads until the connection's own deadline. An earlier one is set by Shutdown,
// to interrupt connections without a request; a request that has begun is read on.
func (c *conn) readUntilDeadline(p []byte) (int, error) {
	for {
		if err := c.updateReadDeadline(); err != nil {
			return 0, err
		}
		n, err := c.transport().Read(p)
		if n == 0 && (!c.betweenRequests || !c.recordStart.IsZero()) && errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(c.readDeadline) {
			c.readDeadline = time.Time{}
			continue
		}
		return n, err
	}
}

// endRequest prepares the connection for its next request.
func (c *conn) endRequest() {
	c.betweenRequests, c.recordStart = true, time.Time{}
	c.finishAnswer()
	c.releaseRequest()
}

// transport returns the connection that is read and written.
func (c *conn) transport() net.Conn {
	if t := c.secure.Load(); t != nil {
		return t
	}
	return c.Conn
}

// markAuthenticated notes that the peer has sent a right secret.
func (c *conn) markAuthenticated() {
	if !c.hasAuthenticated {
		c.hasAuthenticated = true
		c.g.unauth.remove(c)
		c.g.trusted.Add(c.peerAddr, c.lastRead)
	}
}

// crowdedFirstBytes replaces FirstBytes while more than half of MaxConns are open.
const crowdedFirstBytes = 5 * time.Second

func (c *conn) updateReadDeadline() error {
	by, slack := c.firstByte.Add(c.g.o.Read), time.Duration(0)
	switch {
	case c.betweenRequests && !c.recordStart.IsZero():
		by = c.recordStart.Add(c.g.o.Read)
	case c.betweenRequests:
		wait := c.g.o.FirstBytes
		switch {
		case c.hasAuthenticated:
			wait = c.g.o.Idle
		case c.g.open.Load() > int64(c.g.o.MaxConns/2):
			wait = min(wait, crowdedFirstBytes)
		}
		by, slack = c.lastRead.Add(c.withJitter(wait)), wait/4
	}
	if d := by.Sub(c.readDeadline); 0 <= d && d <= slack {
		return nil
	}
	c.readDeadline = by
	return c.Conn.SetReadDeadline(by)
}

// withJitter shortens a timeout of an unauthenticated connection by up to two fifths, so that
// connections that came together do not expire together.
func (c *conn) withJitter(d time.Duration) time.Duration {
	if c.hasAuthenticated {
		return d
	}
	return d - d*2/5*time.Duration(c.jitter)/256
}

// Write writes before the write deadline, which it extends if little of it is left.
func (c *conn) Write(p []byte) (int, error) {
	if c.writeDeadline.Sub(c.lastRead) < c.g.o.Write/2 {
		c.writeDeadline = time.Now().Add(c.g.o.Write)
		if err := c.Conn.SetWriteDeadline(c.writeDeadline); err != nil {
			return 0, err
		}
	}
	return c.transport().Write(p)
}

// requestStart returns when the first byte of the current request arrived.
func (c *conn) requestStart() time.Time {
	if c.betweenRequests {
		return c.lastRead
	}
	return c.firstByte
}

// Close closes the connection. If a rejected peer is still sending, a reset could destroy the
// answer, so its bytes are read and discarded for a moment. Shutdown also calls it for idle
// connections.
func (c *conn) Close() error {
	first := c.closed.CompareAndSwap(false, true)
	c.releaseRequest()
	if !first {
		return net.ErrClosed
	}
	defer c.g.open.Add(-1)
	if c.lingers.Load() {
		c.linger()
	}
	c.g.unauth.remove(c)
	return c.transport().Close()
}

func (c *conn) linger() {
	const moment, most = 250 * time.Millisecond, 256 << 10
	if t := c.secure.Load(); t != nil {
		t.CloseWrite() // useless if the handshake was not completed
	}
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.Conn.SetReadDeadline(time.Now().Add(moment)) != nil {
		return
	}
	io.CopyBuffer(io.Discard, io.LimitReader(onlyReader{c.Conn}, most), make([]byte, 4<<10))
}

type onlyReader struct{ io.Reader }
