package ledger

import (
	"context"
	"sync"

	bolt "go.etcd.io/bbolt"
)

// Accept records a delivery. When it returns nil, every event is on the disk, now or from before,
// and the new events of the Receipt wait for Claim. It copies its arguments. Errors: ErrFull,
// ErrSpace, ErrBroken, ErrClosed, or the context's error, after which the delivery may still be
// recorded.
func (l *Ledger) Accept(ctx context.Context, d Delivery) (Receipt, error) {
	op := &acceptOp{hook: d.Hook, id: d.ID, ids: make([]ID, len(d.Events)), rows: make([][]byte, len(d.Events))}
	now := l.now()
	for i, e := range d.Events {
		op.ids[i] = e.ID
		op.rows[i] = eventRow(e.ID, now, d.Hook, e.Payload)
		op.bytes += len(op.rows[i])
	}
	if op.bytes > maxRow {
		return Receipt{}, ErrSpace
	}
	op.received = now.UnixNano()
	op.places = make([]position, len(d.Events))
	if err := l.submit(ctx, op, false); err != nil {
		return Receipt{}, err
	}
	r := Receipt{Duplicate: op.duplicate, New: make([]bool, len(op.places))}
	for i, place := range op.places {
		r.New[i] = place.row != 0
	}
	return r, nil
}

// acceptOp is the operation of Accept.
type acceptOp struct {
	hook      string
	id        ID
	ids       []ID
	rows      [][]byte
	bytes     int
	received  int64
	duplicate bool
	places    []position // of the new events
	slot      *slot
}

func (d *acceptOp) size() (int, class) { return d.bytes + (len(d.ids)+1)*(len(ID{})+64), classNew }
func (d *acceptOp) rollback(*Ledger)   {}

func (d *acceptOp) stage(c *commit) error {
	if d.duplicate = c.isKnown(d.id); d.duplicate {
		return nil
	}
	d.slot = c.slot
	clear(d.places)
	c.add(d.id)
	for i, id := range d.ids {
		if c.isKnown(id) {
			continue
		}
		c.add(id)
		d.places[i] = position{slot: c.slot.number, row: c.put(c.slot, d.rows[i])}
		c.slot.open++
	}
	return nil
}

func (d *acceptOp) publish(l *Ledger) {
	if d.duplicate {
		l.count.duplicates.Add(1)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, place := range d.places {
		if place.row == 0 {
			l.count.duplicates.Add(1)
			continue
		}
		l.count.accepted.Add(1)
		l.backlog.addEvent(d.slot, &item{at: place, hook: l.backlog.intern(d.hook), id: d.ids[i], received: d.received})
	}
}

// noteQueue collects the ids of inline calls for the next commit.
type noteQueue struct {
	mu   sync.Mutex // guards ids
	ids  []ID
	old  []ID // reused by the committer
	wake chan struct{}
}

const maxNotes = 1 << 16

// Note records an inline call's id with the next commit, after the call's answer. It never waits:
// if too many ids wait already, the id is dropped and counted.
func (l *Ledger) Note(id ID) {
	n := &l.notes
	n.mu.Lock()
	full := len(n.ids) >= maxNotes
	if !full {
		n.ids = append(n.ids, id)
	}
	first := len(n.ids) == 1
	n.mu.Unlock()
	if full {
		l.count.dropped.Add(1)
	}
	if first {
		select {
		case n.wake <- struct{}{}:
		default:
		}
	}
}

// drain returns the ids noted since the last call.
func (n *noteQueue) drain() []ID {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ids, n.old = n.old[:0], n.ids
	return n.old
}

// IsKnown reports whether an id is on the disk.
func (l *Ledger) IsKnown(id ID) bool {
	l.indexMu.RLock() // before the transaction begins: it must contain all ids of the index
	defer l.indexMu.RUnlock()
	found := false
	_ = l.view(func(tx *bolt.Tx) error {
		found = l.isKnown(tx, l.allSlots(), id)
		return nil
	})
	return found
}
