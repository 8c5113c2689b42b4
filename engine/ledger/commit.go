package ledger

import (
	"errors"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	largeRow  = 2 * pageSize // a longer row gets a leaf page of its own
	idsPerRow = 1000         // so that the last leaf of a bucket of ids stays short
)

// commit is one transaction while it is built.
type commit struct {
	l          *Ledger
	tx         *bolt.Tx
	now        time.Time
	slot       *slot // takes new rows
	buckets    map[*slot]*bolt.Bucket
	ids        []ID
	pending    map[ID]struct{}
	marks      map[*slot][]byte
	afterLarge map[*slot]int // rows behind the last large row of this commit
	dirty      bool
	bytes      int           // of the admitted requests
	limits     [classes]int  // of bytes, by class
	err        error         // the first error of the file
	saved      savedCounters // for rollback
}

// savedCounters are the counters that staging changes before the commit is on the disk.
type savedCounters struct {
	sequence, nextDead     uint64
	dead, deadBytes        int64
	noted, buried, trimmed uint64
	slots                  []*slot
	rows, ids, open        []uint32 // of each slot
}

// beginCommit begins a transaction for need bytes. The file's pages are limited to those of the
// class that is refused first.
func (l *Ledger) beginCommit(need int, least class) (*commit, error) {
	owed := l.owedBytes()
	l.space.ensure(need + owed)
	l.space.limitFile(l.db, least, owed)
	tx, err := l.db.Begin(true)
	if err != nil {
		return nil, err
	}
	now := l.now()
	c := &commit{
		l: l, tx: tx, now: now, slot: l.currentSlot(now), limits: l.space.available(owed),
		buckets: make(map[*slot]*bolt.Bucket, 2), marks: make(map[*slot][]byte), pending: make(map[ID]struct{}),
	}
	c.save()
	return c, nil
}

// owedBytes estimates the bytes for the plans of recorded events and for the marks of planned
// steps.
func (l *Ledger) owedBytes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return 256*l.backlog.unplanned + 192*l.backlog.steps
}

func (c *commit) save() {
	l, s := c.l, &c.saved
	*s = savedCounters{
		sequence: l.sequence, nextDead: l.nextDead, dead: l.count.dead.Load(), deadBytes: l.count.deadBytes.Load(),
		noted: l.count.noted.Load(), buried: l.count.buried.Load(), trimmed: l.count.trimmed.Load(), slots: l.slots,
	}
	counters := make([]uint32, 3*len(l.slots))
	s.rows, s.ids, s.open = counters[:len(l.slots)], counters[len(l.slots):2*len(l.slots)], counters[2*len(l.slots):]
	for i, p := range l.slots {
		s.rows[i], s.ids[i], s.open[i] = p.rows, p.ids, p.open
	}
}

// rollback restores the counters after a commit that is not in the file.
func (c *commit) rollback() {
	l, s := c.l, &c.saved
	l.sequence, l.nextDead = s.sequence, s.nextDead
	l.count.dead.Store(s.dead)
	l.count.deadBytes.Store(s.deadBytes)
	l.count.noted.Store(s.noted)
	l.count.buried.Store(s.buried)
	l.count.trimmed.Store(s.trimmed)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slots = s.slots
	for i, p := range l.slots {
		p.rows, p.ids, p.open = s.rows[i], s.ids[i], s.open[i]
	}
}

// put appends a row to a slot and returns its number.
//
// bbolt writes the last leaf of a bucket anew with every append, and keeps two to four rows in each
// leaf, however long they are. An empty row behind a large one lets bbolt close the leaf: a later
// append does not copy the large row, and needs no run of free pages as long as four of them.
func (c *commit) put(s *slot, row []byte) uint32 {
	number := c.putRow(s, row)
	if len(row) <= largeRow {
		if after, ok := c.afterLarge[s]; ok {
			c.afterLarge[s] = after + 1
		}
		return number
	}
	if c.afterLarge == nil {
		c.afterLarge = make(map[*slot]int)
	}
	c.putRow(s, newRow(kindMarks, 0))
	c.afterLarge[s] = 1
	return number
}

