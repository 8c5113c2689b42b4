package engine

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

func TestSwapDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		e, h := newLiveHook(t, Options{}, func(_ *hook.Call, d *rules.Decision) {
			<-gate
			d.Answer, d.Outcome = []byte(`{}`), rules.Answered
		})
		old := e.live.Load()
		var all sync.WaitGroup
		var r Reply
		c := newCall(t, "a", "x")
		all.Go(func() {
			l := e.Lease()
			defer l.Release()
			r = l.At([]byte("/hooks/hook-a")).Answer(c)
		})
		synctest.Wait()
		began := time.Now()
		e.Swap(mustLoad(t, policy("registration", "other")))
		if time.Since(began) != 0 || old.uses.Load() != 1 {
			t.Errorf("after the Swap: %v, %d uses", time.Since(began), old.uses.Load())
		}
		close(gate)
		all.Wait()
		if r.Outcome != Answered || old.uses.Load() > 0 {
			t.Errorf("got %+v, %d uses", r, old.uses.Load())
		}
		_ = h
	})
}

// TestSwapUnderLoad calls and swaps concurrently: every call is answered, under a Set that is still
// open.
func TestSwapUnderLoad(t *testing.T) {
	e := newEngine(t, Options{Remember: time.Millisecond})
	e.Swap(mustLoad(t, policy("registration", "rule-0")))
	var calls, swaps atomic.Int64
	var all sync.WaitGroup
	done := make(chan struct{})
	for g := range 4 {
		all.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				l := e.Lease()
				h := l.At([]byte("/hooks/hook-a"))
				began := time.Now()
				r := h.Answer(newCall(t, fmt.Sprintf("%d-%d", g, i/2), "ann@example.com"))
				inTime := time.Since(began) < time.Second // or else its thread did not run, and it may have run out of its budget
				if uses := l.l.uses.Load(); uses <= 0 || inTime && r.Outcome != Answered {
					t.Errorf("%d uses while leased, got %v", uses, r.Outcome)
				}
				l.Release()
				calls.Add(1)
			}
		})
	}
	all.Go(func() {
		defer close(done)
		for i := range 60 {
			e.Swap(mustLoad(t, policy("registration", fmt.Sprint("rule-", i))))
			swaps.Add(1)
			runtime.Gosched()
		}
	})
	all.Wait()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if e.Lease().Held() || e.Ready() {
		t.Error("closed, and still there")
	}
	t.Logf("%d calls, %d swaps", calls.Load(), swaps.Load())
}

func TestSwapAfterClose(t *testing.T) {
	e := newEngine(t, Options{})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e.Swap(mustLoad(t, policy("registration", "late"))) // is closed at once; Close waits for it
	if e.Ready() {
		t.Error("ready after Close")
	}
}

func TestReady(t *testing.T) {
	e := newEngine(t, Options{})
	if e.Ready() {
		t.Error("ready without a Set")
	}
	e.Swap(mustLoad(t, policy("registration", "deny")))
	if !e.Ready() {
		t.Error("not ready with a Set")
	}
	e.Drain()
	if e.Ready() {
		t.Error("ready while draining")
	}
	if _, err := e.Answer(newCall(t, "a", "x")); err != nil {
		t.Errorf("a call while draining: %v", err)
	}
}

func TestMetrics(t *testing.T) {
	r := prometheus.NewPedanticRegistry()
	e := newEngine(t, Options{Registry: r, Version: "1.2.3"})
	if _, err := testutil.GatherAndCount(r); err != nil {
		t.Fatal(err)
	}
	e.Swap(mustLoad(t, policy("registration", "deny")))
	for _, email := range []string{"ann@example.com", "ann@example.com", "eve@example.com"} {
		if _, err := e.Answer(newCall(t, email, email)); err != nil {
			t.Fatal(err)
		}
	}
	want := `
# HELP tenterhook_calls_total Calls by outcome.
# TYPE tenterhook_calls_total counter
tenterhook_calls_total{hook="hook-a",outcome="answered"} 2
tenterhook_calls_total{hook="hook-a",outcome="denied"} 1
tenterhook_calls_total{hook="hook-a",outcome="failed"} 0
tenterhook_calls_total{hook="hook-a",outcome="late"} 0
tenterhook_calls_total{hook="hook-a",outcome="shed"} 0
tenterhook_calls_total{hook="hook-a",outcome="silent"} 0
# HELP tenterhook_repeats_total Calls answered from the replay cache, with the bytes of an earlier identical call.
# TYPE tenterhook_repeats_total counter
tenterhook_repeats_total{hook="hook-a"} 1
# HELP tenterhook_rule_matches_total Matches of a rule.
# TYPE tenterhook_rule_matches_total counter
tenterhook_rule_matches_total{hook="hook-a",rule="deny"} 1
tenterhook_rule_matches_total{hook="hook-a",rule="stamp"} 1
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), "tenterhook_calls_total", "tenterhook_repeats_total",
		"tenterhook_rule_matches_total"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(r, "tenterhook_policy_warnings"); err != nil || n != 1 {
		t.Errorf("%d series of warnings, %v", n, err)
	}
	e.Swap(mustLoad(t, strings.ReplaceAll(policy("registration", "other"), "hook-a", "hook-b")))
	if n, err := testutil.GatherAndCount(r, "tenterhook_calls_total"); err != nil || n != int(Recorded) {
		t.Errorf("%d series of calls after the hook went away, %v", n, err)
	}
}
