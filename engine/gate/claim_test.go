package gate

import (
	"testing"
	"time"
)

// TestPool: nobody has more than is left for others, and who waits is told.
func TestPool(t *testing.T) {
	p := newPool(100)
	a, b := payer{org: "a"}, payer{hook: "b"}
	steps := []struct {
		who  payer
		n    int64
		want bool
	}{{a, 50, true}, {a, 10, false}, {b, 25, true}, {b, 13, false}, {payer{org: "c"}, 12, true}}
	for i, s := range steps {
		if got := p.take(s.who, s.n); got != s.want {
			t.Errorf("%d: %t", i, got)
		}
	}
	if _, ok := p.wait(a, 10, time.Now().Add(time.Millisecond)); ok {
		t.Error("there is none")
	}
	time.AfterFunc(5*time.Millisecond, func() { p.give(a, 50); p.give(b, 25); p.give(payer{org: "c"}, 12) })
	n, ok := p.wait(a, 1000, time.Now().Add(time.Minute))
	if !ok || n != 100 {
		t.Errorf("%d %t", n, ok)
	}
	p.give(a, n)
	if p.used.Load() != 0 || len(p.by) > 0 {
		t.Error("something is left")
	}
}
