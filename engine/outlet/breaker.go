package outlet

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// probeWait is what a step is told to wait for while another one finds out whether the destination is back.
const probeWait = time.Second

// errDown and errUnknown are how a breaker is told about a failure, and about what is none.
var (
	errFailure  = errors.New("down")
	errExcluded = errors.New("unknown")
)

// breaker is when a destination is left alone: its breaker is open after failures in a row, or the answers to several steps asked for time.
type breaker struct {
	circuit  *gobreaker.TwoStepCircuitBreaker[struct{}]
	openTime time.Duration
	now      func() time.Time

	mu          sync.Mutex // guards what follows; the breaker calls open under its own lock, so mu is taken last
	opened      time.Time  // when the breaker last opened
	delayUntil  time.Time  // what answers asked for
	delayedKeys []string   // the keys of the last steps whose answer asked for time, each once, since one was well answered
}

func newBreaker(b Breaker, now func() time.Time, log *slog.Logger) *breaker {
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

// allow lets an attempt through, whose outcome must then be reported, or says how long to wait.
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

// recordDelay is told that an answer asked for time, which (RFC 9110 section 10.2.3) may mean us, or what this one step is about: an event
// that brings such an answer about is not to hold up all others. When several steps were answered so, it is us. mu is held.
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

// delayLeft is what is left of the time an answer asked for.
func (r *breaker) delayLeft() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.delayUntil.IsZero() {
		return 0
	}
	return max(0, r.delayUntil.Sub(r.now()))
}

// openTimeLeft is what is left of the breaker's rest, never quite nothing.
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
