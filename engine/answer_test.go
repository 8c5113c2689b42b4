package engine

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// countRuns answers each run with its number.
func countRuns(runs *atomic.Int64, o rules.Outcome) func(*hook.Call, *rules.Decision) {
	return func(_ *hook.Call, d *rules.Decision) {
		d.Answer, d.Outcome = fmt.Appendf(nil, `{"debugContext":{"run":%d}}`, runs.Add(1)), o
	}
}

func TestAnswer(t *testing.T) {
	e := newEngine(t, Options{})
	if _, err := e.Answer(newCall(t, "1", "")); !errors.Is(err, ErrNoSet) {
		t.Errorf("before the first Swap: got %v, want ErrNoSet", err)
	}
	e.Swap(mustLoad(t, policy("registration", "deny")))
	stranger := newCall(t, "1", "")
	stranger.Hook = "hook-b"
	if _, err := e.Answer(stranger); !errors.Is(err, ErrNoHook) {
		t.Errorf("unknown hook: got %v, want ErrNoHook", err)
	}
	r, err := e.Answer(newCall(t, "1", "ann@example.com"))
	if err != nil || r.Outcome != Answered || len(r.Body) == 0 {
		t.Errorf("got %v %s %v", r.Outcome, r.Body, err)
	}
}

func TestRepeat(t *testing.T) {
	tests := []struct {
		name    string
		outcome rules.Outcome
		id      string
		email   string
		after   time.Duration
		repeat  bool
	}{
		{name: "SameBytes", outcome: rules.Answered, id: "a", email: "x", repeat: true},
		{name: "Denied", outcome: rules.Denied, id: "a", email: "x", repeat: true},
		{name: "Silent", outcome: rules.Silent, id: "a", email: "x", repeat: true},
		{name: "FailedTriesAgain", outcome: rules.Failed, id: "a", email: "x"},
		{name: "OtherID", outcome: rules.Answered, id: "b", email: "x"},
		{name: "OtherBody", outcome: rules.Answered, id: "a", email: "y"},
		{name: "JustInTime", outcome: rules.Answered, id: "a", email: "x", after: 2*time.Minute - time.Second, repeat: true},
		{name: "TooLate", outcome: rules.Answered, id: "a", email: "x", after: 2 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var runs atomic.Int64
				_, h := newLiveHook(t, Options{}, countRuns(&runs, tt.outcome))
				first := h.Answer(newCall(t, "a", "x"))
				time.Sleep(tt.after)
				second := h.Answer(newCall(t, tt.id, tt.email))
				same := string(first.Body) == string(second.Body)
				if first.Repeat || second.Repeat != tt.repeat || same != tt.repeat || (runs.Load() == 1) != tt.repeat {
					t.Errorf("first %+v, second %+v, %d runs", first, second, runs.Load())
				}
			})
		})
	}
}

func TestNoIDIsNeverARepeat(t *testing.T) {
	var runs atomic.Int64
	_, h := newLiveHook(t, Options{}, countRuns(&runs, rules.Answered))
	for range 3 {
		h.Answer(newCall(t, "", "x"))
	}
	if runs.Load() != 3 {
		t.Errorf("got %d runs, want 3", runs.Load())
	}
}

func TestRepeatIsOfTheSameSet(t *testing.T) {
	e, h := newLiveHook(t, Options{}, nil)
	first := h.Answer(newCall(t, "a", "ann@example.com"))
	e.Swap(mustLoad(t, policy("registration", "other")))
	second, err := e.Answer(newCall(t, "a", "ann@example.com"))
	if err != nil || first.Repeat || second.Repeat {
		t.Errorf("first %+v, second %+v, %v", first, second, err)
	}
}

func TestTwins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		gate := make(chan struct{})
		e, h := newLiveHook(t, Options{}, func(_ *hook.Call, d *rules.Decision) {
			runs.Add(1)
			<-gate
			d.Answer, d.Outcome = []byte(`{}`), rules.Answered
		})
		var replies [100]Reply
		var all sync.WaitGroup
		for i := range replies {
			c := newCall(t, "a", "x")
			all.Go(func() { replies[i] = h.Answer(c) })
		}
		synctest.Wait()
		if got := e.Status().Hooks[0].Running; got != 1 {
			t.Errorf("%d calls run rules, want 1", got)
		}
		close(gate)
		all.Wait()
		twins := 0
		for _, r := range replies {
			if string(r.Body) != `{}` || r.Outcome != Answered {
				t.Errorf("got %+v", r)
			}
			if r.Twin {
				twins++
			}
		}
		if runs.Load() != 1 || twins != 99 || h.stats.twins.Load() != 99 {
			t.Errorf("%d runs, %d twins", runs.Load(), twins)
		}
	})
}

func TestTwinLeavesAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		_, h := newLiveHook(t, Options{}, func(_ *hook.Call, d *rules.Decision) {
			<-gate
			d.Answer, d.Outcome = []byte(`{}`), rules.Answered
		})
		first, twin := newCall(t, "a", "x"), newCall(t, "a", "x")
		var all sync.WaitGroup
		all.Go(func() { h.Answer(first) })
		synctest.Wait()
		time.Sleep(time.Second)
		began := time.Now()
		r := h.Answer(twin) // it started a second ago
		if took := time.Since(began); took != time.Second || r.Outcome != Late || string(r.Body) != string(h.Rules.Failure) {
			t.Errorf("after %v: %+v", took, r)
		}
		close(gate)
		all.Wait()
	})
}

func TestPanicReleasesTwins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, panics := make(chan struct{}), true
		e, h := newLiveHook(t, Options{}, func(_ *hook.Call, d *rules.Decision) {
			<-gate
			if panics {
				panic("a bug")
			}
			d.Answer, d.Outcome = []byte(`{}`), rules.Answered
		})
		var all sync.WaitGroup
		var caught any
		first, twin := newCall(t, "a", "x"), newCall(t, "a", "x")
		all.Go(func() {
			defer func() { caught = recover() }()
			h.Answer(first)
		})
		synctest.Wait()
		var r Reply
		all.Go(func() { r = h.Answer(twin) })
		synctest.Wait()
		close(gate)
		all.Wait()
		if caught != "a bug" || !r.Twin || r.Outcome != Failed || string(r.Body) != string(h.Rules.Failure) {
			t.Errorf("caught %v, twin got %+v", caught, r)
		}
		panics = false
		if r := h.Answer(newCall(t, "a", "x")); r.Outcome != Answered || e.running.Load() != 0 || h.stats.running.Load() != 0 {
			t.Errorf("the next call got %+v; %d run", r, e.running.Load())
		}
	})
}

func TestDeadline(t *testing.T) {
	tests := []struct {
		name     string
		start    time.Duration // before now
		deadline time.Duration // after the start; 0 means no deadline
		want     time.Duration // after the start, for the rules
		late     bool
	}{
		{name: "Default", want: Patience},
		{name: "Sooner", deadline: time.Second, want: time.Second},
		{name: "NeverLater", deadline: time.Minute, want: Patience},
		{name: "OldCall", start: 1500 * time.Millisecond, want: Patience},
		{name: "PastIt", start: Patience, late: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var given time.Duration
				_, h := newLiveHook(t, Options{}, func(c *hook.Call, d *rules.Decision) {
					given = c.Deadline.Sub(c.Start)
					d.Answer, d.Outcome = []byte(`{}`), rules.Answered
				})
				for _, id := range []string{"a", ""} {
					given = 0
					c := newCall(t, id, "x")
					c.Start = c.Start.Add(-tt.start)
					if tt.deadline > 0 {
						c.Deadline = c.Start.Add(tt.deadline)
					}
					r := h.Answer(c)
					if given != tt.want || (r.Outcome == Late) != tt.late {
						t.Errorf("id %q: the rules were given %v, got %+v", id, given, r)
					}
				}
			})
		})
	}
}

func TestShed(t *testing.T) {
	tests := []struct {
		name string
		o    Options
	}{
		{"ByHook", Options{HookConcurrency: 2}},
		{"ByEngine", Options{Concurrency: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				e, h := newLiveHook(t, tt.o, func(_ *hook.Call, d *rules.Decision) {
					<-gate
					d.Answer, d.Outcome = []byte(`{}`), rules.Answered
				})
				var all sync.WaitGroup
				for _, id := range []string{"a", "b"} {
					c := newCall(t, id, "x")
					all.Go(func() { h.Answer(c) })
				}
				synctest.Wait()
				for _, id := range []string{"c", ""} {
					if r := h.Answer(newCall(t, id, "x")); r.Outcome != Shed || string(r.Body) != string(h.Rules.Failure) {
						t.Errorf("id %q: got %+v", id, r)
					}
				}
				close(gate)
				all.Wait()
				if r := h.Answer(newCall(t, "c", "x")); r.Outcome != Answered || r.Repeat {
					t.Errorf("afterwards: got %+v", r)
				}
				if e.running.Load() != 0 || h.stats.outcomes[Shed].Load() != 2 {
					t.Errorf("%d run, %d were shed", e.running.Load(), h.stats.outcomes[Shed].Load())
				}
			})
		})
	}
}