func (c *commit) putRow(s *slot, row []byte) uint32 {
	b := c.buckets[s]
	if b == nil {
		var err error
		if b, err = c.tx.CreateBucketIfNotExists(s.rowsName()); err != nil {
			c.setError(err)
			return 0
		}
		b.FillPercent = 1 // rows are only ever appended
		c.buckets[s] = b
	}
	s.rows++
	c.write(b, key32(s.rows), row, s.number)
	return s.rows
}

// closeLeaves adds the empty rows that keep large rows out of the last leaf: bbolt splits a leaf of
// more than four rows.
func (c *commit) closeLeaves() {
	const rows = 4
	for s, after := range c.afterLarge {
		for ; after < rows; after++ {
			c.putRow(s, newRow(kindMarks, 0))
		}
	}
}

func (c *commit) write(b *bolt.Bucket, key, row []byte, slot uint32) {
	seal(row, key, slot, c.l.epoch)
	c.dirty = true
	c.setError(b.Put(key, row))
}

func (c *commit) setError(err error) {
	if c.err == nil {
		c.err = err
	}
}

// isKnown reports whether an id is in the ledger or in this commit.
func (c *commit) isKnown(id ID) bool {
	if _, ok := c.pending[id]; ok {
		return true
	}
	return c.l.isKnown(c.tx, c.l.slots, id)
}

func (c *commit) add(id ID) {
	c.pending[id] = struct{}{}
	c.ids = append(c.ids, id)
	c.dirty = true
}

func (c *commit) note(id ID) {
	if c.isKnown(id) {
		return
	}
	if c.bytes+len(id) > c.limits[classNew] {
		c.l.count.dropped.Add(1)
		return
	}
	c.bytes += len(id)
	c.add(id)
	c.l.count.noted.Add(1)
}

// mark adds an outcome to the slot of its entry.
func (c *commit) mark(s *slot, m mark) {
	row := c.marks[s]
	if row == nil {
		row = newRow(kindMarks, 64)
	}
	c.marks[s] = m.append(row)
	c.dirty = true
}

// finish writes the marks, the ids and the state, and commits.
func (c *commit) finish() error {
	for s, row := range c.marks {
		c.put(s, row)
	}
	c.closeLeaves()
	if len(c.ids) > 0 {
		c.putIDs()
	}
	c.l.sequence++
	meta := c.tx.Bucket(bucketMeta)
	c.write(meta, keyState, c.l.state().row(), 0)
	if c.err != nil {
		return c.err
	}
	return c.tx.Commit()
}

func (c *commit) putIDs() {
	b, err := c.tx.CreateBucketIfNotExists(c.slot.idsName())
	if err != nil {
		c.setError(err)
		return
	}
	b.FillPercent = 1
	for from := 0; from < len(c.ids); from += idsPerRow {
		ids := c.ids[from:min(from+idsPerRow, len(c.ids))]
		row := newRow(kindIDs, len(ids)*len(ID{}))
		for _, id := range ids {
			row = append(row, id[:]...)
		}
		c.write(b, key32(c.slot.ids+1), row, c.slot.number)
		c.slot.ids += uint32(len(ids))
	}
}

// change runs a change of the committer's own in a transaction of its own. After ErrSpace nothing
// has changed.
func (l *Ledger) change(do func(c *commit) error) error {
	for attempt := 0; ; attempt++ {
		c, err := l.beginCommit(0, classMark)
		if err != nil {
			return err
		}
		c.dirty = true
		if err = do(c); err == nil {
			err = c.finish()
		}
		if err == nil {
			l.countCommit()
			return nil
		}
		committed, err := l.abort(c, err)
		if committed {
			l.countCommit()
			return nil
		}
		c.rollback()
		if !errors.Is(err, errNoPages) {
			return err
		}
		if !l.space.growAfterFailure(0, attempt, classMark) {
			return ErrSpace
		}
	}
}

// committedSequence reads from the file which commit is its last.
func (l *Ledger) committedSequence() (uint64, error) {
	file, err := os.Open(l.opt.Path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	a := &audit{}
	if err := a.openMeta(file, info.Size()); err != nil {
		return 0, err
	}
	if a.uuid != l.id.uuid {
		return 0, ErrSwapped
	}
	return a.state.sequence, nil
}
