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

// conn is a connection that knows when each request began, and holds it to its time. One goroutine at a time reads,
// answers and writes, so there is no lock.
//
// A request that was sent before the one ahead of it was answered (pipelining, which Okta does not do) began at the latest
// when its connection was last read.
//
// The net.Conn is what lies beneath everything else: deadlines are set there, and it is closed by who makes room.
type conn struct {
	net.Conn
	g      *Gate
	closed atomic.Bool
	secure atomic.Pointer[tls.Conn] // what is read and written when there is TLS

	peerAddr netip.Addr // who is at the other end; a proxy's header may say another
	isProxy  bool       // it is a proxy, whose requests say who calls
	jitter   uint8      // any number; see less
	handshakeState
	admission
	bodyReservation

	lingers          atomic.Bool // the peer may still be sending when the connection is closed
	betweenRequests  bool        // nothing of the next request was read yet
	hasAuthenticated bool        // a call came through here that was authenticated
	recordStart      time.Time   // when the first byte of its first record came, where there is TLS; zero before
	firstByte        time.Time   // when the first byte of the request was read
	lastRead         time.Time   // when anything was read
	readDeadline     time.Time   // the read deadline that is set
	writeDeadline    time.Time   // the write deadline that is set

	frame          frame  // of the request that is under way
	serverHasBytes bool   // the server has bytes of it
	buffered       []byte // received, and not yet given: the beginning of a head, or what came behind a request
	approved       int    // of ahead, what the frame has taken
	rejection      reason // what the frame has found, if it does not take it

	group      *connGroup // it is one of the Gate's strangers, whose lock guards this and what follows; nil: it is not
	prev, next *conn      // of its crowd
}

// receive reads, under the deadline that is the request's or, before its first byte, the connection's. Deadlines of idle
// connections are moved only now and then, for they are long, and setting one is not free.
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
		return n, io.EOF // nobody is waiting for an answer
	}
	return n, err
}

// readUntilDeadline reads. A deadline that is not its own is Shutdown's word to who says nothing; a request that has begun is read on.
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

// endRequest makes the connection one that waits for its next request.
func (c *conn) endRequest() {
	c.betweenRequests, c.recordStart = true, time.Time{}
	c.finishAnswer()
	c.releaseRequest()
}

// transport is what is read and written.
func (c *conn) transport() net.Conn {
	if t := c.secure.Load(); t != nil {
		return t
	}
	return c.Conn
}

// markAuthenticated notes that a secret was shown.
func (c *conn) markAuthenticated() {
	if !c.hasAuthenticated {
		c.hasAuthenticated = true
		c.g.unauth.remove(c)
		c.g.trusted.Add(c.peerAddr, c.lastRead)
	}
}

// crowdedFirstBytes is FirstBytes while more than half of the connections there may be are open.
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

// withJitter is a time for a stranger to do something in, or up to two fifths less: those who have come together do not go together,
// which would keep everybody else waiting.
func (c *conn) withJitter(d time.Duration) time.Duration {
	if c.hasAuthenticated {
		return d
	}
	return d - d*2/5*time.Duration(c.jitter)/256
}

// Write writes, in the time that is left for it.
func (c *conn) Write(p []byte) (int, error) {
	if c.writeDeadline.Sub(c.lastRead) < c.g.o.Write/2 {
		c.writeDeadline = time.Now().Add(c.g.o.Write)
		if err := c.Conn.SetWriteDeadline(c.writeDeadline); err != nil {
			return 0, err
		}
	}
	return c.transport().Write(p)
}

// requestStart is when the first byte of the request that is now being served arrived.
func (c *conn) requestStart() time.Time {
	if c.betweenRequests {
		return c.lastRead
	}
	return c.firstByte
}

// Close closes the connection. A peer that is refused while it still sends would lose the answer to a reset, so what it
// sends is thrown away for a moment. Shutdown calls it, too, for a connection that is idle.
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
		t.CloseWrite() // of no use where there was no handshake
	}
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.Conn.SetReadDeadline(time.Now().Add(moment)) != nil {
		return
	}
	io.CopyBuffer(io.Discard, io.LimitReader(onlyReader{c.Conn}, most), make([]byte, 4<<10))
}

type onlyReader struct{ io.Reader }
