package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/admin"
	"github.com/tenterhook/tenterhook/engine/audit"
	"github.com/tenterhook/tenterhook/engine/certificate"
	"github.com/tenterhook/tenterhook/engine/gate"
	"github.com/tenterhook/tenterhook/engine/issuer"
	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/engine/peer"
	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

type serveFlags struct {
	dir, listen, admin, data string
	config                   string
	adminHosts               []string
	listener                 listenerFlags
	drainDelay, drain        time.Duration
	logFormat, logLevel      string
	logCalls                 bool
	requireTests             bool
}

func (p *Program) serve() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve [DIR]",
		Short: "Answer Okta's hooks with the rules of a policy folder",
		Long: "Serve answers Okta's calls with the rules of a policy folder (default: policy). A valid change of the folder is live within\n" +
			"a second; an invalid one is logged and changes nothing. SIGTERM ends the server after the calls in progress, a second\n" +
			"SIGTERM ends it at once; SIGHUP reloads the folder.\n\n" +
			"Each flag can also be set in the environment (TENTERHOOK_LOG_LEVEL) or in the configuration file (log-level: debug).\n" +
			"The command line takes precedence over the environment, and the environment over the file.",
		Example: "  tenterhook serve examples/quickstart\n" +
			"  tenterhook serve policy --listen :443 --tls-cert hooks.crt --tls-key hooks.key\n" +
			"  tenterhook serve policy --listen :8080 --trusted-proxies 10.0.0.0/8",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				c.Flags().Set("dir", args[0]) // never fails for a string
			}
			if err := p.applySettings(c.Flags()); err != nil {
				return err
			}
			return p.serveFolder(f)
		},
	}
	f.define(c.Flags())
	completeFlag(c, "log-format", "text", "json")
	completeFlag(c, "log-level", "debug", "info", "warn", "error")
	return c
}

// define adds the flags. Their names are also the keys of the configuration file and, in another
// spelling, of environment variables.
func (f *serveFlags) define(flags *pflag.FlagSet) {
	flags.StringVar(&f.dir, "dir", "policy", "the policy folder")
	flags.MarkHidden("dir") // the argument sets it; the flag is for the environment and the file
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address for Okta's calls; port 0 chooses a free port")
	flags.StringVar(&f.admin, "admin", "127.0.0.1:8081", "address of the admin listener: health, metrics, status")
	flags.StringSliceVar(&f.adminHosts, "admin-host", nil, "additional host names under which requests may call the admin listener")
	flags.StringVar(&f.data, "data", "", "data directory (default: in the user's state folder)")
	flags.StringVar(&f.config, "config", "", "YAML file with settings")
	flags.BoolVar(&f.requireTests, "require-tests", false, "let a policy folder go live only if its tests pass")
	f.listener.define(flags)
	flags.DurationVar(&f.drainDelay, "drain-delay", 0, "at shutdown, time to accept calls after /readyz begins to fail")
	flags.DurationVar(&f.drain, "drain", 5*time.Second, "at shutdown, time for calls in progress")
	flags.StringVar(&f.logFormat, "log-format", "text", "text or json")
	flags.BoolVar(&f.logCalls, "log-calls", true, "log a line for each call, without its body (level info)")
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
}

// server holds the parts of a running server.
type server struct {
	p             *Program
	f             serveFlags
	log           *slog.Logger
	logWriter     *asyncWriter   // under log
	ledger        *ledger.Ledger // nil with a read-only data directory
	ledgerError   error          // why it is nil
	audit         *audit.Log     // nil without a ledger
	modules       *wasm.Runtime
	ruleOptions   rules.Options // for loading folders
	engine        *engine.Engine
	issuers       *issuer.Keyring
	watcher       *watch.Watcher
	gate          *gate.Gate
	admin         *admin.Admin
	hooksListener net.Listener
	adminListener net.Listener
	warnedHooks   string // the hooks of the last warning of warnUnauthenticated

	certificates *certificate.Keeper // nil without TLS
	allowed      *peer.AllowList
}

