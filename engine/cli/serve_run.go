package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/tenterhook/tenterhook/engine/audit"
	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules"
)

// How long shutdown may take beyond the time for calls, and after a second signal.
const (
	shutdownGrace = 10 * time.Second
	forcedGrace   = 2 * time.Second
)

// errShutdownTimeout ends a program whose shutdown takes too long.
var errShutdownTimeout = errors.New("shutdown took too long and was abandoned")

// runWithDeadline calls f, and abandons it if it does not return in time after a signal: neither a
// hanging disk nor an unread log can keep the program running. Durable state is consistent at every
// moment.
func (s *server) runWithDeadline(f func() error) error {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	done := make(chan error, 1)
	go func() { done <- f() }()
	var late <-chan time.Time
	for asked := 0; ; {
		select {
		case err := <-done:
			return err
		case <-late:
			return s.abandonShutdown()
		case <-signals:
			switch asked++; asked {
			case 1:
				late = time.After(s.f.drainDelay + s.f.drain + shutdownGrace)
			case 2:
				late = time.After(forcedGrace)
			}
		}
	}
}

// abandonShutdown logs the timeout, if the log accepts it.
func (s *server) abandonShutdown() error {
	s.log.Error("shutdown abandoned", "error", errShutdownTimeout)
	s.logWriter.tryFlush()
	return asReported(errShutdownTimeout)
}

// serveUntilSignal serves until a signal, or until a listener ends.
func (s *server) serveUntilSignal(signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	ended := make(chan error, 2)
	running.Go(func() { s.watcher.Run(ctx) })
	running.Go(func() { ended <- s.gate.Serve(s.hooksListener) })
	running.Go(func() { ended <- s.admin.Serve(s.adminListener) })
	s.startRefresh(ctx, &running)
	s.logWriter.tryFlush() // the log of the start precedes the banner
	s.printBanner()
	s.notifySystemd("READY=1")
	for {
		select {
		case err := <-ended:
			return errors.Join(fmt.Errorf("listener ended: %w", err), s.shutdown(0))
		case sig := <-signals:
			if sig == syscall.SIGHUP {
				s.log.Info("loading the policy folder after a signal", "signal", sig.String())
				s.watcher.Check()
				continue
			}
			return s.drainAndShutdown(sig, signals)
		}
	}
}

// drainAndShutdown ends the program after a signal. During --drain-delay /readyz fails, so that
// load balancers stop sending calls.
func (s *server) drainAndShutdown(why os.Signal, signals <-chan os.Signal) error {
	s.notifySystemd("STOPPING=1")
	s.engine.Drain()
	patience, late := s.f.drain, time.After(s.f.drainDelay)
	for waiting := s.f.drainDelay > 0; waiting; {
		select {
		case <-late:
			waiting = false
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				waiting, patience = false, 0
			}
		}
	}
	return s.shutdown(patience, "signal", why.String())
}

// shutdown closes the listeners. New calls are rejected; calls in progress may finish within
// patience, unless a second signal arrives.
func (s *server) shutdown(patience time.Duration, why ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	s.log.Info("shutting down after the calls in progress", append(why, "at most", patience)...)
	s.engine.Drain()
	err := s.gate.Shutdown(ctx)
	if err != nil {
		err = fmt.Errorf("calls were interrupted: %w", err)
	}
	s.engine.Finish(ctx)
	if adminErr := s.admin.Shutdown(ctx); err == nil && adminErr != nil && !errors.Is(adminErr, context.DeadlineExceeded) {
		err = adminErr
	}
	if err == nil {
		s.log.Info("shut down; every call was answered")
	}
	return err
}

func (s *server) close() {
	for _, l := range []net.Listener{s.hooksListener, s.adminListener} {
		if l != nil {
			l.Close() // closed already by shutdown
		}
	}
	if s.issuers != nil {
		s.issuers.Close()
	}
	if s.certificates != nil {
		s.certificates.Close()
	}
	if s.engine != nil {
		s.engine.Close() // logs errors of closing Sets
	}
	if s.modules != nil {
		if err := s.modules.Close(); err != nil {
			s.log.Error("close the module runtime", "error", err)
		}
	}
	if s.audit != nil {
		s.recordAct(audit.Act{Act: "end", Outcome: "ok"})
		s.audit.Close()
	}
	if s.ledger == nil {
		return
	}
	if err := s.ledger.Close(); err != nil {
		s.log.Error("close the ledger", "error", err)
	}
}

// printBanner prints the hooks and the listeners' addresses. Later events are in the log.
func (s *server) printBanner() {
	status := s.watcher.Status()
	var b strings.Builder
	fmt.Fprintf(&b, "tenterhook %s: %s, revision %s\n", s.p.versionText(), s.f.dir, status.Revision[:min(12, len(status.Revision))])
	if status.From == watch.FromLastGood {
		fmt.Fprintf(&b, "WARNING: the folder cannot be loaded (see the log); these are its last good rules\n")
	}
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "hooks at\t%s://%s\n", urlScheme(s.f.listener.usesTLS()), s.hooksListener.Addr())
	for _, h := range s.engine.Status().Hooks {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", h.Name, h.Path, h.Type)
	}
	fmt.Fprintf(t, "admin at\t%s://%s\n", urlScheme(s.f.listener.usesTLS() && !s.f.listener.hasProxy() && !isLocal(s.adminListener)), s.adminListener.Addr())
	t.Flush()
	fmt.Fprint(s.p.Stdout, b.String()+"ready\n")
}

// warnUnauthenticated warns about hooks without credentials, once for each list of them.
func (s *server) warnUnauthenticated(set *rules.Set) {
	var names []string
	for _, h := range set.Hooks() {
		if len(h.Auth) == 0 {
			names = append(names, h.Name)
		}
	}
	open := strings.Join(names, ", ")
	if open != "" && open != s.warnedHooks {
		s.log.Warn("hooks with auth: none answer every caller on this machine; a proxy on this machine would make them public",
			"hooks", open)
	}
	s.warnedHooks = open
}
