package ledger

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// State is the progress of an entry or of one of its steps.
type State string

const (
	Recorded State = "recorded" // its rules have not run
	Waiting  State = "waiting"  // at least one step is open
	Finished State = "finished"
	Dropped  State = "dropped" // by an operator
	Dead     State = "dead"    // a dead letter
)

// Entry is an event, the actions of an inline call, or a dead letter, for operators.
type Entry struct {
	ID       EntryID     `json:"id"`
	Origin   EntryID     `json:"origin,omitempty"` // of a dead letter: the entry of its action
	State    State       `json:"state"`
	Hook     string      `json:"hook"`
	Key      ID          `json:"key"` // of the event or of the call
	Received time.Time   `json:"received"`
	Revision string      `json:"revision,omitempty"`
	Payload  Blob        `json:"payload,omitempty"` // of an event; not in lists
	Steps    []EntryStep `json:"steps,omitempty"`

	at     position // in a slot; zero: it is in the bucket of dead letters
	letter uint64   // number of a dead letter
	bytes  int      // of a dead letter in the bucket
}

// EntryStep is one action of an entry.
type EntryStep struct {
	State       State     `json:"state"`
	Destination string    `json:"destination"`
	Key         string    `json:"key"`
	Attempts    int       `json:"attempts,omitempty"`
	Due         time.Time `json:"due,omitzero"`
	History     []Attempt `json:"history,omitempty"` // the last attempts
	Spec        Blob      `json:"spec,omitempty"`    // not in lists
}

// Blob is usually JSON, and is then written as it is; other bytes are written as {"base64": …}.
type Blob []byte

// MarshalJSON returns the bytes as JSON.
func (b Blob) MarshalJSON() ([]byte, error) {
	if json.Valid(b) {
		return b, nil
	}
	return json.Marshal(map[string][]byte{"base64": b})
}

// Filter selects entries. Zero fields match everything.
type Filter struct {
	IDs         []EntryID
	Hook        string
	Destination string // of one of its steps
	State       State  // of the entry
	Key         string // a hexadecimal prefix of its key, or the idempotency key of a step
	After       time.Time
	Before      time.Time // of the time received
}

func (f Filter) matches(e *Entry) bool {
	return (len(f.IDs) == 0 || slices.Contains(f.IDs, e.ID)) &&
		(f.Hook == "" || f.Hook == e.Hook) &&
		(f.State == "" || f.State == e.State) &&
		(f.After.IsZero() || !e.Received.Before(f.After)) &&
		(f.Before.IsZero() || e.Received.Before(f.Before)) &&
		(f.Destination == "" || slices.ContainsFunc(e.Steps, func(s EntryStep) bool { return s.Destination == f.Destination })) &&
		(f.Key == "" || strings.HasPrefix(e.Key.String(), f.Key) || slices.ContainsFunc(e.Steps, func(s EntryStep) bool { return s.Key == f.Key }))
}

// entryFilter is a filter that can exclude entries before they are read whole.
type entryFilter struct {
	Filter
	rows map[uint32]map[uint32]bool // of IDs, by slot
	dead bool                       // one of IDs is a dead letter
}

func (l *Ledger) newEntryFilter(f Filter) *entryFilter {
	c := &entryFilter{Filter: f, rows: make(map[uint32]map[uint32]bool)}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range f.IDs {
		if _, ok := parseLetter(id); ok {
			c.dead = true
		}
		if at, ok := l.positionOf(id); ok {
			if c.rows[at.slot] == nil {
				c.rows[at.slot] = make(map[uint32]bool)
			}
			c.rows[at.slot][at.row] = true
		}
	}
	return c
}

func (c *entryFilter) mayMatchIn(slot uint32) bool { return len(c.IDs) == 0 || c.rows[slot] != nil }
func (c *entryFilter) mayMatchDead() bool          { return len(c.IDs) == 0 || c.dead }

func (c *entryFilter) mayMatch(at position, hook string, received int64) bool {
	t := time.Unix(0, received)
	return (len(c.IDs) == 0 || c.rows[at.slot][at.row]) && (c.Hook == "" || c.Hook == hook) &&
		(c.After.IsZero() || !t.Before(c.After)) && (c.Before.IsZero() || t.Before(c.Before))
}

// apply applies an outcome to an entry.
func (e *Entry) apply(m mark) {
	switch {
	case m.out == outNothing:
		e.State = Finished
	case len(e.Steps) == 0 && m.out == outDropped:
		e.State = Dropped
	case int(m.step) < len(e.Steps):
		e.Steps[m.step].apply(m)
		e.summarize()
	}
}

func (s *EntryStep) apply(m mark) {
	at := time.Unix(0, m.at)
	switch m.out {
	case outDone:
		s.State = Finished
		s.addAttempt(at, "done")
	case outRetry:
		s.addAttempt(at, m.reason)
		s.Due = at.Add(time.Duration(m.delay))
		return
	case outBuried:
		s.State = Dead
		s.addAttempt(at, m.reason)
	case outDropped:
		s.State = Dropped
	case outLetterRedriven:
		s.State = Waiting
	case outLetterDone:
		s.State = Finished
	case outLetterBuried:
		s.State = Dead
	case outLetterDropped:
		s.State = Dropped
	case outRedriven:
	}
	s.Due = time.Time{}
}

func (s *EntryStep) addAttempt(at time.Time, text string) {
	s.Attempts++
	if len(s.History) == maxHistory {
		s.History = slices.Delete(s.History, 0, 1)
	}
	s.History = append(s.History, Attempt{At: at, Outcome: text})
}

// summarize derives the state of an entry from its steps.
func (e *Entry) summarize() {
	e.State = Finished
	for _, s := range e.Steps {
		switch {
		case s.State == Waiting:
			e.State = Waiting
			return
		case s.State == Dead, s.State == Dropped && e.State != Dead:
			e.State = s.State
		}
	}
}

// setPlan adds the steps of a plan to an entry, without their specs.
func (e *Entry) setPlan(p planBody) {
	e.State, e.Revision = Waiting, p.revision
	e.Steps = make([]EntryStep, len(p.actions))
	for i, a := range p.actions {
		e.Steps[i] = EntryStep{State: Waiting, Destination: a.Destination, Key: a.Key}
	}
}
