package admin

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/audit"
	"github.com/tenterhook/tenterhook/engine/fair"
	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/rules/document"
)

// Options configure an Admin. Engine, Watch, Registry and Tokens are required.
type Options struct {
	Engine        *engine.Engine
	Ledger        *ledger.Ledger // for events; nil: none
	LedgerError   error          // why a server that wants a ledger has none
	Watch         *watch.Watcher
	Rules         rules.Options        // for POST /v1/check
	Registry      *prometheus.Registry // served by /metrics, with the metrics of the Admin
	Tokens        Tokens               // for /v1
	Hosts         []string             // host names of this listener, beside addresses and localhost
	HooksListener func() HooksListener // state of the hooks' listener; may be nil
	Log           *slog.Logger         // default slog.Default()
	Audit         *audit.Log           // record of changes; may be nil

	Problems func(*rules.Set) document.Problems // problems of a Set that loads but cannot be served; may be nil
}

// Admin is the server of the admin listener.
type Admin struct {
	o       Options
	server  *http.Server
	read    credential.Secret
	publish credential.Secret
	tokens  *tokenLimiter

	checkLock  sync.Mutex              // held by a running check
	bodySlots  *fair.Limiter[struct{}] // for uploads in memory
	changeSlot *fair.Limiter[struct{}] // for the one change of a module
}

// ErrTokens is returned by New for empty or equal tokens.
var ErrTokens = errors.New("both admin tokens must be set, and differ")

// New makes an Admin.
func New(o Options) (*Admin, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Tokens.Read == "" || o.Tokens.Publish == "" || o.Tokens.Read == o.Tokens.Publish {
		return nil, ErrTokens
	}
	a := &Admin{
		o: o, read: newTokenSecret(o.Tokens.Read), publish: newTokenSecret(o.Tokens.Publish), tokens: newTokenLimiter(o.Log),
		bodySlots: fair.New[struct{}](maxBodies), changeSlot: fair.New[struct{}](1),
	}
	a.server = &http.Server{
		Handler:           trackRequests(secureRequests(checkHost(o.Hosts, a.routes()))),
		ConnContext:       withConn,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	return a, o.Registry.Register(a.tokens.unauthorized)
}

// Serve serves the connections of a listener until Shutdown, then returns nil. It closes the
// listener.
func (a *Admin) Serve(l net.Listener) error {
	err := a.server.Serve(&connLimiter{Listener: l})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown stops listening and waits for running requests until the context ends.
func (a *Admin) Shutdown(ctx context.Context) error { return a.server.Shutdown(ctx) }

func (a *Admin) routes() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") })
	m.HandleFunc("GET /readyz", a.ready)
	m.Handle("GET /metrics", promhttp.HandlerFor(a.o.Registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(a.o.Log.Handler(), slog.LevelError),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 4,
	}))
	m.Handle("GET /v1/status", a.requireRead(a.status))
	m.Handle("POST /v1/check", a.requireRead(a.check))
	a.moduleRoutes(m)
	a.eventRoutes(m)
	return m
}

func (a *Admin) ready(w http.ResponseWriter, _ *http.Request) {
	if !a.o.Engine.Ready() {
		writeText(w, http.StatusServiceUnavailable, "not ready\n")
		return
	}
	if s := a.ledgerStatus(); s != nil && s.Broken { // inline hooks still work
		writeText(w, http.StatusOK, "ready, but event deliveries get 503: the ledger is broken; restart\n")
		return
	}
	writeText(w, http.StatusOK, "ready\n")
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(text)) // the error concerns a closed connection only
}

// secureRequests limits request bodies and sets security headers for browsers.
func secureRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit(r))
		next.ServeHTTP(w, r)
	})
}
