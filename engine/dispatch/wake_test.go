package dispatch_test

import (
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/dispatch"
	"github.com/tenterhook/tenterhook/rules/destination"
)

// TestWake: a destination recovers long before its breaker would close.
func TestWake(t *testing.T) {
	r := newReceiver(t)
	r.status.Store(500)
	f := newFixture(t, sendEachTo("a"), dispatch.Options{})
	a := r.destination("a")
	a.Breaker = destination.Breaker{Failures: 2, Rest: time.Hour}
	f.Use([]destination.Spec{a})
	f.acceptEvents("x", 3)
	resting := func() bool { s := f.Destinations(); return len(s) == 1 && s[0].Breaker == "open" }
	f.waitFor("rests", resting)
	f.Wake("another")
	if !resting() {
		t.Error("woken for another")
	}
	f.Wake()
	f.waitFor("rests again", resting)
	r.status.Store(200)
	f.Wake("a")
	f.waitFor("arrived", func() bool { return r.keys() == 3 && f.isIdle() })
}
