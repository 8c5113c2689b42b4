package gate

import (
	"testing"
	"time"
)

// TestMemoryQuota: no owner has more than is left for others, and a release wakes the waiters.
func TestMemoryQuota(t *testing.T) {
	p := newMemoryQuota(100)
	a, b := quotaOwner{org: "a"}, quotaOwner{hook: "b"}
	steps := []struct {
		who  quotaOwner
		n    int64
		want bool
	}{{a, 50, true}, {a, 10, false}, {b, 25, true}, {b, 13, false}, {quotaOwner{org: "c"}, 12, true}}
	for i, s := range steps {
		if got := p.tryReserve(s.who, s.n); got != s.want {
			t.Errorf("%d: %t", i, got)
		}
	}
	if _, ok := p.reserve(a, 10, time.Now().Add(time.Millisecond)); ok {
		t.Error("there is none")
	}
	time.AfterFunc(5*time.Millisecond, func() { p.release(a, 50); p.release(b, 25); p.release(quotaOwner{org: "c"}, 12) })
	n, ok := p.reserve(a, 1000, time.Now().Add(time.Minute))
	if !ok || n != 100 {
		t.Errorf("%d %t", n, ok)
	}
	p.release(a, n)
	if p.used.Load() != 0 || len(p.byOwner) > 0 {
		t.Error("something is left")
	}
}
