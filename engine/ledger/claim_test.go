package ledger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// TestHooksInTurn shows that the events of a hook are claimed in the order of recording, and wait for no other hook's.
func TestHooksInTurn(t *testing.T) {
	l := openLedger(t, newOptions(t))
	for i, hook := range strings.Fields("a a a a a b b c") {
		accept(t, l, ledger.Delivery{Hook: hook, ID: ledger.Key(hook, fmt.Sprint(i)),
			Events: []ledger.Event{{ID: ledger.EventKey(hook, fmt.Sprint(i)), Payload: []byte("{}")}}})
	}
	var got []string
	for _, task := range claim(t, l, 99) {
		got = append(got, task.Hook+string(task.Entry))
	}
	if want := "a1-1 b1-6 c1-8 a1-2 b1-7 a1-3 a1-4 a1-5"; strings.Join(got, " ") != want {
		t.Errorf("claimed %s, want %s", got, want)
	}
}

// TestTakeAny shows that TakeAny returns each due step once, and prefers steps with fewer attempts.
func TestTakeAny(t *testing.T) {
	o, c := newOptions(t), newClock()
	o.Now = c.now
	l := openLedger(t, o)
	const due, later = 64, 8
	actions := make([]ledger.Action, due+later)
	for i := range actions {
		actions[i] = action("siem", fmt.Sprint(i))
	}
	must(t, l.Queue(t.Context(), "inline", ledger.Key("inline", "1"), "r1", actions))
	for _, s := range take(t, l, "siem", due+later) {
		if s.ID.Index < later {
			must(t, l.Retry(t.Context(), s.ID, c.now().Add(time.Hour), "503"))
		} else {
			l.ReleaseStep(s.ID)
		}
	}
	firsts := make(map[int]bool)
	for range 20 {
		s := takeAnyNow(t, l, 1)[0]
		firsts[s.ID.Index] = true
		l.ReleaseStep(s.ID)
	}
	if len(firsts) < 2 {
		t.Error("it is always the same step")
	}
	seen := make(map[int]bool)
	for _, s := range takeAnyNow(t, l, due+later) {
		if s.ID.Index < later || seen[s.ID.Index] {
			t.Errorf("%v is not due, or taken twice", s.ID)
		}
		seen[s.ID.Index] = true
	}
	if len(seen) != due || len(takeAnyNow(t, l, 1)) != 0 {
		t.Errorf("%d of %d were taken", len(seen), due)
	}
}

func takeAnyNow(t testing.TB, l *ledger.Ledger, n int) []ledger.Step {
	t.Helper()
	steps, err := l.TakeAny(ended, "siem", n)
	if err != nil && len(steps) > 0 {
		t.Fatal(err)
	}
	return steps
}
