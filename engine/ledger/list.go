package ledger

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Page is a part of a list.
type Page struct {
	Entries []Entry `json:"entries"`
	Next    string  `json:"next,omitempty"` // where the following page begins; "" when there is none
}

const deadPrefix = "dead-"

// List returns up to limit entries that a filter chooses, from where Next of the page before said: what was recorded in the last 25
// hours and what is older but open, in the order of recording; then the dead letters. Payloads and specs are left out.
func (l *Ledger) List(f Filter, from string, limit int) (Page, error) {
	p := Page{Entries: []Entry{}}
	err := l.scan(f, from, false, func(e Entry) bool {
		if len(p.Entries) == limit {
			p.Next = e.ID
			return false
		}
		p.Entries = append(p.Entries, e)
		return true
	})
	return p, err
}

// Show returns one entry with its payload and its specs, or ErrGone.
func (l *Ledger) Show(id string) (Entry, error) {
	var found *Entry
	err := l.scan(Filter{IDs: []string{id}}, id, true, func(e Entry) bool {
		found = &e
		return false
	})
	if err == nil && found == nil {
		err = ErrGone
	}
	if err != nil {
		return Entry{}, err
	}
	return *found, nil
}

// Export writes every entry as a line of JSON, with payloads and specs.
func (l *Ledger) Export(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	var bad error
	err := l.scan(Filter{}, "", true, func(e Entry) bool {
		bad = enc.Encode(e)
		return bad == nil
	})
	if err != nil {
		return err
	}
	return bad
}

// scan hands the entries that f chooses to do until it says no, beginning with from. It holds no transaction while do runs.
func (l *Ledger) scan(f Filter, from string, full bool, do func(Entry) bool) error {
	var first Ref
	dead, isDead := strings.CutPrefix(from, deadPrefix)
	if !isDead && from != "" {
		var ok bool
		if first, ok = parseRef(from); !ok {
			return fmt.Errorf("%w: %q", ErrGone, from)
		}
	}
	if f.State == Dead && !isDead && len(f.IDs) == 0 {
		first.Slot = 1<<32 - 1 // the dead letters alone
	}
	for _, s := range l.allSlots() {
		if isDead || s.number < first.Slot {
			continue
		}
		entries, err := l.readSlot(s.number, full)
		if err != nil {
			return err
		}
		for i := range entries {
			e := &entries[i]
			if r, _ := parseRef(e.ID); r.before(first) || !f.matches(e) {
				continue
			}
			if !do(*e) {
				return nil
			}
		}
	}
	number, _ := strconv.ParseUint(dead, 10, 64)
	return l.scanDead(f, number, full, do)
}

// readSlot reads what a slot has, in the order of recording.
func (l *Ledger) readSlot(number uint32, full bool) ([]Entry, error) {
	all := make(map[uint32]*Entry)
	err := l.view(func(tx *bolt.Tx) error {
		s := slot{number: number}
		b := tx.Bucket(s.rowsName())
		if b == nil {
			return nil // it has just been dropped
		}
		return b.ForEach(func(k, v []byte) error {
			h, body, err := openRow(k, v)
			if err == nil {
				err = readInto(all, Ref{Slot: number, Row: binary.BigEndian.Uint32(k)}, h.kind, body, full)
			}
			if err != nil {
				return fmt.Errorf("%w: row %x of slot %d: %w", ErrDamaged, k, number, err)
			}
			return nil
		})
	})
	entries := make([]Entry, 0, len(all))
	for _, row := range slices.Sorted(maps.Keys(all)) {
		entries = append(entries, *all[row])
	}
	return entries, err
}

func readInto(all map[uint32]*Entry, at Ref, k kind, body []byte, full bool) error {
	switch k {
	case kindEvent:
		e, err := readEvent(body)
		entry := &Entry{ID: at.String(), State: Recorded, Hook: e.hook, Key: e.id, Received: time.Unix(0, e.received)}
		if full {
			entry.Payload = slices.Clone(e.payload)
		}
		all[at.Row] = entry
		return err
	case kindPlan:
		p, err := readPlan(body)
		entry := all[p.event]
		if entry == nil { // of an inline call, or its event was lost
			if p.event != 0 {
				at.Row = p.event
			}
			entry = &Entry{ID: at.String(), Hook: p.hook, Key: p.id, Received: time.Unix(0, p.at)}
			all[at.Row] = entry
		}
		entry.follow(p, full)
		return err
	case kindMarks:
		return readMarks(body, func(m mark) error {
			if e := all[m.row]; e != nil {
				e.tell(m)
			}
			return nil
		})
	}
	return nil
}

func (l *Ledger) scanDead(f Filter, from uint64, full bool, do func(Entry) bool) error {
	const part = 1000 // in one transaction
	for {
		var entries []Entry
		err := l.view(func(tx *bolt.Tx) error {
			c := tx.Bucket(bucketDead).Cursor()
			for k, v := c.Seek(key64(from)); k != nil && len(entries) < part; k, v = c.Next() {
				e, err := readLetter(k, v, full)
				if err != nil {
					return fmt.Errorf("%w: dead letter %x: %w", ErrDamaged, k, err)
				}
				entries = append(entries, e)
				from = binary.BigEndian.Uint64(k) + 1
			}
			return nil
		})
		if err != nil || len(entries) == 0 {
			return err
		}
		for i := range entries {
			if f.matches(&entries[i]) && !do(entries[i]) {
				return nil
			}
		}
	}
}

func readLetter(key, row []byte, full bool) (Entry, error) {
	_, body, err := openRow(key, row)
	if err != nil {
		return Entry{}, err
	}
	d, err := readDead(body)
	if err != nil {
		return Entry{}, err
	}
	step := EntryStep{State: Dead, Destination: d.action.Destination, Key: d.action.Key, Attempts: int(d.attempts), History: d.history}
	if full {
		step.Spec = bytes.Clone(d.action.Spec)
	}
	return Entry{
		ID: deadPrefix + strconv.FormatUint(binary.BigEndian.Uint64(key), 10), Origin: d.origin.String(), State: Dead, Hook: d.hook, Key: d.id,
		Received: time.Unix(0, d.received), Revision: d.revision, Steps: []EntryStep{step},
	}, nil
}
