// Package admin is for the operator's side of the program: health, metrics, status, and what publishing will need.
//
// It has a listener of its own. Nothing here is served where Okta calls, and nothing under /v1 without a token.
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
	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules"
)

// Options are what an Admin is made with. All but Log, Rules and Ledger must be there.
type Options struct {
	Engine        *engine.Engine
	Ledger        *ledger.Ledger // whose events can be seen and mended; nil: none
	Watch         *watch.Watcher
	Rules         rules.Options        // how POST /v1/check loads the folder
	Registry      prometheus.Gatherer  // what /metrics shows
	Tokens        Tokens               // who may use /v1
	Hosts         []string             // names that requests may call this listener by, beside addresses and localhost
	HooksListener func() HooksListener // how the hooks' listener is guarded; nil: not told
	Log           *slog.Logger         // nil: slog.Default()
	Audit         *audit.Log           // where changes are recorded; nil: nowhere

	Problems func(*rules.Set) rules.Problems // why a Set that could be loaded would not be served; nil: none
}

// Admin serves the operator.
type Admin struct {
	o          Options
	server     *http.Server
	read       rules.Secret
	publish    rules.Secret
	checkLock  sync.Mutex    // held while a check runs: one at a time
	bodySlots  chan struct{} // holds one for each upload that is held
	changeSlot chan struct{} // holds one while a module is changed: one at a time
}

// ErrTokens is what New returns for tokens that would let anybody in.
var ErrTokens = errors.New("both admin tokens must be set, and differ")

// New makes an Admin.
func New(o Options) (*Admin, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Tokens.Read == "" || o.Tokens.Publish == "" || o.Tokens.Read == o.Tokens.Publish {
		return nil, ErrTokens
	}
	a := &Admin{o: o, read: newTokenSecret(o.Tokens.Read), publish: newTokenSecret(o.Tokens.Publish), bodySlots: make(chan struct{}, maxBodies), changeSlot: make(chan struct{}, 1)}
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
	return a, nil
}

// Serve answers what comes in at a listener until Shutdown, and then returns nil. It takes ownership of the listener.
func (a *Admin) Serve(l net.Listener) error {
	err := a.server.Serve(&connLimiter{Listener: l})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown stops listening and waits for the requests under way until the context ends.
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
	if a.o.Ledger != nil && a.o.Ledger.Broken() != nil { // inline hooks are still answered
		writeText(w, http.StatusOK, "ready, but no event can be recorded: the ledger is broken; restart\n")
		return
	}
	writeText(w, http.StatusOK, "ready\n")
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(text)) // a peer that is gone misses nothing
}

// secureRequests bounds what a request may send, and tells browsers to do nothing at all with the answer.
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
