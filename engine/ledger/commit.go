package ledger

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	maxBatch          = 4096
	notesWait         = 100 * time.Millisecond // how long ids that nobody waits for may wait for company
	idleWait          = 50 * time.Millisecond  // without a call, before the file is made longer
	maintenancePeriod = time.Minute
)

// commitLoop is the committer: the only goroutine that writes. It takes whatever waits, and puts it into one transaction;
// while that is being synced, the next batch gathers. Nothing lingers but ids that nobody waits for.
func (l *Ledger) commitLoop() {
	defer close(l.done)
	tick := time.NewTicker(maintenancePeriod)
	defer tick.Stop()
	late := time.NewTimer(time.Hour)
	defer late.Stop()
	idle := time.NewTimer(idleWait)
	defer idle.Stop()
	for {
		select {
		case r := <-l.queue:
			l.commitBatch(l.gather(r))
		case <-idle.C:
			if l.failureError() == nil && l.space.growAhead() {
				idle.Reset(time.Millisecond)
			}
			continue
		case <-l.notes.wake:
			late.Reset(notesWait)
			continue
		case <-late.C:
			l.commitBatch(nil)
		case <-tick.C:
			l.maintain()
		case <-l.stop:
			l.drain()
			return
		}
		if l.maintainedHour != l.hour {
			l.maintain()
		}
		idle.Reset(idleWait)
	}
}

// gather returns r and what waits behind it.
func (l *Ledger) gather(r *request) []*request {
	batch := []*request{r}
	size, _ := r.op.size()
	for bytes := size; len(batch) < maxBatch && bytes < maxRow; bytes += size {
		l.waiting.Add(-int64(size))
		select {
		case r = <-l.queue:
			batch = append(batch, r)
			size, _ = r.op.size()
		default:
			return batch
		}
	}
	l.waiting.Add(-int64(size))
	return batch
}

// drain commits what is queued when the ledger is closed.
func (l *Ledger) drain() {
	for {
		select {
		case r := <-l.queue:
			l.commitBatch(l.gather(r))
		default:
			l.commitBatch(nil) // what is noted
			return
		}
	}
}

// commitBatch makes a batch durable and answers each of its callers.
func (l *Ledger) commitBatch(batch []*request) {
	notes := l.notes.drain()
	if len(batch) == 0 && len(notes) == 0 {
		return
	}
	err := l.failureError()
	if err == nil {
		err = l.tryBatch(batch, notes)
	}
	for _, r := range batch {
		if r.err == nil {
			r.err = err
		}
		close(r.done)
	}
}

// tryBatch stops the ledger when anything but the caller's own wish goes wrong: after a failed commit nobody knows what is on
// the disk, and what bbolt has in memory may not be.
func (l *Ledger) tryBatch(batch []*request, notes []ID) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // the file is mapped: a page that cannot be read is a fault
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		if err != nil {
			l.fail(err)
			err = l.failureError()
		}
	}()
	start := time.Now()
	c, err := l.beginCommit(batch)
	if err != nil {
		return err
	}
	defer c.tx.Rollback() // after Commit it does nothing
	for _, r := range batch {
		if r.err = l.admit(c, r.op); r.err == nil {
			r.err = r.op.stage(c)
		}
	}
	for _, id := range notes {
		c.note(id)
	}
	if err := cmp.Or(c.err, l.failureError()); err != nil {
		return err
	}
	if c.dirty {
		err = c.finish()
	}
	if err != nil {
		return err
	}
	l.publish(c, batch)
	l.count.commitTime.Store(int64(time.Since(start)))
	return nil
}

// admit refuses what there is no room for.
func (l *Ledger) admit(c *commit, op operation) error {
	size, owed := op.size()
	limit := c.fresh
	if owed {
		limit = c.owed
	}
	if c.bytes+size > limit {
		l.count.refused.Add(1)
		return ErrSpace
	}
	c.bytes += size
	return nil
}

// publish carries a commit into memory: only now that it is on the disk may an id be called known.
func (l *Ledger) publish(c *commit, batch []*request) {
	l.indexMu.Lock()
	first := c.slot.ids - uint32(len(c.ids)) + 1
	for i, id := range c.ids {
		c.slot.index.add(l.fingerprint(id), first+uint32(i))
	}
	l.indexMu.Unlock()
	for _, r := range batch {
		if r.err == nil {
			r.op.publish(l)
		}
	}
	if c.dirty {
		l.count.batch(len(batch))
		l.countCommit()
	}
}

// countCommit takes note of a commit.
func (l *Ledger) countCommit() {
	l.count.commits.Add(1)
	l.measure()
	l.id.writeLazily(l.sequence)
}

// commit is one transaction in the making.
type commit struct {
	l       *Ledger
	tx      *bolt.Tx
	now     time.Time
	slot    *slot // takes new rows
	buckets map[*slot]*bolt.Bucket
	ids     []ID
	pending map[ID]struct{}
	marks   map[*slot][]byte
	dirty   bool
	fresh   int // bytes that may be added by what can be refused
	owed    int // and by what follows from what was not
	bytes   int
	err     error // the first thing that went wrong with the file
}

func (l *Ledger) beginCommit(batch []*request) (*commit, error) {
	need := 0
	for _, r := range batch {
		size, _ := r.op.size()
		need += size
	}
	promised := l.owedBytes()
	l.space.ensure(need + promised)
	fresh, owed := l.space.available(promised)
	tx, err := l.db.Begin(true)
	if err != nil {
		return nil, err
	}
	now := l.now()
	return &commit{
		l: l, tx: tx, now: now, slot: l.currentSlot(now), fresh: fresh, owed: owed,
		buckets: make(map[*slot]*bolt.Bucket, 2), marks: make(map[*slot][]byte), pending: make(map[ID]struct{}),
	}, nil
}

// owedBytes is about how many bytes will be needed to plan what is recorded, and to mark what is planned.
func (l *Ledger) owedBytes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return 256*l.backlog.unplanned + 192*l.backlog.steps
}

// put appends a row to a slot and returns its number.
func (c *commit) put(s *slot, row []byte) uint32 {
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

// isKnown reports whether an id is in the ledger or was added to this commit.
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
	if c.bytes+len(id) > c.fresh || c.isKnown(id) {
		return
	}
	c.bytes += len(id)
	c.add(id)
	c.l.count.noted.Add(1)
}

// mark notes an outcome in the slot of what it is about.
func (c *commit) mark(s *slot, m mark) {
	row := c.marks[s]
	if row == nil {
		row = newRow(kindMarks, 64)
	}
	c.marks[s] = m.append(row)
	c.dirty = true
}

// finish writes what was gathered, and the state, and commits.
func (c *commit) finish() error {
	for s, row := range c.marks {
		c.put(s, row)
	}
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
	row := newRow(kindIDs, len(c.ids)*len(ID{}))
	for _, id := range c.ids {
		row = append(row, id[:]...)
	}
	c.write(b, key32(c.slot.ids+1), row, c.slot.number)
	c.slot.ids += uint32(len(c.ids))
}

// change runs what the committer itself does to the file, in a transaction of its own.
func (l *Ledger) change(do func(c *commit) error) error {
	c, err := l.beginCommit(nil)
	if err != nil {
		return err
	}
	defer c.tx.Rollback()
	c.dirty = true
	if err := do(c); err != nil {
		return err
	}
	if err := c.finish(); err != nil {
		return err
	}
	l.countCommit()
	return nil
}
