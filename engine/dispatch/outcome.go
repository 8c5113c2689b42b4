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
	giveBack kind = iota // nothing was tried, or nobody knows: the step is as it was
	done
	retry
	bury
	kinds
)

var kindNames = [kinds]string{"given_back", "done", "retry", "dead"}

// settle records an outcome. When that cannot be done the step is repeated some time, under the same key.
func (l *lane) settle(s ledger.Step, o outcome) {
	book := l.d.o.Ledger
	var err error
	switch o.kind {
	case done:
		err = book.Done(l.d.hard, s.ID)
	case retry:
		err = book.Retry(l.d.hard, s.ID, time.Now().Add(o.after), o.reason)
	case bury:
		l.d.log.Warn("a step was given up", "destination", l.name, "hook", s.Hook, "step", s.ID.String(), "reason", o.reason)
		err = book.Bury(l.d.hard, s.ID, o.reason)
	default:
		book.ReleaseStep(s.ID)
	}
	switch {
	case err == nil:
		l.tally.settled(o, time.Since(s.Received))
	case l.d.stopped(err), errors.Is(err, ledger.ErrGone), l.d.hard.Err() != nil:
	default:
		l.d.log.Error("record what became of a step", "destination", l.name, "step", s.ID.String(), "error", err)
		book.ReleaseStep(s.ID)
		l.rest(time.Second)
	}
}