func (p *Program) serveFolder(f serveFlags) error {
	pen := &asyncWriter{w: p.Stderr, json: f.logFormat == "json"}
	log, err := p.logger(f, pen)
	if err != nil {
		return err
	}
	if f.data, err = p.openDataDir(f.data, f.dir); err != nil {
		return err
	}
	s := &server{p: p, f: f, log: log, logWriter: pen}
	return s.runWithDeadline(s.serveAndFlush)
}

// serveAndFlush serves and flushes the log. If the log stalls, it does not print the error either.
func (s *server) serveAndFlush() error {
	err := s.serve()
	if !s.logWriter.tryFlush() {
		return asReported(errors.Join(err, errShutdownTimeout))
	}
	return err
}

// serve opens the server, runs it and closes it.
func (s *server) serve() error {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	defer s.close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.open(ctx); err != nil {
		return err
	}
	return s.serveUntilSignal(signals)
}

func (p *Program) logger(f serveFlags, w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, usage("%s: want debug, info, warn or error, got %q", p.flagSource("log-level"), f.logLevel)
	}
	o := &slog.HandlerOptions{Level: level}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return nil, usage("%s: want text or json, got %q", p.flagSource("log-format"), f.logFormat)
}

// open prepares all parts of the server; close releases them.
func (s *server) open(ctx context.Context) (err error) {
	if err = s.openListeners(); err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err = s.openCertificates(registry); err != nil {
		return err
	}
	if s.ruleOptions, err = s.loadOptions(); err != nil {
		return err
	}
	if err = s.openRecords(); err != nil {
		return err
	}
	s.engine, err = engine.New(engine.Options{
		Log: s.log, Registry: registry, Version: s.p.versionText(), Ledger: s.ledger, Outlet: outlet.Options{Stdout: s.p.Stdout, Version: s.p.versionText()},
	})
	if err != nil {
		return err
	}
	if err = s.openGate(registry); err != nil { // before a policy goes live: the settings may be wrong
		return err
	}
	tokens, err := s.adminTokens()
	if err != nil {
		return err
	}
	s.watcher, err = watch.Open(ctx, watch.Options{
		Dir: s.f.dir, Data: s.f.data, Engine: s.engine, Log: s.log,
		Rules: s.ruleOptions, Tests: s.f.requireTests, Accept: s.acceptSet, Live: s.recordLive,
	})
	if err != nil {
		return prefixError(s.f.dir, err)
	}
	return s.openAdmin(registry, tokens)
}

// openListeners checks the listener flags and opens the two listeners.
func (s *server) openListeners() (err error) {
	if err = s.p.checkListenerFlags(&s.f.listener); err != nil {
		return err
	}
	if s.hooksListener, err = s.listen("listen", s.f.listen); err != nil {
		return err
	}
	s.adminListener, err = s.listen("admin", s.f.admin)
	return err
}

