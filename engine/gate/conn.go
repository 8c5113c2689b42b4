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

	from    netip.Addr // who is at the other end; a proxy's header may say another
	trusted bool       // it is a proxy, whose requests say who calls
	chance  uint8      // any number; see less
	greeting
	pass
	claim

	unread atomic.Bool // the peer may still be sending when the connection is closed
	fresh  bool        // nothing of the next request was read yet
	known  bool        // a call came through here that was authenticated
	begun  time.Time   // when the first byte of its first record came, where there is TLS; zero before
	first  time.Time   // when the first byte of the request was read
	last   time.Time   // when anything was read
	reads  time.Time   // the read deadline that is set
	writes time.Time   // the write deadline that is set

	frame   frame  // of the request that is under way
	given   bool   // the server has bytes of it
	ahead   []byte // received, and not yet given: the beginning of a head, or what came behind a request
	granted int    // of ahead, what the frame has taken
	refused reason // what the frame has found, if it does not take it

	crowd         *crowd // it is one of the Gate's strangers, whose lock guards this and what follows; nil: it is not
	before, after *conn  // of its crowd
}

// receive reads, under the deadline that is the request's or, before its first byte, the connection's. Deadlines of idle
// connections are moved only now and then, for they are long, and setting one is not free.
func (c *conn) receive(p []byte) (int, error) {
	if !c.welcome && !c.greet() {
		return 0, io.EOF
	}
	n, err := c.await(p)
	c.last = time.Now()
	if n > 0 && c.fresh {
		c.fresh, c.first = false, c.last
		if !c.begun.IsZero() {
			c.first = c.begun
		}
	}
	if c.fresh && errors.Is(err, os.ErrDeadlineExceeded) {
		return n, io.EOF // nobody is waiting for an answer
	}
	return n, err
}

// await reads. A deadline that is not its own is Shutdown's word to who says nothing; a request that has begun is read on.
func (c *conn) await(p []byte) (int, error) {
	for {
		if err := c.setRead(); err != nil {
			return 0, err
		}
		n, err := c.stream().Read(p)
		if n == 0 && (!c.fresh || !c.begun.IsZero()) && errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(c.reads) {
			c.reads = time.Time{}
			continue
		}
		return n, err
	}
}

// ready makes the connection one that waits for its next request.
func (c *conn) ready() {
	c.fresh, c.begun = true, time.Time{}
	c.answered()
	c.settle()
}

// stream is what is read and written.
func (c *conn) stream() net.Conn {
	if t := c.secure.Load(); t != nil {
		return t
	}
	return c.Conn
}

// recognize notes that a secret was shown.
func (c *conn) recognize() {
	if !c.known {
		c.known = true
		c.g.strangers.remove(c)
		c.g.friends.Add(c.from, c.last)
	}
}

// hurry is FirstBytes while more than half of the connections there may be are open.
const hurry = 5 * time.Second

func (c *conn) setRead() error {
	by, slack := c.first.Add(c.g.o.Read), time.Duration(0)
	switch {
	case c.fresh && !c.begun.IsZero():
		by = c.begun.Add(c.g.o.Read)
	case c.fresh:
		wait := c.g.o.FirstBytes
		switch {
		case c.known:
			wait = c.g.o.Idle
		case c.g.open.Load() > int64(c.g.o.MaxConns/2):
			wait = min(wait, hurry)
		}
		by, slack = c.last.Add(c.less(wait)), wait/4
	}
	if d := by.Sub(c.reads); 0 <= d && d <= slack {
		return nil
	}
	c.reads = by
	return c.Conn.SetReadDeadline(by)
}

// less is a time for a stranger to do something in, or up to two fifths less: those who have come together do not go together,
// which would keep everybody else waiting.
func (c *conn) less(d time.Duration) time.Duration {
	if c.known {
		return d
	}
	return d - d*2/5*time.Duration(c.chance)/256
}

// Write writes, in the time that is left for it.
func (c *conn) Write(p []byte) (int, error) {
	if c.writes.Sub(c.last) < c.g.o.Write/2 {
		c.writes = time.Now().Add(c.g.o.Write)
		if err := c.Conn.SetWriteDeadline(c.writes); err != nil {
			return 0, err
		}
	}
	return c.stream().Write(p)
}

// began is when the first byte of the request that is now being served arrived.
func (c *conn) began() time.Time {
	if c.fresh {
		return c.last
	}
	return c.first
}

// Close closes the connection. A peer that is refused while it still sends would lose the answer to a reset, so what it
// sends is thrown away for a moment. Shutdown calls it, too, for a connection that is idle.
func (c *conn) Close() error {
	first := c.closed.CompareAndSwap(false, true)
	c.settle()
	if !first {
		return net.ErrClosed
	}
	defer c.g.open.Add(-1)
	if c.unread.Load() {
		c.linger()
	}
	c.g.strangers.remove(c)
	return c.stream().Close()
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
