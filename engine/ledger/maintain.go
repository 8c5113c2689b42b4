package ledger

import (
	"errors"
	"slices"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// maintain drops what is over: ids after their hours, slots that have nothing open, dead letters that nobody wanted. Each is a
// transaction of its own, so that no call waits for more than one.
func (l *Ledger) maintain() {
	if l.space.ensure(0); l.space.isScarce() {
		return
	}
	l.maintainedHour = l.hour
	for l.failureError() == nil {
		more, err := l.expireSlot()
		if err != nil {
			l.fail(err)
			return
		}
		if !more {
			break
		}
	}
	if l.failureError() != nil {
		return
	}
	if err := l.trimDead(); err != nil {
		l.fail(err)
	}
}

// expireSlot drops the oldest slot that may go, or only its ids while something in it is open.
func (l *Ledger) expireSlot() (bool, error) {
	l.currentSlot(l.now()) // an hour passes without calls, too
	for i, s := range l.slots {
		if l.hour-s.hour <= keepHours {
			return false, nil
		}
		if s.open == 0 || s.ids > 0 {
			return true, l.dropSlot(i, s)
		}
	}
	return false, nil
}

func (l *Ledger) dropSlot(i int, s *slot) error {
	whole := s.open == 0
	err := l.change(func(c *commit) error {
		if err := deleteBucket(c.tx, s.idsName()); err != nil {
			return err
		}
		l.indexMu.Lock()
		s.ids, s.index = 0, index{}
		l.indexMu.Unlock()
		if !whole {
			return nil
		}
		l.mu.Lock()
		l.slots = slices.Delete(slices.Clone(l.slots), i, i+1)
		l.mu.Unlock()
		return deleteBucket(c.tx, s.rowsName())
	})
	if err == nil && whole {
		l.count.expired.Add(1)
	}
	return err
}

func deleteBucket(tx *bolt.Tx, bucket []byte) error {
	if err := tx.DeleteBucket(bucket); !errors.Is(err, berrors.ErrBucketNotFound) {
		return err
	}
	return nil
}

// measure takes note of the file's size after a commit.
func (l *Ledger) measure() {
	l.space.measure(l.db)
	l.count.fileSize.Store(l.space.size)
	l.count.fileUsed.Store(l.space.used - l.space.free)
}
