package ledger

import (
	"time"

	bolt "go.etcd.io/bbolt"
)

// bury adds a step's dead letter to a commit.
func (c *commit) bury(s *step, m mark) error {
	body, err := readRow(c.tx, Ref{Slot: s.item.ref.Slot, Row: s.item.plan}, kindPlan)
	if err != nil {
		c.setError(err)
		return err
	}
	p, err := readPlan(body)
	if err != nil {
		c.setError(err)
		return err
	}
	history := append(s.history[:len(s.history):len(s.history)], Attempt{At: time.Unix(0, m.at), Outcome: m.reason})
	c.putDead(deadRow(deadBody{
		at: m.at, origin: StepID{Ref: s.item.ref, Step: s.number}, received: s.item.received, id: s.item.id, hook: s.item.hook,
		revision: p.revision, action: p.actions[s.number], reason: m.reason, attempts: uint64(s.attempts + 1), history: history,
	}))
	return nil
}

func (c *commit) putDead(row []byte) {
	c.l.nextDead++
	c.write(c.tx.Bucket(bucketDead), key64(c.l.nextDead), row, 0)
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

// trimDead drops dead letters that are too old, and the oldest when there are too many.
func (l *Ledger) trimDead() error {
	before := l.now().Add(-l.opt.DeadAge).UnixNano()
	stale := func(row []byte) bool {
		c := cursor{b: row[headerSize:]} // it begins with its time
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
			c.dropDead(b, keys[i], rows[i])
			l.count.trimmed.Add(1)
		}
		return nil
	})
}
