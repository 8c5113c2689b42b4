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

// crowd is the admin listener, bounded. Everybody who can reach it can open connections, so that one too many takes the place
// of the one that has been there longest without asking for anything: health and metrics are still answered.
type crowd struct {
	net.Listener
	mu      sync.Mutex // guards what follows, and busy of every guest
	present []*guest   // in the order of their coming
}

// guest is a connection to the admin listener.
type guest struct {
	net.Conn
	of   *crowd
	busy int // requests that are being answered
}

// Accept waits for a connection there is room for; others are closed.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		g := &guest{Conn: conn, of: c}
		if c.seat(g) {
			return g, nil
		}
		conn.Close()
	}
}

// seat takes a guest in, in the place of another if need be. It is false when all others are being answered.
func (c *crowd) seat(g *guest) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.present) >= maxConns {
		i := slices.IndexFunc(c.present, func(g *guest) bool { return g.busy == 0 })
		if i < 0 {
			return false
		}
		c.present[i].Conn.Close() // net/http notices, and closes the guest
		c.present = slices.Delete(c.present, i, i+1)
	}
	c.present = append(c.present, g)
	return true
}

// Close closes the connection and gives up its place.
func (g *guest) Close() error {
	g.of.mu.Lock()
	if i := slices.Index(g.of.present, g); i >= 0 {
		g.of.present = slices.Delete(g.of.present, i, i+1)
	}
	g.of.mu.Unlock()
	return g.Conn.Close()
}

func (g *guest) asks(n int) {
	g.of.mu.Lock()
	defer g.of.mu.Unlock()
	g.busy += n
}

// guestKey is where net/http keeps a request's guest: there is no other way from the one to the other.
type guestKey struct{}

func withGuest(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, guestKey{}, c)
}

// seated notes who is being answered, and has the connection end with the answer unless keep is called.
func seated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g, ok := r.Context().Value(guestKey{}).(*guest); ok {
			g.asks(1)
			defer g.asks(-1)
		}
		w.Header().Set("Connection", "close")
		next.ServeHTTP(w, r)
	})
}

// keep lets a connection outlive the answer, because a token was shown.
func keep(w http.ResponseWriter) { w.Header().Del("Connection") }
