package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/tenterhook/tenterhook/engine/audit"
)

// How long the program is given to end beyond the time that calls are, and after a second signal.
const (
	lastly = 10 * time.Second
	atOnce = 2 * time.Second
)

// errStuck is how a program ends that has not done so in time.
var errStuck = errors.New("something did not end in time, and was left")

// inTime calls f, and leaves it behind when it does not return in time once a signal has asked it to: a disk that hangs, or a
// log that nobody reads, cannot keep the program from ending. What is durable is so at every moment.
func (s *server) inTime(f func() error) error {
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
			return s.stuck()
		case <-signals:
			switch asked++; asked {
			case 1:
				late = time.After(s.f.drainDelay + s.f.drain + lastly)
			case 2:
				late = time.After(atOnce)
			}
		}
	}
}

// stuck says so, where there is a log that takes it.
func (s *server) stuck() error {
	s.log.Error("ended by force", "error", errStuck)
	s.pen.lift()
	return said(errStuck)
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
	s.tend(ctx, &running)
	s.pen.lift() // what the start had to say stands before the word that it is done
	s.announce()
	s.notify("READY=1")
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
			return s.end(sig, signals)
		}
	}
}

// end ends the program because of a signal. Whoever sends calls here sees on /readyz that it should not, and is given time to.
func (s *server) end(why os.Signal, signals <-chan os.Signal) error {
	s.notify("STOPPING=1")
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
	for _, l := range []net.Listener{s.hooksAt, s.adminAt} {
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
	if s.guests != nil {
		if err := s.guests.Close(); err != nil {
			s.log.Error("close what runs modules", "error", err)
		}
	}
	if s.acts != nil {
		s.act(audit.Act{Act: "end", Outcome: "ok"})
		s.acts.Close()
	}
	if s.ledger == nil {
		return
	}
	if err := s.ledger.Close(); err != nil {
		s.log.Error("close the ledger", "error", err)
	}
}
