package gate

import (
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/tenterhook/tenterhook/engine/peer"
)

// listener limits the number of connections, and prepares each for the server.
type listener struct {
	net.Listener
	g        *Gate
	close    func() error // closes once
	loggedAt time.Time    // when a lack of descriptors was last logged; used by Accept's goroutine alone
}

func (g *Gate) newListener(l net.Listener) *listener {
	return &listener{Listener: l, g: g, close: sync.OnceValue(l.Close)}
}

// Close closes the listener, if it is open.
func (l *listener) Close() error { return l.close() }

// Accept waits for a connection that may be served. At the limit it closes an unauthenticated
// connection to make room, or the new one if all are authenticated. A lack of file descriptors is
// handled alike, and then waited out.
func (l *listener) Accept() (net.Conn, error) {
	pause := 5 * time.Millisecond
	for {
		c, err := l.Listener.Accept()
		if isTemporary(err) {
			l.handleExhaustion(err)
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
			continue
		}
		if err != nil {
			return nil, err
		}
		from := peer.AddrOf(c.RemoteAddr())
		if r := l.g.checkConn(from); r != admitted {
			l.g.rejectAddr(r, from)
			reset(c)
			continue
		}
		if l.g.open.Add(1) <= int64(l.g.o.MaxConns) || l.g.evictConn() {
			return l.g.newConn(c, from), nil
		}
		l.g.open.Add(-1)
		l.g.rejected.add(tooManyConns)
		if l.g.tls == nil {
			c.SetWriteDeadline(time.Now().Add(time.Second)) // a new socket's buffer takes it at once
			io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		}
		c.Close()
	}
}

// reset closes a connection without an answer, so that the kernel keeps no state of it.
func reset(c net.Conn) {
	if l, ok := c.(interface{ SetLinger(int) error }); ok {
		l.SetLinger(0)
	}
	c.Close()
}

func isTemporary(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && (errno.Temporary() || isOutOfResources(err) || errno == syscall.ECONNABORTED)
}

// isOutOfResources reports whether the system has no descriptor or memory for another connection.
func isOutOfResources(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// handleExhaustion closes an unauthenticated connection if the system has no resources left, and
// logs that once a minute.
func (l *listener) handleExhaustion(err error) {
	if !isOutOfResources(err) {
		return
	}
	l.g.evictConn()
	if now := time.Now(); now.Sub(l.loggedAt) >= time.Minute {
		l.loggedAt = now
		l.g.o.Log.Error("cannot accept connections: the system has no resources left", "connections", l.g.open.Load(), slog.Any("error", err))
	}
}

// newConn makes the conn of an accepted connection, unauthenticated at first.
func (g *Gate) newConn(c net.Conn, from netip.Addr) *conn {
	in := &conn{Conn: c, g: g, peerAddr: from, isProxy: g.o.Proxies.Has(from), jitter: uint8(rand.Uint32()), betweenRequests: true, lastRead: time.Now()}
	g.unauth.add(in, g.trusted.Has(from, in.lastRead))
	return in
}
