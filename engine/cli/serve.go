package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
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
		Short: "Answer Okta by the rules of a policy folder",
		Long: "Serve answers Okta's calls by the rules of a policy folder (default: policy), which may change while it runs: a good\n" +
			"change is live within a second, a bad one changes nothing and is logged. SIGTERM ends it when the calls under way are\n" +
			"answered, a second one at once; SIGHUP loads the folder now.\n\n" +
			"Each flag may also stand in the environment (TENTERHOOK_LOG_LEVEL) or in the configuration file (log-level: debug).\n" +
			"The command line counts before the environment, that before the file.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				c.Flags().Set("dir", args[0]) // a string always can be
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

// define makes the flags. Their names are also those of the settings file and, in another spelling, of the environment.
func (f *serveFlags) define(flags *pflag.FlagSet) {
	flags.StringVar(&f.dir, "dir", "policy", "the policy folder")
	flags.MarkHidden("dir") // its place is the argument; here for the environment and the file
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address for Okta's calls; port 0 is any free one")
	flags.StringVar(&f.admin, "admin", "127.0.0.1:8081", "address for health, metrics and status")
	flags.StringSliceVar(&f.adminHosts, "admin-host", nil, "names, beside addresses and localhost, that requests may call the admin listener by")
	flags.StringVar(&f.data, "data", "", "folder for what must outlive the program (default: in the user's state folder)")
	flags.StringVar(&f.config, "config", "", "file with settings, in YAML")
	flags.BoolVar(&f.requireTests, "require-tests", false, "let only a policy folder go live whose tests pass")
	f.listener.define(flags)
	flags.DurationVar(&f.drainDelay, "drain-delay", 0, "how long calls are still taken after /readyz has begun to fail, when the program ends")
	flags.DurationVar(&f.drain, "drain", 5*time.Second, "how long calls under way may take when the program ends")
	flags.StringVar(&f.logFormat, "log-format", "text", "text or json")
	flags.BoolVar(&f.logCalls, "log-calls", true, "write a line for each call, without its body, where the level is info or debug")
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
}

// server is what serve has running.
type server struct {
	p             *Program
	f             serveFlags
	log           *slog.Logger
	logWriter     *asyncWriter // which the log is written with
	ledger        *ledger.Ledger
	audit         *audit.Log
	modules       *wasm.Runtime
	ruleOptions   rules.Options // how folders are loaded
	engine        *engine.Engine
	issuers       *issuer.Ring
	watcher       *watch.Watcher
	gate          *gate.Gate
	admin         *admin.Admin
	hooksListener net.Listener
	adminListener net.Listener
	warnedHooks   string // the hooks that warnOpen has named

	certificates *certificate.Keeper // nil: no TLS
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

// serveAndFlush serves, and writes the rest of the log. Where nobody takes that, nobody would take the error's text either.
func (s *server) serveAndFlush() error {
	err := s.serve()
	if !s.logWriter.tryFlush() {
		return reported(errors.Join(err, errShutdownTimeout))
	}
	return err
}

// serve is all of it, from opening to closing.
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

// open makes everything ready to run; close undoes it.
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
	if err = s.openGate(registry); err != nil { // before a policy goes live: it may not be meant so
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

// openListeners opens the two listeners, if the settings of the hooks' do not contradict themselves.
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

// openRecords opens what is written down: the ledger, and the audit log.
func (s *server) openRecords() (err error) {
	if s.ledger, err = ledger.Open(ledger.Options{Path: ledgerPath(s.f.data)}); err != nil {
		return err
	}
	if s.audit, err = audit.Open(auditPath(s.f.data)); err != nil { // the ledger's lock is this file's, too
		return err
	}
	if err := s.audit.Broken(); err != nil {
		s.log.Warn("the end of the audit log does not hold: tenterhook audit finds the place", "file", auditPath(s.f.data), "error", err)
	}
	s.recordAct(audit.Act{Act: "serve", Subject: s.p.versionText(), Outcome: "ok"})
	if err := s.ledger.LowSpace(); err != nil {
		s.log.Warn("the disk is too full for the ledger: what is recorded is worked off, and new events may be refused until there is room",
			"file", ledgerPath(s.f.data), "error", err)
	}
	return nil
}

// openGate makes the hooks' server, which lets nobody in before a policy is live, and what it knows tokens by.
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

// openAdmin makes the admin listener's server.
func (s *server) openAdmin(registry *prometheus.Registry, tokens admin.Tokens) (err error) {
	s.admin, err = admin.New(admin.Options{
		Engine: s.engine, Ledger: s.ledger, Watch: s.watcher, Rules: s.ruleOptions, Registry: registry, Tokens: tokens, Log: s.log,
		Hosts: s.f.adminHosts, HooksListener: s.listenerStatus, Audit: s.audit, Problems: s.setProblems,
	})
	return err
}

// minTokenBytes is the length of the shortest admin token that is taken from the environment, in bytes.
const minTokenBytes = 16

// callLog is where lines about calls go.
func (s *server) callLog() gate.Journal {
	if !s.f.logCalls || !s.log.Enabled(context.Background(), slog.LevelInfo) {
		return gate.Journal{}
	}
	return gate.Journal{Writer: s.logWriter, JSON: s.f.logFormat == "json"}
}

// adminTokens are the admin listener's: from the environment, or else from the data directory, where the first start makes
// them. They are no flags, because a command line can be read by every user of the machine.
func (s *server) adminTokens() (admin.Tokens, error) {
	const read, publish = "TENTERHOOK_ADMIN_READ_TOKEN", "TENTERHOOK_ADMIN_PUBLISH_TOKEN"
	r, _ := s.p.Env(read)
	w, _ := s.p.Env(publish)
	switch {
	case r == "" && w == "":
		t, path, made, err := admin.LoadTokens(s.f.data)
		if made {
			s.log.Info("made tokens for the admin listener", "file", path)
		}
		return t, err
	case r == "" || w == "" || r == w:
		return admin.Tokens{}, usage("environment: want both %s and %s, and not the same", read, publish)
	case min(len(r), len(w)) < minTokenBytes:
		return admin.Tokens{}, usage("environment: want at least %d bytes in %s and in %s", minTokenBytes, read, publish)
	}
	return admin.Tokens{Read: r, Publish: w}, nil
}

// acceptSet refuses destinations that cannot be opened, and hooks without credentials where not only this machine can call them.
func (s *server) acceptSet(set *rules.Set) error {
	if problems := s.setProblems(set); len(problems) > 0 {
		return problems
	}
	s.warnUnauthenticated(set)
	s.issuers.Use(set) // it goes live next
	return nil
}

// setProblems is why a Set that could be loaded is not served; POST /v1/check tells it too.
func (s *server) setProblems(set *rules.Set) rules.Problems {
	problems := engineProblems(set)
	for _, h := range set.Hooks() {
		if where := s.exposure(); len(h.Auth) == 0 && where != "" {
			problems = append(problems, rules.Problem{Message: fmt.Sprintf("hook %s: auth: none is for loopback only, and %s anybody may call it: "+
				"want a secret", h.Name, where)})
		}
	}
	return problems
}

// loadOptions is how serve loads folders.
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
