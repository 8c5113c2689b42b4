package admin

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
)

// maxConns is how many connections the admin listener has at one time. HTTP/1 has one request under way on each, so it bounds
// these too.
const maxConns = 64

// connLimiter is the admin listener, bounded. Everybody who can reach it can open connections, so that one too many takes the place
// of the one that has been there longest without asking for anything: health and metrics are still answered.
type connLimiter struct {
	net.Listener
	mu    sync.Mutex    // guards what follows, and busy of every guest
	conns []*readModule // in the order of their coming
}

// readModule is a connection to the admin listener.
type readModule struct {
	net.Conn
	limiter *connLimiter
	busy    int // requests that are being answered
}

// Accept waits for a connection there is room for; others are closed.
func (c *connLimiter) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		g := &readModule{Conn: conn, limiter: c}
		if c.admit(g) {
			return g, nil
		}
		conn.Close()
	}
}

// admit takes a guest in, in the place of another if need be. It is false when all others are being answered.
func (c *connLimiter) admit(g *readModule) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.conns) >= maxConns {
		i := slices.IndexFunc(c.conns, func(g *readModule) bool { return g.busy == 0 })
		if i < 0 {
			return false
		}
		c.conns[i].Conn.Close() // net/http notices, and closes the guest
		c.conns = slices.Delete(c.conns, i, i+1)
	}
	c.conns = append(c.conns, g)
	return true
}

// Close closes the connection and gives up its place.
func (g *readModule) Close() error {
	g.limiter.mu.Lock()
	if i := slices.Index(g.limiter.conns, g); i >= 0 {
		g.limiter.conns = slices.Delete(g.limiter.conns, i, i+1)
	}
	g.limiter.mu.Unlock()
	return g.Conn.Close()
}

func (g *readModule) addBusy(n int) {
	g.limiter.mu.Lock()
	defer g.limiter.mu.Unlock()
	g.busy += n
}

// connKey is where net/http keeps a request's guest: there is no other way from the one to the other.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// trackRequests notes who is being answered, and has the connection end with the answer unless keep is called.
func trackRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g, ok := r.Context().Value(connKey{}).(*readModule); ok {
			g.addBusy(1)
			defer g.addBusy(-1)
		}
		w.Header().Set("Connection", "close")
		next.ServeHTTP(w, r)
	})
}

// keepAlive lets a connection outlive the answer, because a token was shown.
func keepAlive(w http.ResponseWriter) { w.Header().Del("Connection") }
