package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// TestTakeAny shows that what is taken in no order is what is due, each once, and rather what was not tried before.
func TestTakeAny(t *testing.T) {
	o, c := options(t), newClock()
	o.Now = c.now
	l := open(t, o)
	const due, later = 64, 8
	actions := make([]ledger.Action, due+later)
	for i := range actions {
		actions[i] = action("siem", fmt.Sprint(i))
	}
	must(t, l.Queue(t.Context(), "inline", ledger.Key("inline", "1"), "r1", actions))
	for _, s := range take(t, l, "siem", due+later) {
		if s.ID.Step < later {
			must(t, l.Retry(t.Context(), s.ID, c.now().Add(time.Hour), "503"))
		} else {
			l.ReleaseStep(s.ID)
		}
	}
	firsts := make(map[uint32]bool)
	for range 20 {
		s := takeAny(t, l, 1)[0]
		firsts[s.ID.Step] = true
		l.ReleaseStep(s.ID)
	}
	if len(firsts) < 2 {
		t.Error("it is always the same step")
	}
	seen := make(map[uint32]bool)
	for _, s := range takeAny(t, l, due+later) {
		if s.ID.Step < later || seen[s.ID.Step] {
			t.Errorf("%v is not due, or taken twice", s.ID)
		}
		seen[s.ID.Step] = true
	}
	if len(seen) != due || len(takeAny(t, l, 1)) != 0 {
		t.Errorf("%d of %d were taken", len(seen), due)
	}
}

func takeAny(t testing.TB, l *ledger.Ledger, n int) []ledger.Step {
	t.Helper()
	steps, err := l.TakeAny(now, "siem", n)
	if err != nil && len(steps) > 0 {
		t.Fatal(err)
	}
	return steps
}
