package ledger

import (
	"math"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
)

// room keeps the file ahead of what is written into it. Writing where zeros were written before is several times cheaper than
// writing where the file must grow, and a disk that is full is met here, between transactions, where it harms nothing. Owned by
// the committer.
type room struct {
	file      *os.File
	size      int64 // of the file
	used      int64 // up to bbolt's high-water mark
	free      int64 // beneath the mark
	max, step int64
	now       func() time.Time
	refused   time.Time // when the disk had no more
}

const pageSize = 4096

var zeros [1 << 20]byte

func openRoom(o Options) (room, error) {
	file, err := os.OpenFile(o.Path, os.O_RDWR, 0)
	if err != nil {
		return room{}, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return room{}, err
	}
	return room{file: file, size: info.Size(), max: o.MaxSize, step: o.Step, now: o.Now}, nil
}

// look takes note of how much of the file is in use.
func (r *room) look(db *bolt.DB) {
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

// grow makes place for need bytes of rows and a part of a step more, if the disk and the cap allow. The cap is for what can be
// refused: what follows from it may go beyond.
func (r *room) grow(need int) {
	least := r.used + 2*int64(need)
	want := least + r.step/8
	if want <= r.size || r.size >= r.max && least <= r.size {
		return
	}
	r.extend(least, want+r.step/8)
}

// idle makes a part of a step's place while nobody waits, until a whole step lies ahead. It reports whether there is more to make.
func (r *room) idle() bool {
	if !r.refused.IsZero() || r.size >= r.max || r.size-r.used >= r.step {
		return false
	}
	r.extend(r.size, r.size+r.step/16)
	return true
}

func (r *room) extend(least, want int64) {
	if away := r.now().Sub(r.refused); !r.refused.IsZero() && away >= 0 && away < time.Second {
		return
	}
	to := (want + pageSize - 1) / pageSize * pageSize
	if to > r.max {
		to = max(r.max, least)
	}
	r.refused = time.Time{}
	if r.zero(to) != nil {
		r.refused = r.now()
		_ = r.file.Truncate(r.size) // the rest of the machine may need what little there is
	}
}

func (r *room) zero(to int64) error {
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

// left is how many bytes of rows may be added: by what can be refused, and by what is owed, which follows from what was acknowledged
// and lets work be finished and slots be dropped. promised bytes are kept for that. Rows may need up to twice their size in pages.
func (r *room) left(promised int) (fresh, owed int) {
	reserve := min(r.step, r.max) / 16
	fresh = int((r.max-r.used+r.free)/2-reserve) - promised
	if r.refused.IsZero() {
		return fresh, math.MaxInt
	}
	disk := int((r.size-r.used+r.free)/2 - reserve)
	return min(fresh, disk-promised), disk + int(reserve/2)
}
