package dispatch_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/dispatch"
	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// TestHooksTakeTurns: events of a hook with slow rules do not delay those of another hook.
func TestHooksTakeTurns(t *testing.T) {
	var mu sync.Mutex
	var ran []string
	step := make(chan struct{})
	f := newFixture(t, func(c *hook.Call) (dispatch.Plan, error) {
		if c.Hook == "h" {
			<-step
		}
		mu.Lock()
		defer mu.Unlock()
		ran = append(ran, c.Hook)
		return dispatch.Plan{Revision: "r1"}, nil
	}, dispatch.Options{Rules: 1})
	const slow = 400
	f.acceptEvents("x", slow)
	f.Use(nil)
	for range 3 { // some of them are under way
		step <- struct{}{}
	}
	_, err := f.ledger.Accept(context.Background(), ledger.Delivery{Hook: "quick", ID: ledger.Key("quick", "1"),
		Events: []ledger.Event{{ID: ledger.EventKey("quick", "1"), Payload: []byte(`{"data":{"events":[{}]}}`)}}})
	if err != nil {
		t.Fatal(err)
	}
	done := func() (slow int, quick bool) {
		mu.Lock()
		defer mu.Unlock()
		text := strings.Join(ran, " ")
		return strings.Count(text, "h"), strings.Contains(text, "quick")
	}
	before := -1
	for i := range slow - 3 {
		select {
		case step <- struct{}{}:
		case <-time.After(time.Minute):
			t.Fatal("stuck")
		}
		if before < 0 { // slower than what is written behind the rules
			f.waitFor("written", func() bool { return f.ledger.Stats().Unplanned <= slow+1-(3+i+1) })
		}
		if n, quick := done(); quick && before < 0 {
			before = n
		}
	}
	f.waitFor("finished", f.isIdle)
	if before < 0 || before > slow/4 {
		t.Errorf("%d of the slow hook's %d came before the quick one's", before, slow)
	}
}
