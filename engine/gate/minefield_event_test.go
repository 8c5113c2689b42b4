package gate_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMinefieldEvents has each shape in an event. The delivery is always recorded: as events of
// which the rules see what encoding/json reads, with U+FFFD for invalid text, or as a dead letter.
// A uuid is the same however it is escaped.
func TestMinefieldEvents(t *testing.T) {
	d, file := startObserver(t)
	p := observedPlaces[3]
	const around = 4 + 2 // delivery, data, list and event, and two in it
	f := shapeClient{t: t, gate: d, line: d.dial(), hook: p.hook, path: p.path}
	events, unreadable := make(map[string]string), make(map[string]bool)
	deliver := func(s shape, id, event string, read bool) {
		body := fmt.Sprintf(`{"eventType":"com.okta.event_hook","eventId":%q,"data":{"events":[%s]}}`, id, event)
		if read {
			events[id] = event
		} else {
			unreadable[id] = true
		}
		for range 2 {
			if status, text := f.send(body); status != 200 {
				t.Errorf("%s: got %d %s", s.name, status, text)
			}
		}
	}
	for i, s := range shapes(around) {
		id := fmt.Sprint("value-", i)
		deliver(s, id, callAsking("", id, p.path, `"x"`, "x", s.text), s.want != rejected)
		id = fmt.Sprint("name-", i)
		name, ok := s.asName()
		deliver(s, id, callAsking("", id, p.path, s.text, name, "1"), ok)
	}
	first, again := callAsking("", "uuid-a", p.path, `"x"`, "x", "1"), callAsking("", "uuid-a", p.path, `"x"`, "x", "2")
	deliver(shape{name: "UUID"}, "uuid-a", first, true)
	deliver(shape{name: "UUIDEscaped"}, "uuid-b", strings.Replace(again, "uuid-a", `uuid\u002da`, 1), true)
	delete(events, "uuid-b")
	if n := d.ledger.Stats().Accepted; n != uint64(len(events)+len(unreadable)) {
		t.Errorf("%d events recorded, want %d", n, len(events)+len(unreadable))
	}
	repaired := wantObserved(t, d, file, events, unreadable, p.path)
	if n := d.ledger.Stats().Dead; repaired == 0 || n != int64(len(unreadable)-repaired) {
		t.Errorf("%d dead letters, %d of %d unreadable events repaired", n, repaired, len(unreadable))
	}
}

// wantObserved waits for the lines of both rules about each event, and compares them with the
// event. It returns how many of the unreadable events were repaired.
func wantObserved(t *testing.T, d *testGate, file string, events map[string]string, unreadable map[string]bool, path []string) (repaired int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		s := d.ledger.Stats()
		if s.Unplanned == 0 && s.Steps == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d events without a plan, %d steps", s.Unplanned, s.Steps)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]*observation)
	for line := range bytes.Lines(text) {
		var said struct {
			ID string
			observation
		}
		if err := json.Unmarshal(line, &said); err != nil {
			t.Fatalf("%.300q: %v", line, err)
		}
		if said.Module != nil {
			said.ID = uuidOf(t, said.Module.Event)
		}
		if said.ID == "" || events[said.ID] == "" && !unreadable[said.ID] {
			t.Fatalf("of no event: %.300q", line)
		}
		if seen[said.ID] == nil {
			seen[said.ID] = new(observation)
		}
		seen[said.ID].merge(&said.observation)
	}
	for id, event := range events {
		if seen[id] == nil {
			t.Errorf("nothing was sent for %s", id)
		} else if err := seen[id].compare([]byte(event), path); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	for id := range unreadable {
		if seen[id] != nil {
			repaired++
		}
	}
	return repaired
}

// merge adds the observation of another rule.
func (s *observation) merge(other *observation) {
	if other.Module != nil {
		s.Module = other.Module
		return
	}
	s.JSON, s.Copy, s.Names = other.JSON, other.Copy, other.Names
}

func uuidOf(t *testing.T, event string) string {
	t.Helper()
	var e struct{ UUID string }
	if text, err := hex.DecodeString(event); err != nil || json.Unmarshal(text, &e) != nil {
		t.Fatalf("a module saw the event %.300q", text)
	}
	return e.UUID
}
