package ledger_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// newBusyLedger has an event in every state: 1 finished, 2 waiting, 3 dead, 4 recorded.
func newBusyLedger(t *testing.T, o ledger.Options, c *clock) *ledger.Ledger {
	t.Helper()
	l := openLedger(t, o)
	accept(t, l, delivery(1, 1, 2, 3, 4))
	for i, task := range claim(t, l, 3) {
		must(t, l.Plan(t.Context(), task, "r1", []ledger.Action{action([]string{"siem", "slack", "slack"}[i], fmt.Sprint("k", i+1))}))
	}
	must(t, l.Done(t.Context(), take(t, l, "siem", 1)[0].ID))
	steps := take(t, l, "slack", 2)
	must(t, l.Retry(t.Context(), steps[0].ID, c.now().Add(time.Hour), "503 from slack"))
	must(t, l.Bury(t.Context(), steps[1].ID, "410 from slack"))
	return l
}

func TestList(t *testing.T) {
	o, c := newOptions(t), newClock()
	o.Now = c.now
	l := newBusyLedger(t, o, c)
	for _, test := range []struct {
		name string
		f    ledger.Filter
		want string
	}{
		{"all", ledger.Filter{}, "finished waiting dead recorded dead"},
		{"waiting", ledger.Filter{State: ledger.Waiting}, "waiting"},
		{"dead letters", ledger.Filter{State: ledger.Dead}, "dead"},
		{"destination", ledger.Filter{Destination: "slack"}, "waiting dead dead"},
		{"hook", ledger.Filter{Hook: "another"}, ""},
		{"idempotency key", ledger.Filter{Key: "k2"}, "waiting"},
		{"event key", ledger.Filter{Key: ledger.EventKey("audit", "4").String()[:8]}, "recorded"},
		{"before", ledger.Filter{Before: c.now()}, ""},
		{"after", ledger.Filter{After: c.now(), State: ledger.Finished}, "finished"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := l.List(test.f, "", 10)
			must(t, err)
			var got []string
			for _, e := range p.Entries {
				got = append(got, string(e.State))
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("%v, want %s", got, test.want)
			}
		})
	}
}

func TestShow(t *testing.T) {
	o, c := newOptions(t), newClock()
	o.Now = c.now
	l := newBusyLedger(t, o, c)
	p, err := l.List(ledger.Filter{Key: "k2"}, "", 1)
	must(t, err)
	e, err := l.Show(p.Entries[0].ID)
	must(t, err)
	s := e.Steps[0]
	if !bytes.Equal(e.Payload, payload(2)) || string(s.Spec) != "spec of k2" || s.Attempts != 1 || s.History[0].Outcome != "503 from slack" ||
		!s.Due.Equal(c.now().Add(time.Hour)) || e.Revision != "r1" {
		t.Errorf("%+v", e)
	}
	d, err := l.Show("dead-1")
	must(t, err)
	if d.Steps[0].Key != "k3" || d.Steps[0].History[0].Outcome != "410 from slack" || d.Key != ledger.EventKey("audit", "3") {
		t.Errorf("%+v", d)
	}
	for _, id := range []ledger.EntryID{"dead-2", "9-9", "nonsense", ""} {
		if _, err := l.Show(id); !errors.Is(err, ledger.ErrGone) {
			t.Errorf("%q: %v, want ErrGone", id, err)
		}
	}
}

func TestRedrive(t *testing.T) {
	o, c := newOptions(t), newClock()
	o.Now = c.now
	l := newBusyLedger(t, o, c)
	if n, err := l.Redrive(t.Context(), ledger.Filter{Destination: "slack"}); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	for range 2 { // the second time after a restart
		steps := take(t, l, "slack", 10)
		if len(steps) != 2 || steps[0].Key != "k2" || steps[1].Key != "k3" || steps[1].Event != ledger.EventKey("audit", "3") {
			t.Errorf("took %+v", steps)
		}
		if s := l.Stats(); s.Dead != 0 {
			t.Errorf("%d dead letters", s.Dead)
		}
		l = reopen(t, l, o)
	}
	if n, err := l.Redrive(t.Context(), ledger.Filter{}); n != 0 || err != nil {
		t.Error(n, err)
	}
}

