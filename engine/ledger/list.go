package ledger

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Page is a part of a list.
type Page struct {
	Entries []Entry `json:"entries"`
	Next    string  `json:"next,omitempty"` // where the next page begins; "" after the last one
}

// List returns up to limit entries that match a filter, beginning at Next of the page before:
// entries of the last 25 hours and older open ones in the order of recording, then dead letters. A
// page with very many steps is shorter. Payloads and specs are left out.
func (l *Ledger) List(f Filter, from string, limit int) (Page, error) {
	p := Page{Entries: []Entry{}}
	steps := 0
	start, err := parseCursor(from)
	if err != nil {
		return p, err
	}
	err = l.scan(f, start, false, func(e Entry) bool {
		if steps += len(e.Steps); len(p.Entries) == limit || len(p.Entries) > 0 && steps > windowSteps {
			p.Next = e.cursor()
			return false
		}
		p.Entries = append(p.Entries, e)
		return true
	})
	return p, err
}

// Show returns one entry with its payload and its specs, or ErrGone.
func (l *Ledger) Show(id EntryID) (Entry, error) {
	var found *Entry
	l.mu.Lock()
	at, _ := l.positionOf(id)
	l.mu.Unlock()
	err := l.scan(Filter{IDs: []EntryID{id}}, cursorStart{position: at}, true, func(e Entry) bool {
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
	err := l.scan(Filter{}, cursorStart{}, true, func(e Entry) bool {
		bad = enc.Encode(e)
		return bad == nil
	})
	if err != nil {
		return err
	}
	return bad
}

// cursorStart is where a scan begins: at a position, or at a dead letter.
type cursorStart struct {
	position
	letter uint64
	dead   bool // begin with the dead letters
}

func parseCursor(text string) (c cursorStart, err error) {
	if text == "" {
		return c, nil
	}
	var ok bool
	if c.letter, c.dead = parseLetter(EntryID(text)); c.dead {
		return c, nil
	}
	if c.position, ok = parsePosition(EntryID(text)); !ok {
		err = fmt.Errorf("%w: %q", ErrGone, text)
	}
	return c, err
}

// cursor returns the text of the place of an entry in a list.
func (e *Entry) cursor() string {
	if e.at == (position{}) {
		return string(letterID(e.letter))
	}
	return string(e.at.id())
}

// scan calls do for the matching entries, beginning at from, until it returns false. It holds no
// transaction while do runs, and has a part of one slot in memory. One scan runs at a time.
func (l *Ledger) scan(f Filter, from cursorStart, full bool, do func(Entry) bool) error {
	l.scanning.Lock()
	defer l.scanning.Unlock()
	if from.dead || f.State == Dead && len(f.IDs) == 0 {
		from.slot = 1<<32 - 1 // only dead letters
	}
	ch := l.newEntryFilter(f)
	for _, s := range l.allSlots() {
		if s.number < from.slot || !ch.mayMatchIn(s.number) {
			continue
		}
		row := uint32(0)
		if s.number == from.slot {
			row = from.row
		}
		if more, err := l.scanSlot(ch, position{slot: s.number, row: row}, full, do); err != nil || !more {
			return err
		}
	}
	if !ch.mayMatchDead() {
		return nil
	}
	return l.scanDead(f, from.letter, full, do)
}

// scanSlot calls do for the matching entries of a slot, beginning at a row. It reports whether do
// wants more.
func (l *Ledger) scanSlot(ch *entryFilter, from position, full bool, do func(Entry) bool) (more bool, err error) {
	for most := firstWindow; ; most = min(2*most, maxWindow) {
		w := &window{slot: from.slot, from: from.row, limit: most, filter: ch, byRow: make(map[uint32]*windowEntry)}
		if err := l.view(w.read); err != nil {
			return false, err
		}
		for _, h := range w.entries {
			if h.State == "" || !ch.matches(&h.Entry) {
				continue
			}
			if full {
				there := false
				err := l.view(func(tx *bolt.Tx) (err error) {
					there, err = h.loadDetails(tx, w.slot)
					return err
				})
				if err != nil {
					return false, err
				}
				if !there {
					return true, nil
				}
			}
			if !do(h.Entry) {
				return false, nil
			}
			h.Entry = Entry{} // release its memory
		}
		if w.to == 0 {
			return true, nil
		}
		from.row = w.to
	}
}

// scanDead calls do for the matching dead letters.
func (l *Ledger) scanDead(f Filter, from uint64, full bool, do func(Entry) bool) error {
	const part, partBytes = 1000, 16 << 20 // of one transaction
	for more := true; more; {
		var entries []Entry
		more = false
		err := l.view(func(tx *bolt.Tx) error {
			c := tx.Bucket(bucketDead).Cursor()
			looked, size := 0, 0
			for k, v := c.Seek(key64(from)); k != nil; k, v = c.Next() {
				if more = looked == part || size >= partBytes; more {
					return nil
				}
				e, err := readLetter(k, v)
				if err != nil {
					return fmt.Errorf("%w: dead letter %x: %w", ErrDamaged, k, err)
				}
				looked, from = looked+1, binary.BigEndian.Uint64(k)+1
				if !f.matches(&e) {
					continue
				}
				spec := e.Steps[0].Spec
				e.bytes = len(v)
				if e.Steps[0].Spec = nil; full {
					e.Steps[0].Spec = bytes.Clone(spec)
					size += len(spec)
				}
				entries = append(entries, e)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i := range entries {
			if !do(entries[i]) {
				return nil
			}
		}
	}
	return nil
}

// readLetter decodes a dead letter. Its spec is a part of the row.
func readLetter(key, row []byte) (Entry, error) {
	_, body, err := openRow(key, row)
	if err != nil {
		return Entry{}, err
	}
	d, err := readDead(body)
	if err != nil {
		return Entry{}, err
	}
	step := EntryStep{State: Dead, Destination: d.action.Destination, Key: d.action.Key, Attempts: int(d.attempts), History: d.history, Spec: d.action.Spec}
	number := binary.BigEndian.Uint64(key)
	return Entry{
		ID: letterID(number), letter: number, Origin: d.origin.id(), State: Dead, Hook: d.hook, Key: d.id,
		Received: time.Unix(0, d.received), Revision: d.revision, Steps: []EntryStep{step},
	}, nil
}
