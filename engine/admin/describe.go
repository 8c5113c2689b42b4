package admin

import (
	"encoding/json"
	"errors"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

// Entry is an entry of the ledger with the event's type and the user it is about.
type Entry struct {
	ledger.Entry
	Type    string `json:"type,omitempty"`
	Subject string `json:"subject,omitempty"`
}

// Page is a part of a list. Next is where the next page begins, or "" after the last one.
type Page struct {
	Entries []Entry `json:"entries"`
	Next    string  `json:"next,omitempty"`
}

// Show returns an entry with its payload, or ledger.ErrGone. The payload of a dead letter is that
// of its event, while the ledger has it.
func (e Events) Show(id ledger.EntryID) (Entry, error) {
	entry, err := e.Ledger.Show(id)
	if err != nil {
		return Entry{}, err
	}
	if entry.Origin != "" {
		if entry.Payload, err = e.originPayload(entry.Origin); err != nil {
			return Entry{}, err
		}
	}
	d := Entry{Entry: entry}
	d.Type, d.Subject = summarize(entry)
	return d, nil
}

// originPayload returns the payload of the event whose step became a dead letter; nil if it is
// gone.
func (e Events) originPayload(id ledger.EntryID) (ledger.Blob, error) {
	event, err := e.Ledger.Show(id)
	if err != nil && !errors.Is(err, ledger.ErrGone) {
		return nil, err
	}
	return event.Payload, nil
}

// describe adds types and subjects to a page.
func (e Events) describe(p ledger.Page) (Page, error) {
	page := Page{Entries: make([]Entry, len(p.Entries)), Next: p.Next}
	for i, entry := range p.Entries {
		page.Entries[i].Entry = entry
		full, err := e.Show(entry.ID)
		switch {
		case errors.Is(err, ledger.ErrGone): // since the list was read
		case err != nil:
			return Page{}, err
		default:
			page.Entries[i].Type, page.Entries[i].Subject = full.Type, full.Subject
		}
	}
	return page, nil
}

// party is an actor or a target of an event.
type party struct{ Type, AlternateID, DisplayName string }

func (p party) name() string {
	if p.AlternateID != "" && p.AlternateID != "unknown" { // as Okta writes a missing one
		return p.AlternateID
	}
	return p.DisplayName
}

// logEvent is the part of a System Log event that a list shows.
type logEvent struct {
	EventType string
	Actor     party
	Target    []party
}

// readEvent reads the event of a payload, which is a delivery with one event, or of the first
// action's body. Members of unexpected types stay empty.
func readEvent(e ledger.Entry) (event logEvent) {
	if len(e.Payload) > 0 {
		var delivery struct {
			Data struct{ Events []json.RawMessage }
		}
		if json.Unmarshal(e.Payload, &delivery) == nil && len(delivery.Data.Events) > 0 {
			_ = json.Unmarshal(delivery.Data.Events[0], &event)
		}
		return event
	}
	if len(e.Steps) > 0 {
		var action struct{ Body json.RawMessage }
		if json.Unmarshal(e.Steps[0].Spec, &action) == nil {
			_ = json.Unmarshal(action.Body, &event)
		}
	}
	return event
}

// summarize returns an event's type and its subject: the first target that is a user, or else the
// actor.
func summarize(e ledger.Entry) (typ, subject string) {
	event := readEvent(e)
	for _, t := range event.Target {
		if t.Type == "User" {
			return event.EventType, t.name()
		}
	}
	return event.EventType, event.Actor.name()
}
