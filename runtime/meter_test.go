package runtime_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

func startMeter(b runtime.Budget) *runtime.Meter {
	m := new(runtime.Meter)
	m.Start(b, time.Now(), time.Time{})
	if b.Time == 0 { // a busy machine must not matter
		m.ExcludeTime(time.Minute)
	}
	return m
}

// drain spends units one by one until the Meter is exhausted or most were spent.
func drain(m *runtime.Meter, most int64) (spent int64) {
	for spent < most && m.Spend(1) {
		spent++
	}
	return spent
}

func TestSpend(t *testing.T) {
	for _, fuel := range []int64{1, 2, 511, 512, 513, 5000} {
		t.Run(fmt.Sprint(fuel), func(t *testing.T) {
			m := startMeter(runtime.Budget{Fuel: fuel})
			if got := drain(m, 10_000); got != fuel {
				t.Errorf("got %d units of %d", got, fuel)
			}
			if !errors.Is(m.Err(), runtime.ErrFuel) || m.Spend(1) || m.Reserve(1) || m.Emit(1) {
				t.Errorf("a meter that has run out says yes: %v", m.Err())
			}
		})
	}
	t.Run("AtOnce", func(t *testing.T) {
		m := startMeter(runtime.Budget{Fuel: 1000})
		if !m.Spend(1000) || m.Spent() != 1000 {
			t.Errorf("1000 of 1000: %v, spent %d", m.Err(), m.Spent())
		}
		if m.Spend(1) {
			t.Error("1001 of 1000")
		}
	})
	t.Run("TooMuchAtOnce", func(t *testing.T) {
		for _, n := range []int64{1001, 1 << 40, 1<<63 - 1} {
			if m := startMeter(runtime.Budget{Fuel: 1000}); m.Spend(n) || !errors.Is(m.Err(), runtime.ErrFuel) {
				t.Errorf("%d of 1000: %v", n, m.Err())
			}
		}
	})
}

func TestErrTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		tests := []struct {
			name     string
			budget   time.Duration
			deadline time.Time
			want     time.Duration
		}{
			{"Budget", 10 * time.Millisecond, time.Time{}, 10 * time.Millisecond},
			{"Deadline", time.Second, now.Add(5 * time.Millisecond), 5 * time.Millisecond},
			{"Default", 0, time.Time{}, runtime.Default.Time},
			{"Most", time.Hour, time.Time{}, runtime.Max.Time},
			{"Past", 0, now.Add(-time.Millisecond), 0},
		}
		for _, tt := range tests {
			m := new(runtime.Meter)
			start := time.Now()
			if !tt.deadline.IsZero() {
				tt.deadline = start.Add(tt.want)
			}
			m.Start(runtime.Budget{Time: tt.budget}, start, tt.deadline)
			for m.Spend(1000) { // more than a slice
				time.Sleep(time.Millisecond)
			}
			if got := time.Since(start); got != tt.want || !errors.Is(m.Err(), runtime.ErrTime) {
				t.Errorf("%s: stopped after %v, want %v: %v", tt.name, got, tt.want, m.Err())
			}
		}
	})
}

func TestMadeUpNow(t *testing.T) {
	m := new(runtime.Meter)
	now := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	m.Start(runtime.Budget{}, now, now.Add(time.Second))
	if !m.Spend(1) {
		t.Errorf("an instant without a monotonic reading counts as past: %v", m.Err())
	}
}

func TestReserve(t *testing.T) {
	m := startMeter(runtime.Budget{Memory: 100})
	if !m.Reserve(60) || !m.Reserve(40) {
		t.Fatal(m.Err())
	}
	m.Release(50)
	if !m.Reserve(50) {
		t.Fatal(m.Err())
	}
	if m.Reserve(1) || !errors.Is(m.Err(), runtime.ErrMemory) {
		t.Errorf("101 of 100: %v", m.Err())
	}
}

func TestEmit(t *testing.T) {
	m := startMeter(runtime.Budget{Output: 100})
	if !m.Emit(100) {
		t.Fatal(m.Err())
	}
	if m.Emit(1) || !errors.Is(m.Err(), runtime.ErrOutput) {
		t.Errorf("101 of 100: %v", m.Err())
	}
}

func TestNest(t *testing.T) {
	t.Run("SmallerEndsFirst", func(t *testing.T) {
		m := startMeter(runtime.Budget{Fuel: 1000})
		drain(m, 100)
		outer := m.Nest(runtime.Budget{Fuel: 50})
		if got := drain(m, 1000); got != 50 {
			t.Errorf("inside: %d units of 50", got)
		}
		m.End(outer)
		if m.Err() != nil {
			t.Errorf("after it: %v", m.Err())
		}
		if got := drain(m, 10_000); got > 850 || got < 849 { // the rejected unit counts too
			t.Errorf("outside: %d units of 850", got)
		}
	})
	t.Run("OuterEndsFirst", func(t *testing.T) {
		m := startMeter(runtime.Budget{Fuel: 100})
		outer := m.Nest(runtime.Budget{Fuel: 5000, Memory: 10})
		if got := drain(m, 10_000); got != 100 {
			t.Errorf("inside: %d units of 100", got)
		}
		m.End(outer)
		if m.Spend(1) || !errors.Is(m.Err(), runtime.ErrFuel) {
			t.Errorf("the outer budget has more: %v", m.Err())
		}
	})
	t.Run("Memory", func(t *testing.T) {
		m := startMeter(runtime.Budget{Memory: 100})
		m.Reserve(50)
		outer := m.Nest(runtime.Budget{Memory: 10})
		if m.Reserve(11) || !errors.Is(m.Err(), runtime.ErrMemory) {
			t.Errorf("11 of 10: %v", m.Err())
		}
		m.End(outer)
		if !m.Reserve(50) {
			t.Error(m.Err())
		}
	})
	t.Run("Twice", func(t *testing.T) {
		m := startMeter(runtime.Budget{})
		a := m.Nest(runtime.Budget{Fuel: 100})
		b := m.Nest(runtime.Budget{Fuel: 10})
		if got := drain(m, 1000); got != 10 {
			t.Errorf("%d of 10", got)
		}
		m.End(b)
		if got := drain(m, 1000); got < 89 || got > 90 {
			t.Errorf("%d of 90", got)
		}
		m.End(a)
		if got := drain(m, 1000); got != 1000 {
			t.Errorf("%d of 1000", got)
		}
	})
}