// TestLetterKeepsID follows a dead letter through two redrives, and over restarts: it keeps its id,
// and its event says how far it is.
func TestLetterKeepsID(t *testing.T) {
	o, c := newOptions(t), newClock()
	o.Now = c.now
	l := newBusyLedger(t, o, c)
	look := func(want string, letter ledger.State) {
		t.Helper()
		for range 2 {
			p, err := l.List(ledger.Filter{}, "", 10)
			must(t, err)
			var got []string
			for _, e := range p.Entries {
				got = append(got, string(e.State))
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%v, want %s", got, want)
			}
			e, err := l.Show("dead-1")
			if err != nil || e.State != letter || e.ID != "dead-1" || e.Origin != "1-3" || e.Steps[0].Key != "k3" || string(e.Steps[0].Spec) != "spec of k3" {
				t.Errorf("%+v, %v", e, err)
			}
			l = reopen(t, l, o)
		}
	}
	redrive := func() ledger.StepID {
		t.Helper()
		if n, err := l.Redrive(t.Context(), ledger.Filter{IDs: []ledger.EntryID{"dead-1"}}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		look("finished waiting waiting recorded waiting", ledger.Waiting)
		id := take(t, l, "slack", 1)[0].ID
		if id.Entry != "dead-1" {
			t.Errorf("took %v", id)
		}
		return id
	}
	look("finished waiting dead recorded dead", ledger.Dead)
	must(t, l.Bury(t.Context(), redrive(), "410 again"))
	look("finished waiting dead recorded dead", ledger.Dead)
	must(t, l.Done(t.Context(), redrive()))
	look("finished waiting finished recorded finished", ledger.Finished)
}

func TestDrop(t *testing.T) {
	o, c := newOptions(t), newClock()
	o.Now = c.now
	l := newBusyLedger(t, o, c)
	if n, err := l.Drop(t.Context(), ledger.Filter{}); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	for range 2 {
		if s := l.Stats(); s.Dead+int64(s.Steps+s.Unplanned) != 0 {
			t.Errorf("%+v", s)
		}
		if tasks := claim(t, l, 10); len(tasks) != 0 {
			t.Errorf("claimed %+v", tasks)
		}
		l = reopen(t, l, o)
	}
	p, err := l.List(ledger.Filter{State: ledger.Dropped}, "", 10)
	if err != nil || len(p.Entries) != 3 {
		t.Error(p, err)
	}
}

func TestExport(t *testing.T) {
	o, c := newOptions(t), newClock()
	o.Now = c.now
	l := newBusyLedger(t, o, c)
	var out bytes.Buffer
	must(t, l.Export(&out))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Error(line)
		}
	}
	if !strings.Contains(lines[3], `"payload":{"uuid":"4"`) || !strings.Contains(lines[4], `"spec":{"base64":`) {
		t.Error(out.String())
	}
}

func TestDeadLettersAreBounded(t *testing.T) {
	o, c := newOptions(t), newClock()
	o.Now, o.DeadBytes, o.DeadAge = c.now, 1000, 48*time.Hour
	l := openLedger(t, o)
	bury := func(n int) {
		for i := range n {
			must(t, l.Queue(t.Context(), "h", ledger.Key("h", fmt.Sprint(i)), "r", []ledger.Action{action("siem", fmt.Sprint(i))}))
			must(t, l.Bury(t.Context(), take(t, l, "siem", 1)[0].ID, "no"))
		}
	}
	bury(20)
	c.move(time.Hour)
	bury(1)
	bury(1)
	s := l.Stats()
	if s.Trimmed == 0 || s.DeadBytes > 1300 || s.Dead != 22-int64(s.Trimmed) {
		t.Errorf("by size: %+v", s)
	}
	c.move(50 * time.Hour)
	bury(1)
	bury(1)
	if s := l.Stats(); s.Dead != 2 {
		t.Errorf("by age: %+v", s)
	}
	p, err := l.List(ledger.Filter{State: ledger.Dead}, "", 10)
	if err != nil || len(p.Entries) != 2 {
		t.Error(p, err)
	}
	reopen(t, l, o)
}

// TestClock sets the clock back and forth while a retry waits, and over a restart: it is never
// later than it was meant to be.
func TestClock(t *testing.T) {
	o, c := newOptions(t), newClock()
	o.Now = c.now
	l := openLedger(t, o)
	must(t, l.Queue(t.Context(), "h", ledger.Key("h", "1"), "r", []ledger.Action{action("siem", "k")}))
	must(t, l.Retry(t.Context(), take(t, l, "siem", 1)[0].ID, c.now().Add(time.Minute), "503"))
	c.move(-1000 * time.Hour)
	l = reopen(t, l, o)
	if len(take(t, l, "siem", 1)) != 0 {
		t.Error("taken before it was due")
	}
	c.move(time.Minute)
	if len(take(t, l, "siem", 1)) != 1 {
		t.Error("a clock that was set back a thousand hours holds it up")
	}
}
