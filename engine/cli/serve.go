package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/admin"
	"github.com/tenterhook/tenterhook/engine/dispatch"
	"github.com/tenterhook/tenterhook/engine/gate"
	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules"
)

type serveFlags struct {
	dir, listen, admin, data string
	config                   string
	behindProxy              bool
	drain                    time.Duration
	logFormat, logLevel      string
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
			if err := p.layer(c.Flags()); err != nil {
				return err
			}
			return p.serveFolder(f)
		},
	}
	f.define(c.Flags())
	words(c, "log-format", "text", "json")
	words(c, "log-level", "debug", "info", "warn", "error")
	return c
}

// define makes the flags. Their names are also those of the settings file and, in another spelling, of the environment.
func (f *serveFlags) define(flags *pflag.FlagSet) {
	flags.StringVar(&f.dir, "dir", "policy", "the policy folder")
	flags.MarkHidden("dir") // its place is the argument; here for the environment and the file
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address for Okta's calls; port 0 is any free one")
	flags.StringVar(&f.admin, "admin", "127.0.0.1:8081", "address for health, metrics and status")
	flags.StringVar(&f.data, "data", "", "folder for what must outlive the program (default: in the user's state folder)")
	flags.StringVar(&f.config, "config", "", "file with settings, in YAML")
	flags.BoolVar(&f.behindProxy, "behind-proxy", false, "a proxy in front speaks TLS to Okta: listen on any address")
	flags.DurationVar(&f.drain, "drain", 5*time.Second, "how long calls under way may take when the program ends")
	flags.StringVar(&f.logFormat, "log-format", "text", "text or json")
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
}

// server is what serve has running.
type server struct {
	p       *Program
	f       serveFlags
	log     *slog.Logger
	ledger  *ledger.Ledger
	engine  *engine.Engine
	watcher *watch.Watcher
	gate    *gate.Gate
	admin   *admin.Admin
	hooksAt net.Listener
	adminAt net.Listener
}

func (p *Program) serveFolder(f serveFlags) error {
	log, err := p.logger(f)
	if err != nil {
		return err
	}
	if f.data, err = p.dataDir(f.data, f.dir); err != nil {
		return err
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	s := &server{p: p, f: f, log: log}
	defer s.close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.open(ctx); err != nil {
		return err
	}
	return s.run(signals)
}

func (p *Program) logger(f serveFlags) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, usage("%s: want debug, info, warn or error, got %q", p.setting("log-level"), f.logLevel)
	}
	o := &slog.HandlerOptions{Level: level}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(p.Stderr, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(p.Stderr, o)), nil
	}
	return nil, usage("%s: want text or json, got %q", p.setting("log-format"), f.logFormat)
}

// dataDir makes the data directory, for its owner only. It lies outside the policy folder: what is written there would
// change the folder.
func (p *Program) dataDir(data, policy string) (string, error) {
	if data == "" {
		var err error
		if data, err = p.stateDir(); err != nil {
			return "", err
		}
	}
	data, err := filepath.Abs(data)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", fmt.Errorf("make the data directory: %w", err)
	}
	if within(data, policy) {
		return "", usage("%s %s: want a directory outside the policy folder %s", p.setting("data"), data, policy)
	}
	return data, nil
}

// within reports whether path lies in dir, wherever links lead.
func within(path, dir string) bool {
	top, err := os.Stat(dir)
	if err != nil {
		return false // the folder is not there; that is told when it is read
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return false
	}
	for {
		if here, err := os.Stat(path); err == nil && os.SameFile(here, top) {
			return true
		}
		up := filepath.Dir(path)
		if up == path {
			return false
		}
		path = up
	}
}

// listen opens an address, which must be on loopback: calls carry secrets and passwords, and this program speaks plain
// HTTP. Behind a declared proxy any address will do.
func (s *server) listen(flag, address string) (net.Listener, error) {
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, usage("%s %s: want HOST:PORT: %w", s.p.setting(flag), address, err)
	}
	if !at.IP.IsLoopback() && !s.f.behindProxy {
		return nil, usage("%s %s: want an address on loopback, such as 127.0.0.1:%d: this is plain HTTP, and secrets and passwords would cross the "+
			"network readable by all; where a proxy in front of it speaks TLS to Okta, say so with --behind-proxy", s.p.setting(flag), address, at.Port)
	}
	l, err := net.ListenTCP("tcp", at)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.p.setting(flag), err)
	}
	return l, nil
}

