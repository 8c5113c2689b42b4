package ledger

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// How much of a slot a scan has in memory at one time. A slot may have 250,000 entries, and one of them thousands of steps.
const (
	firstWindow = 512 // entries
	maxWindow   = 1 << 14
	windowSteps = 1 << 14 // steps, unless one entry has more
)

// window is the entries of a part of a slot, without payloads and specs.
type window struct {
	slot    uint32
	from    uint32 // its first row
	to      uint32 // the first row behind it; 0: it goes to the slot's end
	limit   int    // entries
	steps   int
	filter  *entryFilter
	entries []*windowEntry // in the order of rows
	byRow   map[uint32]*windowEntry
}

// windowEntry is an entry that a window has.
type windowEntry struct {
	Entry
	row, plan uint32 // plan: the row with its actions, 0 when it has none
	event     bool   // its row has a payload
}

// read reads the window: its heads, and what became of them, which always lies behind them.
func (w *window) read(tx *bolt.Tx) error {
	b := tx.Bucket((&slot{number: w.slot}).rowsName())
	if b == nil {
		return nil // it has just been dropped
	}
	c := b.Cursor()
	for k, v := c.Seek(key32(w.from)); k != nil; k, v = c.Next() {
		if err := w.row(k, v); err != nil {
			return fmt.Errorf("%w: row %x of slot %d: %w", ErrDamaged, k, w.slot, err)
		}
	}
	return nil
}

// row takes in a row. What is of no entry of the window is not so much as checked: it may be a gigabyte.
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
	case kindLost: // perhaps an event, whose plan says all that is needed
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
					h.State = "" // it is the dead letter of its number again
				}
			}
			return nil
		})
	}
	return nil
}

// contains reports whether a head in that row is the window's.
func (w *window) contains(row uint32) bool { return row >= w.from && (w.to == 0 || row < w.to) }

// containsPlan reports whether a plan is of an entry of the window: its event's row comes first in its body.
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

// add takes in a head. One too many is where the next window begins.
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

// dropLast leaves the last head to the next window.
func (w *window) dropLast() {
	last := len(w.entries) - 1
	h := w.entries[last]
	w.to = h.row
	w.steps -= len(h.Steps)
	delete(w.byRow, h.row)
	w.entries[last] = nil
	w.entries = w.entries[:last]
}

// loadDetails adds the payload and the specs to an entry, and reports false when its slot has just been dropped.
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
