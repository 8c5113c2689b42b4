package dispatch

import (
	"errors"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// outcome is the result of an attempt at a step, for the ledger.
type outcome struct {
	kind   kind
	reason string        // of retry and bury
	after  time.Duration // of retry
	absent bool          // of retry: no attempt was made, because the hook or destination is missing
}

var errNoDestination = errors.New("the policy has no such destination")

// waitOrBury lets a step wait for its destination or its hook to come back, until Grace is over.
func (d *Dispatch) waitOrBury(s ledger.Step, reason error) outcome {
	if time.Since(s.Received) >= d.o.Grace {
		return outcome{kind: bury, reason: reason.Error()}
	}
	return outcome{kind: retry, reason: reason.Error(), after: absentBackoff(s.Attempts), absent: true}
}

// absentBackoff is the time until a step looks for its missing destination or hook again.
func absentBackoff(attempts int) time.Duration {
	return min(time.Second<<min(attempts, 10), 5*time.Minute)
}

type kind uint8

const (
	release kind = iota // no attempt was made, or its result is unknown: the step stays as it was
	done
	retry
	bury
	kinds
)

var kindNames = [kinds]string{"given_back", "done", "retry", "dead"}

// record writes an outcome into the ledger. If that fails, the step is repeated later under the
// same idempotency key.
func (l *lane) record(s ledger.Step, o outcome) {
	steps := l.d.o.Ledger
	var err error
	switch o.kind {
	case done:
		err = steps.Done(l.d.workCtx, s.ID)
	case retry:
		err = steps.Retry(l.d.workCtx, s.ID, time.Now().Add(o.after), o.reason)
	case bury:
		err = steps.Bury(l.d.workCtx, s.ID, o.reason)
	default:
		steps.ReleaseStep(s.ID)
	}
	l.logFailure(s, o)
	switch {
	case err == nil:
		l.metrics.countOutcome(o.kind, time.Since(s.Received))
	case l.d.isLedgerStopped(err), errors.Is(err, ledger.ErrGone), l.d.workCtx.Err() != nil:
	default:
		l.d.log.Error("record the outcome of a step", "destination", l.name, "step", s.ID.String(), "error", err)
		steps.ReleaseStep(s.ID)
		l.pauseFor(time.Second)
	}
}

// logFailure logs each attempt that failed, with its reason. The reason has no secret: see outlet.
func (l *lane) logFailure(s ledger.Step, o outcome) {
	attrs := []any{"destination", l.name, "hook", s.Hook, "step", s.ID.String(), "attempt", s.Attempts + 1, "reason", o.reason}
	if o.kind == retry && !o.absent {
		l.d.log.Warn("an attempt at a step failed", append(attrs, "retry_in", o.after.Round(time.Millisecond).String())...)
	}
	if o.kind == bury {
		l.d.log.Warn("a step failed for good and is now a dead letter", attrs...)
	}
}
