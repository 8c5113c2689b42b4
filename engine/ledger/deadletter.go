package ledger

import (
	"time"

	bolt "go.etcd.io/bbolt"
)

// bury adds the dead letter of a step to a commit. A redriven letter gets its number back.
func (c *commit) bury(s *step, m mark) error {
	p, err := readPlanRow(c.tx, position{slot: s.item.at.slot, row: s.item.plan})
	if err != nil {
		c.setError(err)
		return err
	}
	history := append(s.history[:len(s.history):len(s.history)], Attempt{At: time.Unix(0, m.at), Outcome: m.reason})
	d := deadBody{
		at: m.at, origin: stepPosition{position: s.item.at, step: s.number}, received: s.item.received, id: s.item.id, hook: s.item.hook,
		revision: p.revision, action: p.actions[s.number], reason: m.reason, attempts: uint64(s.attempts + 1), history: history,
	}
	number := c.l.nextDead + 1
	if r := s.item.letter; r != nil {
		number, d.origin, d.received = r.number, r.origin, r.received
		c.markOrigin(r.origin, outLetterBuried, m.at)
	}
	c.putDead(number, deadRow(d))
	return nil
}

// markOrigin records the fate of a dead letter at the step it came from, unless the slot of that
// step is dropped already.
func (c *commit) markOrigin(origin stepPosition, out outcome, at int64) {
	for _, s := range c.l.slots {
		if s.number == origin.slot && !s.lost {
			c.mark(s, mark{row: origin.row, step: origin.step, out: out, at: at})
			return
		}
	}
}

func (c *commit) putDead(number uint64, row []byte) {
	c.l.nextDead = max(c.l.nextDead, number)
	c.write(c.tx.Bucket(bucketDead), key64(number), row, 0)
	c.l.count.dead.Add(1)
	c.l.count.deadBytes.Add(int64(len(row)))
	c.l.count.buried.Add(1)
}

// dropDead removes a dead letter.
func (c *commit) dropDead(b *bolt.Bucket, key, row []byte) {
	c.l.count.dead.Add(-1)
	c.l.count.deadBytes.Add(-int64(len(row)))
	c.dirty = true
	c.setError(b.Delete(key))
}

// trimDead removes dead letters beyond the maximum age, and the oldest beyond the maximum size.
func (l *Ledger) trimDead() error {
	before := l.now().Add(-l.opt.DeadAge).UnixNano()
	stale := func(row []byte) bool {
		c := cursor{b: row[headerSize:]} // the body begins with its time
		return l.count.deadBytes.Load() > l.opt.DeadBytes || int64(c.u64()) < before
	}
	if l.count.dead.Load() == 0 {
		return nil
	}
	some := false
	if err := l.db.View(func(tx *bolt.Tx) error {
		_, row := tx.Bucket(bucketDead).Cursor().First()
		some = row != nil && stale(row)
		return nil
	}); err != nil || !some {
		return err
	}
	return l.change(func(c *commit) error {
		b := c.tx.Bucket(bucketDead)
		cur := b.Cursor()
		var keys, rows [][]byte
		for k, row := cur.First(); k != nil && len(keys) < maxBatch; k, row = cur.Next() {
			keys, rows = append(keys, k), append(rows, row)
		}
		for i := range keys {
			if !stale(rows[i]) {
				break
			}
			if _, body, err := openRow(keys[i], rows[i]); err == nil {
				if d, err := readDead(body); err == nil {
					c.markOrigin(d.origin, outLetterDropped, c.now.UnixNano())
				}
			}
			c.dropDead(b, keys[i], rows[i])
			l.count.trimmed.Add(1)
		}
		return nil
	})
}
