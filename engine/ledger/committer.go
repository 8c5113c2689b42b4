package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	berrors "go.etcd.io/bbolt/errors"
)

const (
	maxBatch          = 4096
	notesWait         = 100 * time.Millisecond // how long noted ids may wait for the next commit
	idleWait          = 50 * time.Millisecond  // without a call, before the file is made longer
	maintenancePeriod = time.Minute
)

// request is one call that waits for a commit.
type request struct {
	op     operation
	staged bool
	err    error
	done   chan struct{}
}

// operation is the part of a commit that belongs to one call.
type operation interface {
	stage(c *commit) error // adds its rows; with an error it has added nothing
	publish(l *Ledger)     // applies it to memory, when the rows are on the disk
	rollback(l *Ledger)    // undoes stage in memory, when they are not
	size() (bytes int, class class)
}

// class decides how much of the file's space a request may use. The class that is refused first
// comes first.
type class int

const (
	classNew  class = iota // new work
	classPlan              // follows from recorded work, and may be large: plans and dead letters
	classMark              // outcomes and deletions: small, and they free space in the end
	classes
)

// errNoPages is returned for a commit that is not in the file because the file had no free pages
// for it.
var errNoPages = errors.New("the commit does not fit into the file")

// commitLoop is the committer, the only goroutine that writes. It puts all waiting requests into
// one transaction; the next batch gathers while that one is synced. Only noted ids wait for
// company: no caller waits for them.
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

// gather returns r and the requests behind it.
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

// drain commits the queue when the ledger is closed.
func (l *Ledger) drain() {
	for {
		select {
		case r := <-l.queue:
			l.commitBatch(l.gather(r))
		default:
			l.commitBatch(nil) // noted ids
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
		err = l.commitWhatFits(batch, notes)
	}
	for _, r := range batch {
		if r.err == nil {
			r.err = err
		}
		close(r.done)
	}
}

// commitWhatFits commits a batch. While the file has no pages for it, the requests of the class
// that is refused first get ErrSpace, and the rest is tried again.
func (l *Ledger) commitWhatFits(batch []*request, notes []ID) error {
	part, least := batch, classNew
	for attempt := 0; ; attempt++ {
		err := l.tryBatch(part, notes)
		if !errors.Is(err, errNoPages) {
			return err
		}
		bytes, _ := l.demand(part, notes)
		if l.space.growAfterFailure(bytes, attempt, least) {
			continue
		}
		if least == classes-1 {
			return l.refuse(part)
		}
		l.space.block(least, bytes)
		l.count.dropped.Add(uint64(len(notes)))
		notes, attempt = nil, -1
		var rest []*request
		for _, r := range part {
			if _, class := r.op.size(); class > least {
				rest = append(rest, r)
			} else if r.err == nil {
				l.count.refused.Add(1)
				r.err = ErrSpace
			}
		}
		part, least = rest, least+1
		if len(part) == 0 {
			return nil
		}
	}
}

// demand returns the bytes of a batch, and which of its classes is refused first.
func (l *Ledger) demand(batch []*request, notes []ID) (bytes int, least class) {
	least = classMark
	if len(notes) > 0 {
		bytes, least = len(notes)*len(ID{}), classNew
	}
	for _, r := range batch {
		size, class := r.op.size()
		bytes += size
		least = min(least, class)
	}
	return bytes, least
}

// refuse gives up requests that need the very last pages.
func (l *Ledger) refuse(part []*request) error {
	for _, r := range part {
		if r.err == nil {
			l.count.refused.Add(1)
		}
	}
	return ErrSpace
}

// tryBatch makes one transaction of a batch. errNoPages leaves everything as it was. After any
// other failure the content of the disk is unknown, and memory may differ from it: the ledger
// stops.
func (l *Ledger) tryBatch(batch []*request, notes []ID) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // an unreadable page of the map is a fault
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		if err != nil && !errors.Is(err, errNoPages) {
			l.fail(err)
			err = l.failureError()
		}
	}()
	start := time.Now()
	need, least := l.demand(batch, notes)
	c, err := l.beginCommit(need, least)
	if err != nil {
		return err
	}
	defer c.tx.Rollback() // after Commit it does nothing
	for _, r := range batch {
		r.staged, r.err = false, l.admit(c, r.op)
		if r.err == nil {
			r.err = r.op.stage(c)
			r.staged = r.err == nil
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
		committed, err := l.abort(c, err)
		if !committed {
			c.rollback()
			l.rollback(batch)
			return err
		}
	}
	l.publish(c, batch)
	l.count.commitTime.Store(int64(time.Since(start)))
	return nil
}

// abort ends a commit that failed. It returns errNoPages where nothing was written; after a full
// disk it opens the file anew and looks whether the commit is in it.
func (l *Ledger) abort(c *commit, cause error) (committed bool, err error) {
	_ = c.tx.Rollback()
	switch {
	case errors.Is(cause, berrors.ErrMaxSizeReached):
		return false, errNoPages
	case !isDiskFull(cause):
		return false, cause
	}
	if err := l.reopen(); err != nil {
		return false, errors.Join(cause, fmt.Errorf("open the file again: %w", err))
	}
	switch sequence, err := l.committedSequence(); {
	case err != nil:
		return false, errors.Join(cause, err)
	case sequence == l.sequence:
		return true, nil
	case sequence == c.saved.sequence:
		return false, errNoPages
	default:
		return false, fmt.Errorf("%w: commit %d is the last, where %d is expected: %w", ErrDamaged, sequence, c.saved.sequence, cause)
	}
}

// isDiskFull reports whether an error says that the disk, a quota or the file system has no more
// space.
func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// reopen syncs the file, and has bbolt read it anew.
func (l *Ledger) reopen() error {
	l.dbMu.Lock()
	defer l.dbMu.Unlock()
	err := errors.Join(l.space.file.Close(), l.db.Close())
	l.space.file = nil
	if err != nil {
		return err
	}
	file, err := os.OpenFile(l.opt.Path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := l.openBolt(); err != nil {
		return err
	}
	l.space.refusedAt = l.now()
	return nil
}

// rollback undoes the changes of a batch in memory.
func (l *Ledger) rollback(batch []*request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range batch {
		if r.staged {
			r.op.rollback(l)
		}
	}
}

// admit refuses an operation for which there is no space.
func (l *Ledger) admit(c *commit, op operation) error {
	size, class := op.size()
	if c.bytes+size > c.limits[class] {
		l.count.refused.Add(1)
		return ErrSpace
	}
	c.bytes += size
	return nil
}

// publish applies a commit to memory. It runs behind the sync: an id that is called known must be
// on the disk.
func (l *Ledger) publish(c *commit, batch []*request) {
	l.indexMu.Lock()
	first := c.slot.ids - uint32(len(c.ids)) + 1
	for i, id := range c.ids {
		c.slot.index.add(l.fingerprint(id), first+uint32(i))
	}
	l.indexMu.Unlock()
	for _, r := range batch {
		if r.staged {
			r.op.publish(l)
		}
	}
	if c.dirty {
		l.count.batch(len(batch))
		l.countCommit()
	}
}

// countCommit updates the statistics and the identity after a commit.
func (l *Ledger) countCommit() {
	l.count.commits.Add(1)
	l.measure()
	l.id.writeLazily(l.sequence)
}
