package ledger

import (
	"errors"
	"slices"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// tidy drops what is over: ids after their hours, slots that have nothing open, dead letters that nobody wanted. Each is a
// transaction of its own, so that no call waits for more than one.
func (l *Ledger) tidy() {
	if l.room.grow(0); l.room.scarce() {
		return
	}
	l.tidied = l.hour
	for l.broken() == nil {
		more, err := l.expire()
		if err != nil {
			l.fail(err)
			return
		}
		if !more {
			break
		}
	}
	if l.broken() != nil {
		return
	}
	if err := l.trimDead(); err != nil {
		l.fail(err)
	}
}

// expire drops the oldest slot that may go, or only its ids while something in it is open.
func (l *Ledger) expire() (bool, error) {
	l.current(l.now()) // an hour passes without calls, too
	for i, s := range l.slots {
		if l.hour-s.hour <= keepHours {
			return false, nil
		}
		if s.open == 0 || s.ids > 0 {
			return true, l.drop(i, s)
		}
	}
	return false, nil
}

func (l *Ledger) drop(i int, s *slot) error {
	whole := s.open == 0
	err := l.change(func(c *commit) error {
		if err := remove(c.tx, s.idsName()); err != nil {
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
		return remove(c.tx, s.rowsName())
	})
	if err == nil && whole {
		l.count.expired.Add(1)
	}
	return err
}

func remove(tx *bolt.Tx, bucket []byte) error {
	if err := tx.DeleteBucket(bucket); !errors.Is(err, berrors.ErrBucketNotFound) {
		return err
	}
	return nil
}

// measure takes note of the file's size after a commit.
func (l *Ledger) measure() {
	l.room.look(l.db)
	l.count.fileSize.Store(l.room.size)
	l.count.fileUsed.Store(l.room.used - l.room.free)
}
