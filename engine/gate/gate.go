// Package gate is for Okta's side of the program: it listens, authenticates, decodes, and turns a decision into HTTP. It is
// the only package that knows fasthttp.
//
// A call is authenticated when its head has arrived, before any of its body is read: the connection itself reads the head and judges
// it, and fasthttp is told what it needs to read the body, or of a request that is refused nothing that it could read.
package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/issuer"
	"github.com/tenterhook/tenterhook/engine/peer"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// DefaultMaxConns is how many connections may be open at one time where nobody says.
const DefaultMaxConns = 4096

// docsShare is what part of MaxHeld may be decoded at one time.
const docsShare = 4

// Options are what a Gate is made with.
type Options struct {
	Log      *slog.Logger          // nil: slog.Default()
	Registry prometheus.Registerer // where the metrics are registered; nil: nowhere
	Issuers  *issuer.Ring          // judges access tokens; nil: none is accepted
	Journal  Journal               // where the lines about calls go

	MaxBody    int           // bytes of a body; default 1 MiB
	MaxEvents  int           // bytes of an event hook's body, which brings many events; default 4 MiB
	MaxHeader  int           // bytes of a request line and its headers; default 16 KiB
	MaxConns   int           // connections open at one time; default DefaultMaxConns
	MaxHeld    int64         // bytes of large bodies that are read or decided on at one time, as announced; default 128 MiB
	Read       time.Duration // from a request's first byte to its last; default 3 s, as long as Okta waits
	Write      time.Duration // at most for writing an answer, at least half of it; default 10 s
	Idle       time.Duration // between the requests of a connection; default 90 s
	FirstBytes time.Duration // from a connection's opening, or its handshake, to its first byte; default 15 s, and 5 s while more than half of MaxConns are open; up to two fifths less, by chance
	Handshake  time.Duration // from a connection's opening to the end of its handshake; default 5 s, or less as above

	TLS         *tls.Config   // nil: plain HTTP, which is for loopback, or behind a proxy
	Proxies     peer.List     // who may say whom they speak for; without TLS nobody else comes but from this machine
	ProxyHeader bool          // each connection begins with a PROXY header, and is of one of the Proxies
	Allowed     *peer.Allowed // who may call; nil: everybody
}

// Gate serves the hooks of an Engine.
type Gate struct {
	e      *engine.Engine
	o      Options
	server *fasthttp.Server
	open   atomic.Int64 // connections
	counts counts
	panics atomic.Uint64
	bodies *pool // what is small costs too little to be counted
	docs   *pool // of large bodies, those that are read as JSON or decided on; their Docs take five times as much

	awayAt atomic.Int64 // when who may not call was last told of, in Unix time

	journal journal

	tls        *tls.Config // nil: none
	handshakes handshakeLimits
	failures   *peer.Failures
	friends    *peer.Friends

	strangers strangers
	displaced atomic.Uint64 // connections that had to make room

	mu        sync.Mutex // guards what follows
	stopped   bool       // Shutdown was called
	listeners []*listener
}

// New makes a Gate before an Engine.
func New(e *engine.Engine, o Options) (*Gate, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	defaults(&o.MaxBody, 1<<20)
	defaults(&o.MaxEvents, max(4<<20, o.MaxBody))
	defaults(&o.MaxHeader, 16<<10)
	defaults(&o.MaxConns, DefaultMaxConns)
	defaults(&o.MaxHeld, 128<<20)
	defaults(&o.Read, 3*time.Second)
	defaults(&o.Write, 10*time.Second)
	defaults(&o.Idle, 90*time.Second)
	defaults(&o.FirstBytes, 15*time.Second)
	defaults(&o.Handshake, 5*time.Second)
	g := &Gate{e: e, o: o, tls: o.TLS, handshakes: newHandshakeLimits(), failures: peer.NewFailures(), friends: peer.NewFriends(), journal: journal{o: o.Journal}}
	g.bodies, g.docs = newPool(o.MaxHeld), newPool(o.MaxHeld/docsShare)
	g.server = &fasthttp.Server{
		Handler:      g.serve,
		ErrorHandler: g.unreadable,
		Logger:       silence{},

		MaxRequestBodySize: max(o.MaxBody, o.MaxEvents), // each hook's own is the connection's to keep
		ReadBufferSize:     o.MaxHeader,
		Concurrency:        2 * o.MaxConns, // never reached: the listener counts connections, and refuses in our words

		CloseOnShutdown:              true,
		DisablePreParseMultipartForm: true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		LazyRequestTime:              true,
		SecureErrorLogMessage:        true,
		// The timeouts are conn's, which knows when a request's first byte came; the server's own are left out.
	}
	if o.Registry == nil {
		return g, nil
	}
	if err := o.Registry.Register(collector{g}); err != nil {
		return nil, err
	}
	return g, nil
}

// maxBody is how large a body of a hook may be.
func (g *Gate) maxBody(k *engine.Hook) int {
	if k.Rules.Type == hook.EventHook {
		return g.o.MaxEvents
	}
	return g.o.MaxBody
}

func defaults[T int | int64 | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

// Serve answers what comes in at a listener until Shutdown, and then returns nil; after one it returns at once. It takes
// ownership of the listener.
func (g *Gate) Serve(l net.Listener) error {
	ours := g.listener(l)
	g.mu.Lock()
	stopped := g.stopped
	g.listeners = append(g.listeners, ours)
	g.mu.Unlock()
	if stopped {
		return ours.Close()
	}
	return g.server.Serve(ours) // ends at once when Shutdown has closed the listener meanwhile
}

// Shutdown stops listening, lets the calls under way be answered, closes the connections, and waits for that until the
// context ends. The Engine is drained first, so that nothing new is sent here.
func (g *Gate) Shutdown(ctx context.Context) error {
	g.e.Drain()
	g.mu.Lock()
	g.stopped = true
	var errs []error
	for _, l := range g.listeners {
		errs = append(errs, l.Close())
	}
	g.mu.Unlock()
	g.strangers.dismiss() // the server would wait for them, as if they had begun
	errs = append(errs, g.server.ShutdownWithContext(ctx))
	for g.open.Load() > 0 && ctx.Err() == nil { // the server does not wait for Close, which gives the last lease back
		time.Sleep(time.Millisecond)
	}
	return errors.Join(errs...)
}

// silence drops what fasthttp logs: its messages quote requests. What was refused is counted instead.
type silence struct{}

// Printf writes nothing.
func (silence) Printf(string, ...any) {}
