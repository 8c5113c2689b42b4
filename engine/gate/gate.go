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

// DefaultMaxConns is the default limit of open connections.
const DefaultMaxConns = 4096

// At most MaxHeld/parseShare bytes of large bodies are parsed or decided on at one time.
const parseShare = 4

// Options are the settings of a Gate.
type Options struct {
	Log      *slog.Logger          // nil: slog.Default()
	Registry prometheus.Registerer // for the metrics; nil: none
	Issuers  *issuer.Keyring       // verify access tokens; nil: none is accepted
	Journal  Journal               // where calls are logged

	Probe      string        // path that answers 200 to GET and HEAD without a secret; empty: none
	MaxBody    int           // bytes of a body; default 1 MiB
	MaxEvents  int           // bytes of an event hook's body, which contains many events; default 4 MiB
	MaxHeader  int           // bytes of a request line and its headers; default 16 KiB
	MaxConns   int           // open at one time; default DefaultMaxConns
	MaxHeld    int64         // bytes of all large bodies in progress, as announced; default 128 MiB
	Read       time.Duration // from a request's first byte to its last; default 3 s, as long as Okta waits
	Write      time.Duration // at most for writing an answer, at least half of it; default 10 s
	Idle       time.Duration // between the requests of a connection; default 90 s
	FirstBytes time.Duration // from the opening or handshake to the first byte; default 15 s (crowdedFirstBytes, withJitter)
	Handshake  time.Duration // from the opening to the end of the handshake; default 5 s, shortened by withJitter

	TLS         *tls.Config     // nil: plain HTTP, for loopback or behind a proxy
	Proxies     peer.List       // proxies that may name a client; without TLS only they and this machine may connect
	ProxyHeader bool            // each connection comes from a proxy and begins with a PROXY header
	Allowed     *peer.AllowList // addresses that may call; nil: all
}

// Gate serves the hooks of an Engine.
type Gate struct {
	e           *engine.Engine
	o           Options
	server      *fasthttp.Server
	open        atomic.Int64 // connections
	rejected    rejectCounts
	panics      atomic.Uint64
	bodyMemory  *memoryQuota // for large bodies; small ones are not counted
	parseMemory *memoryQuota // for large bodies being parsed or decided on; their Docs need five times as much

	misdirectedLoggedAt atomic.Int64 // Unix time of the last log line of logMisdirected
	addrLoggedAt        atomic.Int64 // Unix time of the last log line about an address that is not allowed

	journal journal

	tls        *tls.Config // nil: plain HTTP
	handshakes handshakeLimits
	failures   *peer.Failures
	trusted    *peer.TrustedAddrs

	unauth  unauthConns
	evicted atomic.Uint64 // connections closed to make room

	mu        sync.Mutex // guards the fields below
	stopped   bool       // by Shutdown
	listeners []*listener
}

// New makes a Gate for an Engine.
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

		MaxRequestBodySize: max(o.MaxBody, o.MaxEvents), // the connection enforces the limit of each hook
		ReadBufferSize:     o.MaxHeader,
		Concurrency:        2 * o.MaxConns, // never reached: the listener limits connections

		CloseOnShutdown:              true,
		DisablePreParseMultipartForm: true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		LazyRequestTime:              true,
		SecureErrorLogMessage:        true,
		// The timeouts are enforced by conn, which knows when a request's first byte came.
	}
	if o.Registry == nil {
		return g, nil
	}
	if err := o.Registry.Register(collector{g}); err != nil {
		return nil, err
	}
	return g, nil
}

// maxBody returns the limit for a hook's bodies.
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

// Serve answers requests on a listener until Shutdown, then returns nil. After Shutdown it returns
// at once. It takes ownership of the listener.
func (g *Gate) Serve(l net.Listener) error {
	ours := g.newListener(l)
	g.mu.Lock()
	stopped := g.stopped
	g.listeners = append(g.listeners, ours)
	g.mu.Unlock()
	if stopped {
		return ours.Close()
	}
	return g.server.Serve(ours) // returns at once if Shutdown has closed the listener meanwhile
}

// Shutdown drains the Engine, so that no new call is sent here, stops listening, lets the calls in
// progress finish, closes the connections, and waits for that until the context ends.
func (g *Gate) Shutdown(ctx context.Context) error {
	g.e.Drain()
	g.mu.Lock()
	g.stopped = true
	var errs []error
	for _, l := range g.listeners {
		errs = append(errs, l.Close())
	}
	g.mu.Unlock()
	g.unauth.interruptReads() // the server would wait for them as for requests
	errs = append(errs, g.server.ShutdownWithContext(ctx))
	for g.open.Load() > 0 && ctx.Err() == nil { // the server does not wait for Close, which releases the last lease
		time.Sleep(time.Millisecond)
	}
	return errors.Join(errs...)
}

// discardLogger discards fasthttp's log, which quotes requests. Rejections are counted instead.
type discardLogger struct{}

// Printf writes nothing.
func (discardLogger) Printf(string, ...any) {}
