package dispatch

import (
	"errors"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// outcome is what became of an attempt at a step, for the ledger.
type outcome struct {
	kind   kind
	reason string
	after  time.Duration
}

type kind uint8

const (
	release kind = iota // nothing was tried, or nobody knows: the step is as it was
	done
	retry
	bury
	kinds
)

var kindNames = [kinds]string{"given_back", "done", "retry", "dead"}

// record records an outcome. When that cannot be done the step is repeated some time, under the same key.
func (l *lane) record(s ledger.Step, o outcome) {
	book := l.d.o.Ledger
	var err error
	switch o.kind {
	case done:
		err = book.Done(l.d.workCtx, s.ID)
	case retry:
		err = book.Retry(l.d.workCtx, s.ID, time.Now().Add(o.after), o.reason)
	case bury:
		l.d.log.Warn("a step was given up", "destination", l.name, "hook", s.Hook, "step", s.ID.String(), "reason", o.reason)
		err = book.Bury(l.d.workCtx, s.ID, o.reason)
	default:
		book.ReleaseStep(s.ID)
	}
	switch {
	case err == nil:
		l.stats.settled(o, time.Since(s.Received))
	case l.d.isLedgerStopped(err), errors.Is(err, ledger.ErrGone), l.d.workCtx.Err() != nil:
	default:
		l.d.log.Error("record what became of a step", "destination", l.name, "step", s.ID.String(), "error", err)
		book.ReleaseStep(s.ID)
		l.pauseFor(time.Second)
	}
}
