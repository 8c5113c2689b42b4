package ledger

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// maintain drops expired ids, slots without open entries, and dead letters beyond their age or
// size. Each drop is its own transaction, so no call waits for more than one. Without space for a
// drop it is tried again later.
func (l *Ledger) maintain() {
	if l.space.ensure(0); l.space.isScarce() {
		return
	}
	l.maintainedHour = l.hour
	err := l.dropExpired()
	if err != nil && !errors.Is(err, ErrSpace) {
		l.fail(err)
	}
}

func (l *Ledger) dropExpired() error {
	for l.failureError() == nil {
		if more, err := l.expireSlot(); err != nil || !more {
			return cmp.Or(err, l.trimDead())
		}
	}
	return nil
}

// expireSlot drops the oldest expired slot, or only its ids while one of its entries is open.
func (l *Ledger) expireSlot() (bool, error) {
	l.currentSlot(l.now()) // hours pass without calls, too
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

// dropSlot drops the ids of a slot, and its rows too if no entry is open.
func (l *Ledger) dropSlot(i int, s *slot) error {
	whole := s.open == 0
	err := l.change(func(c *commit) error {
		if err := deleteBucket(c.tx, s.idsName()); err != nil {
			return err
		}
		s.ids = 0
		if !whole {
			return nil
		}
		l.mu.Lock()
		l.slots = slices.Delete(slices.Clone(l.slots), i, i+1)
		l.mu.Unlock()
		return deleteBucket(c.tx, s.rowsName())
	})
	if err != nil {
		return err
	}
	l.indexMu.Lock()
	s.index = index{}
	l.indexMu.Unlock()
	if whole {
		l.count.expired.Add(1)
		l.mu.Lock()
		maps.DeleteFunc(l.letters, func(_ uint64, at position) bool { return at.slot == s.number })
		l.mu.Unlock()
	}
	return nil
}

func deleteBucket(tx *bolt.Tx, bucket []byte) error {
	if err := tx.DeleteBucket(bucket); !errors.Is(err, berrors.ErrBucketNotFound) {
		return err
	}
	return nil
}

// measure updates the size of the file in the statistics.
func (l *Ledger) measure() {
	l.space.measure(l.db)
	l.count.fileSize.Store(l.space.size)
	l.count.fileUsed.Store(l.space.used - l.space.free)
}
