package ledger

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Limits of a scan's memory. A slot may have 250,000 entries, and an entry thousands of steps.
const (
	firstWindow = 512 // entries
	maxWindow   = 1 << 14
	windowSteps = 1 << 14 // steps, unless a single entry has more
)

// window is the entries of a part of a slot, without payloads and specs.
type window struct {
	slot    uint32
	from    uint32 // its first row
	to      uint32 // the first row behind it; 0: the window extends to the end
	limit   int    // entries
	steps   int
	filter  *entryFilter
	entries []*windowEntry // in the order of rows
	byRow   map[uint32]*windowEntry
}

// windowEntry is an entry of a window.
type windowEntry struct {
	Entry
	row, plan uint32 // plan: row of its plan, 0 if it has none
	event     bool   // its row has a payload
}

// read reads the entries of the window and their outcomes, which always lie behind them.
func (w *window) read(tx *bolt.Tx) error {
	b := tx.Bucket((&slot{number: w.slot}).rowsName())
	if b == nil {
		return nil // the slot has just been dropped
	}
	c := b.Cursor()
	for k, v := c.Seek(key32(w.from)); k != nil; k, v = c.Next() {
		if err := w.row(k, v); err != nil {
			return fmt.Errorf("%w: row %x of slot %d: %w", ErrDamaged, k, w.slot, err)
		}
	}
	return nil
}

// row adds a row. Rows of entries outside of the window are not even verified: they may be a
// gigabyte.
func (w *window) row(key, row []byte) error {
	if len(key) != 4 || len(row) < headerSize {
		return errShape
	}
	n := binary.BigEndian.Uint32(key)
	switch k := kind(row[4]); {
	case k == kindEvent && !w.contains(n), k == kindPlan && !w.containsPlan(n, row[headerSize:]), k == kindRedriven && !w.contains(n):
		return nil
	}
	h, body, err := openRow(key, row)
	if err != nil {
		return err
	}
	switch h.kind {
	case kindEvent:
		e, err := readEvent(body)
		if err == nil && w.filter.mayMatch(position{w.slot, n}, e.hook, e.received) {
			w.add(&windowEntry{row: n, event: true, Entry: Entry{State: Recorded, Hook: e.hook, Key: e.id, Received: time.Unix(0, e.received)}})
		}
		return err
	case kindLost: // if it was an event, its plan has everything needed
		if w.contains(n) {
			w.add(&windowEntry{row: n})
		}
	case kindPlan, kindRedriven:
		return w.plan(n, h.kind, body)
	case kindMarks:
		return readMarks(body, func(m mark) error {
			if h := w.byRow[m.row]; h != nil && h.State != "" {
				h.apply(m)
				if h.letter != 0 && h.State == Dead {
					h.State = "" // listed as the dead letter of its number
				}
			}
			return nil
		})
	}
	return nil
}

// contains reports whether an entry with that first row belongs to the window.
func (w *window) contains(row uint32) bool { return row >= w.from && (w.to == 0 || row < w.to) }

// containsPlan reports whether a plan belongs to an entry of the window: its body begins with the
// event's row.
func (w *window) containsPlan(row uint32, body []byte) bool {
	c := cursor{b: body}
	event := c.u32()
	return c.bad || event == 0 && w.contains(row) || w.byRow[event] != nil
}

func (w *window) plan(row uint32, k kind, body []byte) error {
	p, err := readPlan(k, body)
	if err != nil {
		return err
	}
	h := w.byRow[p.event]
	if p.event == 0 { // of an inline call
		if !w.filter.mayMatch(position{w.slot, row}, p.hook, p.at) {
			return nil
		}
		h = &windowEntry{row: row}
		if !w.add(h) {
			return nil
		}
	}
	if h == nil {
		return nil
	}
	if !h.event {
		h.Hook, h.Key, h.Received = p.hook, p.id, time.Unix(0, p.at)
	}
	if p.letter != nil {
		h.ID, h.letter, h.Origin, h.Received = letterID(p.letter.number), p.letter.number, p.letter.origin.id(), time.Unix(0, p.letter.received)
	}
	h.plan = row
	h.setPlan(p)
	w.steps += len(h.Steps)
	for w.steps > windowSteps && len(w.entries) > 1 {
		w.dropLast()
	}
	return nil
}

// add adds an entry. The first one beyond the limit begins the next window.
func (w *window) add(h *windowEntry) bool {
	if len(w.entries) == w.limit {
		w.to = h.row
		return false
	}
	h.at = position{slot: w.slot, row: h.row}
	h.ID = h.at.id()
	w.entries = append(w.entries, h)
	w.byRow[h.row] = h
	return true
}

// dropLast leaves the last entry to the next window.
func (w *window) dropLast() {
	last := len(w.entries) - 1
	h := w.entries[last]
	w.to = h.row
	w.steps -= len(h.Steps)
	delete(w.byRow, h.row)
	w.entries[last] = nil
	w.entries = w.entries[:last]
}

// loadDetails adds the payload and the specs to an entry. It returns false if its slot has just
// been dropped.
func (h *windowEntry) loadDetails(tx *bolt.Tx, number uint32) (there bool, err error) {
	if tx.Bucket((&slot{number: number}).rowsName()) == nil {
		return false, nil
	}
	if h.event {
		_, body, err := readRow(tx, position{slot: number, row: h.row}, kindEvent)
		if err != nil {
			return false, err
		}
		e, err := readEvent(body)
		if err != nil {
			return false, err
		}
		h.Payload = slices.Clone(e.payload)
	}
	if h.plan == 0 {
		return true, nil
	}
	p, err := readPlanRow(tx, position{slot: number, row: h.plan})
	for i, a := range p.actions {
		h.Steps[i].Spec = slices.Clone(a.Spec)
	}
	return true, err
}
