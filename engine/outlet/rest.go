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
	errDown    = errors.New("down")
	errUnknown = errors.New("unknown")
)

// rest is when a destination is left alone: its breaker is open after failures in a row, or the answers to several steps asked for time.
type rest struct {
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	period  time.Duration
	now     func() time.Time

	mu     sync.Mutex // guards what follows; the breaker calls open under its own lock, so mu is taken last
	opened time.Time  // when the breaker last opened
	until  time.Time  // what answers asked for
	asking []string   // the keys of the last steps whose answer asked for time, each once, since one was well answered
}

func newRest(b Breaker, now func() time.Time, log *slog.Logger) *rest {
	r := &rest{period: b.Rest, now: now}
	r.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:      b.Rest,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= b.Failures },
		IsExcluded:   func(err error) bool { return err == errUnknown },
		IsSuccessful: func(err error) bool { return err == nil },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			level := slog.LevelInfo
			if to == gobreaker.StateOpen {
				level = slog.LevelWarn
				r.open()
			}
			log.Log(context.Background(), level, "breaker changed", "from", from.String(), "to", to.String())
		},
	})
	return r
}

func (r *rest) open() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened = time.Now()
}

// allow lets an attempt through, whose outcome must then be reported, or says how long to wait.
func (r *rest) allow(key string) (report func(Result), wait time.Duration, ok bool) {
	if wait := r.asked(); wait > 0 {
		return nil, wait, false
	}
	done, err := r.breaker.Allow()
	if errors.Is(err, gobreaker.ErrOpenState) {
		return nil, r.left(), false
	}
	if err != nil {
		return nil, probeWait, false
	}
	return func(result Result) { r.report(done, key, result) }, 0, true
}

func (r *rest) report(done func(error), key string, result Result) {
	switch result.health {
	case up:
		done(nil)
	case down:
		done(errDown)
	default:
		done(errUnknown)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if result.health == up {
		r.asking = r.asking[:0]
	}
	if result.After > 0 {
		r.ask(key, result.After)
	}
}

// ask is told that an answer asked for time, which (RFC 9110 section 10.2.3) may mean us, or what this one step is about: an event
// that brings such an answer about is not to hold up all others. When several steps were answered so, it is us. mu is held.
func (r *rest) ask(key string, after time.Duration) {
	const several, longest = 3, 5 * time.Minute
	if !slices.Contains(r.asking, key) && len(r.asking) < several {
		r.asking = append(r.asking, key)
	}
	if len(r.asking) < several {
		return
	}
	if until := r.now().Add(min(after, longest)); until.After(r.until) {
		r.until = until
	}
}

// asked is what is left of the time an answer asked for.
func (r *rest) asked() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until.IsZero() {
		return 0
	}
	return max(0, r.until.Sub(r.now()))
}

// left is what is left of the breaker's rest, never quite nothing.
func (r *rest) left() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(r.period-time.Since(r.opened), time.Millisecond)
}

func (r *rest) state() (breaker string, wait time.Duration) {
	state, wait := r.breaker.State(), r.asked()
	if state == gobreaker.StateOpen {
		wait = max(wait, r.left())
	}
	return state.String(), wait
}
