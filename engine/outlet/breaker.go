package outlet

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/tenterhook/tenterhook/rules/destination"
)

// probeWait is the Result.After while another step probes a half-open breaker.
const probeWait = time.Second

// errFailure and errExcluded report an attempt to the circuit: a failure, or no statement about the
// destination.
var (
	errFailure  = errors.New("down")
	errExcluded = errors.New("unknown")
)

// breaker pauses a destination after failures in a row, or after several steps were answered with
// Retry-After.
type breaker struct {
	circuit  *gobreaker.TwoStepCircuitBreaker[struct{}]
	openTime time.Duration
	now      func() time.Time

	mu          sync.Mutex // guards the fields below; the circuit calls recordOpen under its own lock, so mu is acquired last
	opened      time.Time  // last time the circuit opened
	delayUntil  time.Time  // by Retry-After
	delayedKeys []string   // keys of steps answered with Retry-After since the last success
}

func newBreaker(b destination.Breaker, now func() time.Time, log *slog.Logger) *breaker {
	r := &breaker{openTime: b.Rest, now: now}
	r.circuit = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:      b.Rest,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= b.Failures },
		IsExcluded:   func(err error) bool { return err == errExcluded },
		IsSuccessful: func(err error) bool { return err == nil },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			level := slog.LevelInfo
			if to == gobreaker.StateOpen {
				level = slog.LevelWarn
				r.recordOpen()
			}
			log.Log(context.Background(), level, "breaker changed", "from", from.String(), "to", to.String())
		},
	})
	return r
}

func (r *breaker) recordOpen() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened = time.Now()
}

// allow permits an attempt, whose result must be reported, or returns the time to wait.
func (r *breaker) allow(key string) (report func(Result), wait time.Duration, ok bool) {
	if wait := r.delayLeft(); wait > 0 {
		return nil, wait, false
	}
	done, err := r.circuit.Allow()
	if errors.Is(err, gobreaker.ErrOpenState) {
		return nil, r.openTimeLeft(), false
	}
	if err != nil {
		return nil, probeWait, false
	}
	return func(result Result) { r.report(done, key, result) }, 0, true
}

func (r *breaker) report(done func(error), key string, result Result) {
	switch result.health {
	case up:
		done(nil)
	case down:
		done(errFailure)
	default:
		done(errExcluded)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if result.health == up {
		r.delayedKeys = r.delayedKeys[:0]
	}
	if result.After > 0 {
		r.recordDelay(key, result.After)
	}
}

// recordDelay counts an answer with Retry-After. RFC 9110 section 10.2.3 lets it mean the client or
// this one resource, and one event must not delay all others. So only several delayed steps pause
// the destination. mu is held.
func (r *breaker) recordDelay(key string, after time.Duration) {
	const several, longest = 3, 5 * time.Minute
	if !slices.Contains(r.delayedKeys, key) && len(r.delayedKeys) < several {
		r.delayedKeys = append(r.delayedKeys, key)
	}
	if len(r.delayedKeys) < several {
		return
	}
	if until := r.now().Add(min(after, longest)); until.After(r.delayUntil) {
		r.delayUntil = until
	}
}

// delayLeft is the rest of the pause that Retry-After asked for.
func (r *breaker) delayLeft() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.delayUntil.IsZero() {
		return 0
	}
	return max(0, r.delayUntil.Sub(r.now()))
}

// openTimeLeft is the time until the circuit is half-open, at least 1 ms.
func (r *breaker) openTimeLeft() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(r.openTime-time.Since(r.opened), time.Millisecond)
}

func (r *breaker) state() (breaker string, wait time.Duration) {
	state, wait := r.circuit.State(), r.delayLeft()
	if state == gobreaker.StateOpen {
		wait = max(wait, r.openTimeLeft())
	}
	return state.String(), wait
}
