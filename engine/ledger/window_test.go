package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// allocatedBytes is how many bytes of memory something asks for.
func allocatedBytes(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestLookingIsCheap shows that looking at one entry does not read its whole hour into memory.
func TestLookingIsCheap(t *testing.T) {
	o := newOptions(t)
	o.Step = 32 << 20
	l := openLedger(t, o)
	const events, size = 48, 1 << 20
	for i := range events {
		accept(t, l, ledger.Delivery{Hook: "h", ID: ledger.Key("h", fmt.Sprint(i)),
			Events: []ledger.Event{{ID: ledger.EventKey("h", fmt.Sprint(i)), Payload: bytes.Repeat([]byte{'x'}, size)}}})
	}
	all, err := l.List(ledger.Filter{}, "", events)
	must(t, err)
	for _, test := range []struct {
		name string
		do   func() error
	}{
		{"show", func() error { _, err := l.Show(all.Entries[7].ID); return err }},
		{"show the last", func() error { _, err := l.Show(all.Entries[events-1].ID); return err }},
		{"list", func() error { _, err := l.List(ledger.Filter{}, "", 1000); return err }},
		{"show what is not there", func() error {
			if _, err := l.Show("1-999"); !errors.Is(err, ledger.ErrGone) {
				return fmt.Errorf("got %v", err)
			}
			return nil
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var err error
			if got := allocatedBytes(func() { err = test.do() }); err != nil || got > 4*size {
				t.Errorf("it took %d bytes, %v", got, err)
			}
		})
	}
}

// TestLongLists pages through more entries, and more steps, than are in memory at one time.
func TestLongLists(t *testing.T) {
	l := openLedger(t, newOptions(t))
	const events, fans, fan = 3000, 12, 3000
	for from := 0; from < events; from += 1000 {
		d := ledger.Delivery{Hook: "audit", ID: ledger.Key("audit", fmt.Sprint(from))}
		for i := range 1000 {
			d.Events = append(d.Events, ledger.Event{ID: ledger.EventKey("audit", fmt.Sprint(from+i)), Payload: []byte(`{}`)})
		}
		accept(t, l, d)
	}
	for range fans {
		task := claim(t, l, 1)[0]
		actions := make([]ledger.Action, fan)
		for i := range actions {
			actions[i] = action("siem", fmt.Sprint(task.Entry, i))
		}
		must(t, l.Plan(t.Context(), task, "r1", actions))
	}
	must(t, l.Queue(t.Context(), "inline", ledger.Key("inline", "1"), "r1", []ledger.Action{action("slack", "k")}))
	var all sync.WaitGroup
	for _, s := range take(t, l, "siem", fan) { // of the first
		all.Go(func() {
			if err := l.Done(t.Context(), s.ID); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	want := map[ledger.State]int{ledger.Finished: 1, ledger.Waiting: fans, ledger.Recorded: events - fans}
	got := make(map[ledger.State]int)
	for _, state := range listStates(t, l, ledger.Filter{}) {
		got[state]++
	}
	for state, n := range want {
		if got[state] != n || len(listStates(t, l, ledger.Filter{State: state})) != n {
			t.Errorf("%d are %s, want %d", got[state], state, n)
		}
	}
	page, err := l.List(ledger.Filter{State: ledger.Waiting}, "", 1000)
	if err != nil || len(page.Entries) >= fans || page.Next == "" {
		t.Errorf("a page has %d entries of %d steps each, %v", len(page.Entries), fan, err)
	}
	if n, err := l.Drop(t.Context(), ledger.Filter{Hook: "audit"}); n != (fans-1)*fan+events-fans || err != nil {
		t.Errorf("dropped %d, %v", n, err)
	}
}
