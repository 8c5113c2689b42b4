package dispatch_test

import (
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/dispatch"
	"github.com/tenterhook/tenterhook/rules"
)

// TestWake has a destination that rests for an hour, and is well again long before.
func TestWake(t *testing.T) {
	r := newReceiver(t)
	r.status.Store(500)
	b := newFixture(t, sendEachTo("a"), dispatch.Options{})
	a := r.destination("a")
	a.Breaker = rules.Breaker{Failures: 2, Rest: time.Hour}
	b.Use([]rules.Destination{a})
	b.acceptEvents("x", 3)
	resting := func() bool { s := b.Destinations(); return len(s) == 1 && s[0].Breaker == "open" }
	b.waitFor("rests", resting)
	b.Wake("another")
	if !resting() {
		t.Error("woken for another")
	}
	b.Wake()
	b.waitFor("rests again", resting)
	r.status.Store(200)
	b.Wake("a")
	b.waitFor("arrived", func() bool { return r.keys() == 3 && b.isIdle() })
}
