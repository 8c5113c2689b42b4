package gate

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// listener bounds the number of connections and gives each its clock.
type listener struct {
	net.Listener
	g *Gate
}

// Accept waits for a connection there is room for. What is one too many is refused at once; running out of file
// descriptors is waited out.
func (l *listener) Accept() (net.Conn, error) {
	pause := 5 * time.Millisecond
	for {
		c, err := l.Listener.Accept()
		if passing(err) {
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
			continue
		}
		if err != nil {
			return nil, err
		}
		if l.g.open.Add(1) <= int64(l.g.o.MaxConns) {
			return &conn{Conn: c, g: l.g, fresh: true, last: time.Now()}, nil
		}
		l.g.open.Add(-1)
		l.g.counts.add(crowded)
		c.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
		io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		c.Close()
	}
}

func passing(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && (errno.Temporary() || errno == syscall.ECONNABORTED)
}

// conn is a connection that knows when each request began, and holds it to its time. One goroutine at a time reads,
// answers and writes, so there is no lock.
//
// A request that was sent before the one ahead of it was answered (pipelining, which Okta does not do) began at the latest
// when its connection was last read.
type conn struct {
	net.Conn
	g      *Gate
	closed atomic.Bool

	fresh  bool      // nothing of the next request was read yet
	known  bool      // a call came through here that was authenticated
	unread bool      // the peer may still be sending when the connection is closed
	first  time.Time // when the first byte of the request was read
	last   time.Time // when anything was read
	reads  time.Time // the read deadline that is set
	writes time.Time // the write deadline that is set
}

// Read reads, under the deadline that is the request's or, before its first byte, the connection's. Deadlines of idle
// connections are moved only now and then, for they are long, and setting one is not free.
func (c *conn) Read(p []byte) (int, error) {
	if err := c.setRead(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	c.last = time.Now()
	if n > 0 && c.fresh {
		c.fresh, c.first = false, c.last
	}
	if c.fresh && errors.Is(err, os.ErrDeadlineExceeded) {
		return n, io.EOF // nobody is waiting for an answer
	}
	return n, err
}

func (c *conn) setRead() error {
	by, slack := c.first.Add(c.g.o.Read), time.Duration(0)
	if c.fresh {
		wait := c.g.o.FirstBytes
		if c.known {
			wait = c.g.o.Idle
		}
		by, slack = c.last.Add(wait), wait/4
	}
	if d := by.Sub(c.reads); 0 <= d && d <= slack {
		return nil
	}
	c.reads = by
	return c.Conn.SetReadDeadline(by)
}

// Write writes, in the time that is left for it.
func (c *conn) Write(p []byte) (int, error) {
	if c.writes.Sub(c.last) < c.g.o.Write/2 {
		c.writes = time.Now().Add(c.g.o.Write)
		if err := c.Conn.SetWriteDeadline(c.writes); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(p)
}

// began is when the first byte of the request that is now being served arrived.
func (c *conn) began() time.Time {
	if c.fresh {
		return c.last
	}
	return c.first
}

// Close closes the connection. A peer that is refused while it still sends would lose the answer to a reset, so what it
// sends is thrown away for a moment.
func (c *conn) Close() error {
	if !c.closed.CompareAndSwap(false, true) {
		return net.ErrClosed
	}
	defer c.g.open.Add(-1)
	if c.unread {
		c.linger()
	}
	return c.Conn.Close()
}

func (c *conn) linger() {
	const moment, most = 250 * time.Millisecond, 256 << 10
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.Conn.SetReadDeadline(time.Now().Add(moment)) != nil {
		return
	}
	io.CopyBuffer(io.Discard, io.LimitReader(onlyReader{c.Conn}, most), make([]byte, 4<<10))
}

type onlyReader struct{ io.Reader }