// open makes everything ready to run; close undoes it.
func (s *server) open(ctx context.Context) (err error) {
	if s.hooksAt, err = s.listen("listen", s.f.listen); err != nil {
		return err
	}
	if s.adminAt, err = s.listen("admin", s.f.admin); err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if s.ledger, err = ledger.Open(ledger.Options{Path: ledgerFile(s.f.data)}); err != nil {
		return err
	}
	s.engine, err = engine.New(engine.Options{
		Log: s.log, Registry: registry, Version: s.p.named(), Ledger: s.ledger, Outlet: outlet.Options{Stdout: s.p.Stdout, Version: s.p.named()},
	})
	if err != nil {
		return err
	}
	s.watcher, err = watch.Open(ctx, watch.Options{
		Dir: s.f.dir, Data: s.f.data, Engine: s.engine, Log: s.log,
		Rules: rules.Options{Env: s.p.Env}, Accept: s.accept,
	})
	if err != nil {
		return from(s.f.dir, err)
	}
	return s.doors(registry)
}

// doors makes the two listeners' servers.
func (s *server) doors(registry *prometheus.Registry) (err error) {
	if s.gate, err = gate.New(s.engine, gate.Options{Log: s.log, Registry: registry}); err != nil {
		return err
	}
	tokens, err := s.tokens()
	if err != nil {
		return err
	}
	s.admin, err = admin.New(admin.Options{
		Engine: s.engine, Ledger: s.ledger, Watch: s.watcher, Rules: rules.Options{Env: s.p.Env}, Registry: registry, Tokens: tokens, Log: s.log,
	})
	return err
}

// tokens are the admin listener's: from the environment, or else from the data directory, where the first start makes
// them. They are no flags, because a command line can be read by every user of the machine.
func (s *server) tokens() (admin.Tokens, error) {
	const read, publish = "TENTERHOOK_ADMIN_READ_TOKEN", "TENTERHOOK_ADMIN_PUBLISH_TOKEN"
	r, _ := s.p.Env(read)
	w, _ := s.p.Env(publish)
	switch {
	case r == "" && w == "":
		t, path, made, err := admin.Token(s.f.data)
		if made {
			s.log.Info("made tokens for the admin listener", "file", path)
		}
		return t, err
	case r == "" || w == "" || r == w:
		return admin.Tokens{}, usage("environment: want both %s and %s, and not the same", read, publish)
	}
	return admin.Tokens{Read: r, Publish: w}, nil
}

// accept refuses destinations that cannot be opened, and hooks without credentials where not only this machine can call them.
func (s *server) accept(set *rules.Set) error {
	problems := dispatch.Problems(set)
	for _, h := range set.Hooks() {
		if len(h.Auth) == 0 && s.f.behindProxy {
			problems = append(problems, rules.Problem{Message: fmt.Sprintf("hook %s: auth: none is for loopback only, and with "+
				"--behind-proxy anybody may call it: want a secret", h.Name)})
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return problems
}

// run serves until a signal, or until something that should run does not.
func (s *server) run(signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	ended := make(chan error, 2)
	running.Go(func() { s.watcher.Run(ctx) })
	running.Go(func() { ended <- s.gate.Serve(s.hooksAt) })
	running.Go(func() { ended <- s.admin.Serve(s.adminAt) })
	s.announce()
	for {
		select {
		case err := <-ended:
			return errors.Join(fmt.Errorf("a listener ended: %w", err), s.shutdown(0))
		case sig := <-signals:
			if sig == syscall.SIGHUP {
				s.log.Info("loading the folder, because of a signal", "signal", sig.String())
				s.watcher.Check()
				continue
			}
			return s.shutdown(s.f.drain, "signal", sig.String())
		}
	}
}

// shutdown ends the listeners: new calls are refused, those under way get their time, unless a second signal comes.
func (s *server) shutdown(patience time.Duration, why ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	s.log.Info("ending when the calls under way are answered", append(why, "at most", patience)...)
	s.engine.Drain()
	err := s.gate.Shutdown(ctx)
	s.hooksAt.Close() // of use when the signal came before Serve did, which then ends at once
	if err != nil {
		err = fmt.Errorf("calls were cut off: %w", err)
	}
	s.engine.Finish(ctx)
	if adminErr := s.admin.Shutdown(ctx); err == nil && adminErr != nil && !errors.Is(adminErr, context.DeadlineExceeded) {
		err = adminErr
	}
	if err == nil {
		s.log.Info("ended; every call was answered")
	}
	return err
}

func (s *server) close() {
	for _, l := range []net.Listener{s.hooksAt, s.adminAt} {
		if l != nil {
			l.Close() // closed already after a shutdown
		}
	}
	if s.engine != nil {
		s.engine.Close() // what closing a Set says is in the log
	}
	if s.ledger == nil {
		return
	}
	if err := s.ledger.Close(); err != nil {
		s.log.Error("close the ledger", "error", err)
	}
}
