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

// parseShare is what part of MaxHeld may be decoded at one time.
const parseShare = 4

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

	TLS         *tls.Config     // nil: plain HTTP, which is for loopback, or behind a proxy
	Proxies     peer.List       // who may say whom they speak for; without TLS nobody else comes but from this machine
	ProxyHeader bool            // each connection begins with a PROXY header, and is of one of the Proxies
	Allowed     *peer.AllowList // who may call; nil: everybody
}

// Gate serves the hooks of an Engine.
type Gate struct {
	e           *engine.Engine
	o           Options
	server      *fasthttp.Server
	open        atomic.Int64 // connections
	rejected    rejectCounts
	panics      atomic.Uint64
	bodyMemory  *memoryQuota // what is small costs too little to be counted
	parseMemory *memoryQuota // of large bodies, those that are read as JSON or decided on; their Docs take five times as much

	addrLoggedAt atomic.Int64 // when who may not call was last told of, in Unix time

	journal journal

	tls        *tls.Config // nil: none
	handshakes handshakeLimits
	failures   *peer.Failures
	trusted    *peer.TrustedAddrs

	unauth  unauthConns
	evicted atomic.Uint64 // connections that had to make room

	mu        sync.Mutex // guards what follows
	stopped   bool       // Shutdown was called
	listeners []*listener
}

// New makes a Gate before an Engine.
func New(e *engine.Engine, o Options) (*Gate, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	setDefault(&o.MaxBody, 1<<20)
	setDefault(&o.MaxEvents, max(4<<20, o.MaxBody))
	setDefault(&o.MaxHeader, 16<<10)
	setDefault(&o.MaxConns, DefaultMaxConns)
	setDefault(&o.MaxHeld, 128<<20)
	setDefault(&o.Read, 3*time.Second)
	setDefault(&o.Write, 10*time.Second)
	setDefault(&o.Idle, 90*time.Second)
	setDefault(&o.FirstBytes, 15*time.Second)
	setDefault(&o.Handshake, 5*time.Second)
	g := &Gate{e: e, o: o, tls: o.TLS, handshakes: newHandshakeLimits(), failures: peer.NewFailures(), trusted: peer.NewTrustedAddrs(), journal: journal{o: o.Journal}}
	g.bodyMemory, g.parseMemory = newMemoryQuota(o.MaxHeld), newMemoryQuota(o.MaxHeld/parseShare)
	g.server = &fasthttp.Server{
		Handler:      g.serve,
		ErrorHandler: g.rejectUnreadable,
		Logger:       discardLogger{},

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

func setDefault[T int | int64 | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

// Serve answers what comes in at a listener until Shutdown, and then returns nil; after one it returns at once. It takes
// ownership of the listener.
func (g *Gate) Serve(l net.Listener) error {
	ours := g.newListener(l)
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
	g.unauth.interruptReads() // the server would wait for them, as if they had begun
	errs = append(errs, g.server.ShutdownWithContext(ctx))
	for g.open.Load() > 0 && ctx.Err() == nil { // the server does not wait for Close, which gives the last lease back
		time.Sleep(time.Millisecond)
	}
	return errors.Join(errs...)
}

// discardLogger drops what fasthttp logs: its messages quote requests. What was refused is counted instead.
type discardLogger struct{}

// Printf writes nothing.
func (discardLogger) Printf(string, ...any) {}