// openRecords opens the ledger and the audit log. With a read-only data directory it opens neither, and
// the server serves inline hooks only: no sign-in depends on a disk that has gone bad.
func (s *server) openRecords() (err error) {
	s.ledger, err = ledger.Open(ledger.Options{Path: ledgerPath(s.f.data)})
	if errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
		s.ledgerError = err
		s.log.Error("the data directory is read-only: inline hooks are served, event deliveries get 503, and nothing is delivered or audited",
			"dir", s.f.data, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	if s.audit, err = audit.Open(auditPath(s.f.data)); err != nil { // the ledger's lock also protects this file
		return err
	}
	if err := s.audit.Broken(); err != nil {
		s.log.Warn("the audit log was changed near its end: run tenterhook audit to find the place", "file", auditPath(s.f.data), "error", err)
	}
	s.recordAct(audit.Act{Act: "serve", Subject: s.p.versionText(), Outcome: "ok"})
	if err := s.ledger.LowSpace(); err != nil {
		s.log.Warn("the disk is too full for the ledger: recorded events are still processed, but new events may be rejected until there is space",
			"file", ledgerPath(s.f.data), "error", err)
	}
	return nil
}

// openGate opens the issuers' keys and the hooks' server, which rejects calls until a policy is
// live.
func (s *server) openGate(registry *prometheus.Registry) (err error) {
	s.issuers, err = issuer.New(issuer.Options{Log: s.log, Registry: registry, Dir: filepath.Join(s.f.data, "issuers"), Version: s.p.versionText()})
	if err != nil {
		return err
	}
	o, err := s.accessOptions(gate.Options{Log: s.log, Registry: registry, Issuers: s.issuers, MaxConns: s.maxConnections(), Journal: s.callLog()})
	if err != nil {
		return err
	}
	s.gate, err = gate.New(s.engine, o)
	return err
}

// openAdmin opens the admin listener's server.
func (s *server) openAdmin(registry *prometheus.Registry, tokens admin.Tokens) (err error) {
	s.admin, err = admin.New(admin.Options{
		Engine: s.engine, Ledger: s.ledger, LedgerError: s.ledgerError, Watch: s.watcher, Rules: s.ruleOptions, Registry: registry, Tokens: tokens, Log: s.log,
		Hosts: s.f.adminHosts, HooksListener: s.listenerStatus, Audit: s.audit, Problems: s.setProblems,
	})
	return err
}

// minTokenBytes is the minimum length of admin tokens in the environment.
const minTokenBytes = 16

// callLog returns the options for logging calls.
func (s *server) callLog() gate.Journal {
	if !s.f.logCalls || !s.log.Enabled(context.Background(), slog.LevelInfo) {
		return gate.Journal{}
	}
	return gate.Journal{Writer: s.logWriter, JSON: s.f.logFormat == "json"}
}

// adminTokens returns the tokens of the admin listener: from the environment, or else from the data
// directory, where the first start creates them. They are not flags, because every user of the
// machine can read command lines.
func (s *server) adminTokens() (admin.Tokens, error) {
	const read, publish = "TENTERHOOK_ADMIN_READ_TOKEN", "TENTERHOOK_ADMIN_PUBLISH_TOKEN"
	r, _ := s.p.Env(read)
	w, _ := s.p.Env(publish)
	switch {
	case r == "" && w == "":
		t, path, made, err := admin.LoadTokens(s.f.data)
		if made {
			s.log.Info("created tokens for the admin listener", "file", path)
		}
		return t, err
	case r == "" || w == "" || r == w:
		return admin.Tokens{}, usage("environment: want both %s and %s, with different values", read, publish)
	case min(len(r), len(w)) < minTokenBytes:
		return admin.Tokens{}, usage("environment: want at least %d bytes in %s and in %s", minTokenBytes, read, publish)
	}
	return admin.Tokens{Read: r, Publish: w}, nil
}

// acceptSet rejects a Set with invalid destinations, or with hooks without credentials that other
// machines could call.
func (s *server) acceptSet(set *rules.Set) error {
	if problems := s.setProblems(set); len(problems) > 0 {
		return problems
	}
	s.warnUnauthenticated(set)
	s.issuers.Use(set) // the Set goes live next
	return nil
}

// setProblems returns the reasons for not serving a Set that compiles. POST /v1/check reports them
// too.
func (s *server) setProblems(set *rules.Set) document.Problems {
	problems := issuer.Problems(set)
	for _, h := range set.Hooks() {
		if where := s.exposure(); len(h.Auth) == 0 && where != "" {
			problems = append(problems, document.Problem{Message: fmt.Sprintf("hook %s: auth: none is allowed on loopback only, and %s anybody could call it: "+
				"add a secret", h.Name, where)})
		}
	}
	return problems
}

// loadOptions opens the module runtime and returns the options for loading folders.
func (s *server) loadOptions() (o rules.Options, err error) {
	key, err := randomKey(s.f.data)
	if err != nil {
		return o, err
	}
	if s.modules, err = newModuleRuntime(filepath.Join(s.f.data, "cache"), key); err != nil {
		return o, err
	}
	return rules.Options{Env: s.p.Env, Modules: s.modules, Random: runtime.NewRandom(key)}, nil
}
