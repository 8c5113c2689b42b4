package admin

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
)

// maxConns bounds the connections of the admin listener, and so its concurrent requests: HTTP/1
// runs one on each.
const maxConns = 64

// connLimiter is a listener with a limit of connections. A connection over the limit replaces the
// oldest one without a running request, so that idle connections cannot block health and metrics.
type connLimiter struct {
	net.Listener
	mu    sync.Mutex     // guards conns, and busy of each
	conns []*trackedConn // in the order of arrival
}

// trackedConn is a connection to the admin listener.
type trackedConn struct {
	net.Conn
	limiter *connLimiter
	busy    int // running requests
	framing framing
}

// Accept waits for a connection that is admitted; others are closed.
func (c *connLimiter) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		t := &trackedConn{Conn: conn, limiter: c}
		if c.admit(t) {
			return t, nil
		}
		conn.Close()
	}
}

// admit adds a connection, in place of an idle one at the limit. It reports false if none is idle.
func (c *connLimiter) admit(t *trackedConn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.conns) >= maxConns {
		i := slices.IndexFunc(c.conns, func(t *trackedConn) bool { return t.busy == 0 })
		if i < 0 {
			return false
		}
		c.conns[i].Conn.Close() // net/http notices and closes the trackedConn
		c.conns = slices.Delete(c.conns, i, i+1)
	}
	c.conns = append(c.conns, t)
	return true
}

// Close closes the connection and removes it from the limiter.
func (c *trackedConn) Close() error {
	c.limiter.mu.Lock()
	if i := slices.Index(c.limiter.conns, c); i >= 0 {
		c.limiter.conns = slices.Delete(c.limiter.conns, i, i+1)
	}
	c.limiter.mu.Unlock()
	return c.Conn.Close()
}

func (c *trackedConn) addBusy(n int) {
	c.limiter.mu.Lock()
	defer c.limiter.mu.Unlock()
	c.busy += n
}

// connKey is the context key of a request's trackedConn: net/http has no other way to find it.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// Read checks the framing of requests.
func (c *trackedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.framing.scan(b[:n])
	return n, err
}

// trackRequests counts the running request of a connection and rejects one with ambiguous framing.
// It closes the connection after the answer unless keepAlive is called.
func trackRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		c, ok := r.Context().Value(connKey{}).(*trackedConn)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		c.addBusy(1)
		defer c.addBusy(-1)
		if c.framing.isAmbiguous() {
			writeText(w, http.StatusBadRequest, "want either Content-Length or Transfer-Encoding\n")
			return
		}
		defer c.framing.end(r.ContentLength) // -1 if chunked: the next request of the connection is rejected
		next.ServeHTTP(w, r)
	})
}

// keepAlive keeps the connection open after the answer, because the request had a valid token.
func keepAlive(w http.ResponseWriter) { w.Header().Del("Connection") }
