package ledger

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

// preallocator keeps the file ahead of what is written into it. Writing where zeros were written before is several times cheaper than
// writing where the file must grow, and a disk that is full is met here, between transactions, where it harms nothing. Owned by
// the committer.
type preallocator struct {
	file      *os.File
	size      int64 // of the file
	used      int64 // up to bbolt's high-water mark
	free      int64 // beneath the mark
	max, step int64
	now       func() time.Time
	refusedAt time.Time // when the disk had no more
}

const pageSize = 4096

var zeros [1 << 20]byte

func openPreallocator(o Options) (preallocator, error) {
	file, err := os.OpenFile(o.Path, os.O_RDWR, 0)
	if err != nil {
		return preallocator{}, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return preallocator{}, err
	}
	return preallocator{file: file, size: info.Size(), max: o.MaxSize, step: o.Step, now: o.Now}, nil
}

// allocateTail makes sure that what lies beyond bbolt's mark is on the disk and no mere length: a write into a hole meets a full disk in
// the middle of a commit. What cannot be allocated is cut off.
func (r *preallocator) allocateTail() {
	if !isSparse(r.file) || r.size <= r.used {
		return
	}
	to := r.size
	r.size = r.used
	_ = r.growStepwise(to)
	_ = r.file.Truncate(r.size)
}

// growStepwise makes the file that long bit by bit, and keeps what it could get: work that is recorded needs room to be finished.
func (r *preallocator) growStepwise(to int64) error {
	r.refusedAt = time.Time{}
	for had := int64(-1); r.size < to && r.size > had; { // the cap may end it
		had = r.size
		if err := r.extend(r.size, min(to, r.size+max(r.step/16, pageSize))); err != nil {
			return err
		}
	}
	return nil
}

// reserveMinimum makes the least that a ledger can work in, and says what is wanted, and where, when the disk has not got it.
func (r *preallocator) reserveMinimum() error {
	least := min(r.step, r.max) / 4
	if r.size-r.used+r.free >= least {
		return nil
	}
	err := r.growStepwise(r.used + least - r.free)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("%w: it wants %d KB free in %s: %w", ErrSpace, (least+1023)>>10, filepath.Dir(r.file.Name()), err)
	}
	return err
}

// isScarce reports whether the disk refuses, and what is left is so little that even dropping what is over may not go in.
func (r *preallocator) isScarce() bool {
	return !r.refusedAt.IsZero() && r.size-r.used+r.free < 64*pageSize
}

// measure takes note of how much of the file is in use.
func (r *preallocator) measure(db *bolt.DB) {
	_ = db.View(func(tx *bolt.Tx) error {
		r.used = tx.Size()
		return nil
	})
	r.free = int64(db.Stats().FreePageN) * pageSize
	if r.used > r.size { // bbolt had to grow it by itself
		if info, err := r.file.Stat(); err == nil {
			r.size = info.Size()
		}
	}
}

// ensure makes place for need bytes of rows and a part of a step more, if the disk and the cap allow. The cap is for what can be
// refused: what follows from it may go beyond.
func (r *preallocator) ensure(need int) {
	least := r.used + 2*int64(need)
	want := least + r.step/8
	if want <= r.size || r.size >= r.max && least <= r.size {
		return
	}
	_ = r.extend(least, want+r.step/8)
}

// growAhead makes a part of a step's place while nobody waits, until a whole step lies ahead. It reports whether there is more to make.
func (r *preallocator) growAhead() bool {
	if !r.refusedAt.IsZero() || r.size >= r.max || r.size-r.used >= r.step {
		return false
	}
	_ = r.extend(r.size, r.size+r.step/16)
	return true
}

// extend makes the file that long, within the cap; it returns why the disk refuses. It asks a disk that did so once a second.
func (r *preallocator) extend(least, want int64) error {
	if away := r.now().Sub(r.refusedAt); !r.refusedAt.IsZero() && away >= 0 && away < time.Second {
		return nil
	}
	to := (want + pageSize - 1) / pageSize * pageSize
	if to > r.max {
		to = max(r.max, least)
	}
	r.refusedAt = time.Time{}
	err := r.writeZeros(to)
	if err != nil {
		r.refusedAt = r.now()
		_ = r.file.Truncate(r.size) // the rest of the machine may need what little there is
	}
	return err
}

func (r *preallocator) writeZeros(to int64) error {
	for at := r.size; at < to; {
		n := min(int64(len(zeros)), to-at)
		if _, err := r.file.WriteAt(zeros[:n], at); err != nil {
			return err
		}
		at += n
	}
	if err := r.file.Sync(); err != nil {
		return err
	}
	r.size = to
	return nil
}

// available is how many bytes of rows may be added: by what can be refused, and by what is owed, which follows from what was acknowledged
// and lets work be finished and slots be dropped. promised bytes are kept for that. Rows may need up to twice their size in pages.
func (r *preallocator) available(promised int) (fresh, owed int) {
	reserve := min(r.step, r.max) / 16
	fresh = int((r.max-r.used+r.free)/2-reserve) - promised
	if r.refusedAt.IsZero() {
		return fresh, math.MaxInt
	}
	disk := int((r.size-r.used+r.free)/2 - reserve)
	return min(fresh, disk-promised), disk + int(reserve/2)
}
