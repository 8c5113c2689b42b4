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

// How long the program is given to end beyond the time that calls are, and after a second signal.
const (
	shutdownGrace = 10 * time.Second
	forcedGrace   = 2 * time.Second
)

// errShutdownTimeout is how a program ends that has not done so in time.
var errShutdownTimeout = errors.New("something did not end in time, and was left")

// runWithDeadline calls f, and leaves it behind when it does not return in time once a signal has asked it to: a disk that hangs, or a
// log that nobody reads, cannot keep the program from ending. What is durable is so at every moment.
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

// abandonShutdown says so, where there is a log that takes it.
func (s *server) abandonShutdown() error {
	s.log.Error("ended by force", "error", errShutdownTimeout)
	s.logWriter.tryFlush()
	return reported(errShutdownTimeout)
}

// serveUntilSignal serves until a signal, or until something that should run does not.
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
	s.logWriter.tryFlush() // what the start had to say stands before the word that it is done
	s.printBanner()
	s.notifySystemd("READY=1")
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
			return s.drainAndShutdown(sig, signals)
		}
	}
}

// drainAndShutdown ends the program because of a signal. Whoever sends calls here sees on /readyz that it should not, and is given time to.
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

// shutdown ends the listeners: new calls are refused, those under way get their time, unless a second signal comes.
func (s *server) shutdown(patience time.Duration, why ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	s.log.Info("ending when the calls under way are answered", append(why, "at most", patience)...)
	s.engine.Drain()
	err := s.gate.Shutdown(ctx)
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
	for _, l := range []net.Listener{s.hooksListener, s.adminListener} {
		if l != nil {
			l.Close() // closed already after a shutdown
		}
	}
	if s.issuers != nil {
		s.issuers.Close()
	}
	if s.certificates != nil {
		s.certificates.Close()
	}
	if s.engine != nil {
		s.engine.Close() // what closing a Set says is in the log
	}
	if s.modules != nil {
		if err := s.modules.Close(); err != nil {
			s.log.Error("close what runs modules", "error", err)
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

// printBanner tells a person, on standard output, what is running where. What happens later is in the log.
func (s *server) printBanner() {
	status := s.watcher.Status()
	var b strings.Builder
	fmt.Fprintf(&b, "tenterhook %s: %s, revision %s\n", s.p.versionText(), s.f.dir, status.Revision[:min(12, len(status.Revision))])
	if status.From == watch.FromLastGood {
		fmt.Fprintf(&b, "NOT THE FOLDER AS IT IS: it cannot be loaded (see the log); these are its rules when it last could\n")
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

// warnUnauthenticated says which hooks answer whoever can reach them, when they are others than before.
func (s *server) warnUnauthenticated(set *rules.Set) {
	var names []string
	for _, h := range set.Hooks() {
		if len(h.Auth) == 0 {
			names = append(names, h.Name)
		}
	}
	open := strings.Join(names, ", ")
	if open != "" && open != s.warnedHooks {
		s.log.Warn("hooks with auth: none answer everybody on this machine; a proxy on this machine in front of them would make them public",
			"hooks", open)
	}
	s.warnedHooks = open
}