func TestLeft(t *testing.T) {
	m := startMeter(runtime.Budget{Fuel: 1000})
	drain(m, 100)
	outer := m.Nest(runtime.Budget{Fuel: 50})
	if got := m.Left(); got != 50 {
		t.Errorf("inside: %d units of 50", got)
	}
	m.End(outer)
	if got := m.Left(); got != 900 || !m.Spend(got) || m.Left() != 0 {
		t.Errorf("outside: %d units of 900: %v", got, m.Err())
	}
	if m.Spend(1) || m.Left() != 0 {
		t.Errorf("a meter that has run out has %d left", m.Left())
	}
}

func TestCheckTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMeter(runtime.Budget{Time: time.Second})
		if end := m.Deadline(); time.Until(end) != time.Second {
			t.Errorf("the deadline is %v away", time.Until(end))
		}
		if !m.Spend(1) || !m.CheckTime() || m.Spent() != 1 {
			t.Fatalf("in time: %v, spent %d", m.Err(), m.Spent())
		}
		time.Sleep(time.Second)
		if !m.Spend(1) {
			t.Error("the slice in hand is not spent")
		}
		for range 2 { // it stays so
			if m.CheckTime() || !errors.Is(m.Err(), runtime.ErrTime) {
				t.Errorf("past the deadline: %v", m.Err())
			}
		}
	})
}

func TestWithin(t *testing.T) {
	tests := []struct {
		name            string
		b, outer, wants runtime.Budget
	}{
		{"Nothing", runtime.Budget{}, runtime.Budget{}, runtime.Default},
		{"Outer", runtime.Budget{}, runtime.Budget{Time: 1, Fuel: 2, Memory: 3, Output: 4}, runtime.Budget{Time: 1, Fuel: 2, Memory: 3, Output: 4}},
		{"Smaller", runtime.Budget{Fuel: 1}, runtime.Budget{Fuel: 2}, runtime.Budget{Time: runtime.Default.Time, Fuel: 1, Memory: runtime.Default.Memory, Output: runtime.Default.Output}},
		{"Larger", runtime.Budget{Fuel: 3, Time: time.Hour}, runtime.Budget{Fuel: 2, Time: time.Second}, runtime.Budget{Time: time.Second, Fuel: 2, Memory: runtime.Default.Memory, Output: runtime.Default.Output}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.b.Within(tt.outer); got != tt.wants {
				t.Errorf("got %+v, want %+v", got, tt.wants)
			}
		})
	}
}

func TestReason(t *testing.T) {
	for err, want := range map[error]string{
		nil: "", runtime.ErrTime: "time", runtime.ErrFuel: "fuel", runtime.ErrMemory: "memory", runtime.ErrOutput: "output",
		runtime.ErrValue: "value", runtime.ErrTrap: "trap", hook.ErrContract: "contract", errors.New("x"): "internal",
	} {
		if err != nil {
			err = fmt.Errorf("rule %q: %w", "x", err)
		}
		if got := runtime.Reason(err); got != want {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
}

func BenchmarkSpend(b *testing.B) {
	m := startMeter(runtime.Budget{Time: runtime.Max.Time, Fuel: runtime.Max.Fuel})
	b.ReportAllocs()
	for b.Loop() {
		if !m.Spend(1) {
			m.Start(runtime.Budget{Time: runtime.Max.Time, Fuel: runtime.Max.Fuel}, time.Now(), time.Time{})
		}
	}
}

// TestMeterExcludeTime: excluded waiting does not count, up to a minute.
func TestMeterExcludeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m runtime.Meter
		m.Start(runtime.Budget{Time: time.Second}, time.Now(), time.Time{})
		for range 100 {
			time.Sleep(600 * time.Millisecond)
			if m.ExcludeTime(600 * time.Millisecond); !m.CheckTime() {
				t.Fatal("a wait counts that is pardoned")
			}
		}
		time.Sleep(time.Second)
		if m.ExcludeTime(time.Second); m.CheckTime() {
			t.Error("more than a minute is pardoned")
		}
	})
}

// TestMeterExcludeTimeAhead: time excluded ahead counts for nested limits.
func TestMeterExcludeTimeAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMeter(runtime.Budget{Time: time.Second})
		m.ExcludeTime(10 * time.Second)
		outer := m.Nest(runtime.Budget{Time: time.Millisecond})
		if left := time.Until(m.Deadline()); left != 10*time.Second+time.Millisecond {
			t.Errorf("inside there are %v", left)
		}
		time.Sleep(10*time.Second + time.Millisecond)
		if m.CheckTime() || !errors.Is(m.Err(), runtime.ErrTime) {
			t.Errorf("afterwards: %v", m.Err())
		}
		if m.End(outer); !m.CheckTime() {
			t.Error("the outer limit has ended too")
		}
	})
}
