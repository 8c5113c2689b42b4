package ledger

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/tenterhook/tenterhook/engine/ledger/pages"
)

// preallocator keeps the file longer than its content. A write over zeros is several times cheaper
// than a write that makes the file longer, and a full disk is met here, between transactions, where
// it does no harm: bbolt is never allowed more pages than the file has. Owned by the committer.
type preallocator struct {
	file      *os.File
	size      int64 // of the file
	used      int64 // up to bbolt's high-water mark
	free      int64 // below the mark, in fragments
	max, step int64
	now       func() time.Time
	refusedAt time.Time // when the disk had no more space; zero after it had
	blocked   [classes]blocked
}

// blocked is the last commit that did not fit: requests of its size are not tried for a second,
// because bbolt searches the whole file for free pages after each.
type blocked struct {
	bytes int
	at    time.Time
}

const pageSize = pages.Size

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

// allocateTail fills the holes beyond bbolt's mark: a write into a hole meets a full disk within a
// commit. It cuts off the part for which the disk has no space.
func (r *preallocator) allocateTail() {
	if !isSparse(r.file) || r.size <= r.used {
		return
	}
	to := r.size
	r.size = r.used
	_ = r.growStepwise(to)
	_ = r.file.Truncate(r.size)
}

// growStepwise makes the file that long, and keeps the part that it got on a full disk: recorded
// work needs space to be finished.
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

// reserveMinimum makes the least that a ledger can work in. Its error says how much is missing on a
// full disk, and where.
func (r *preallocator) reserveMinimum() error {
	least := min(r.step, r.max) / 4
	if r.size-r.used+r.free >= least {
		return nil
	}
	err := r.growStepwise(r.used + least - r.free)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("%w: it needs %d KB free in %s: %w", ErrSpace, (least+1023)>>10, filepath.Dir(r.file.Name()), err)
	}
	return err
}

// isScarce reports whether the disk is full, and so little is left that even the deletion of a slot
// may not fit.
func (r *preallocator) isScarce() bool {
	return !r.refusedAt.IsZero() && r.size-r.used+r.free < 64*pageSize
}

// measure reads how much of the file is in use.
func (r *preallocator) measure(db *bolt.DB) {
	_ = db.View(func(tx *bolt.Tx) error {
		r.used = tx.Size()
		return nil
	})
	r.free = int64(db.Stats().FreePageN) * pageSize
	if r.used > r.size { // by a system on which bbolt may make it longer
		if info, err := r.file.Stat(); err == nil {
			r.size = info.Size()
		}
	}
}

// ensure makes space for need bytes of rows and a part of a step more, if the disk and the cap
// allow. The cap is for new work: the consequences of recorded work may go beyond.
func (r *preallocator) ensure(need int) {
	least := r.used + 2*int64(need)
	want := least + r.step/8
	if want <= r.size || r.size >= r.max && least <= r.size {
		return
	}
	_ = r.extend(least, want+r.step/8)
}

// growAfterFailure makes the file longer after a commit of so many bytes found no free pages in it,
// by more with each attempt: the estimate knows neither fragments nor rows that are written anew
// beside the new ones. It reports whether another attempt is worth it.
func (r *preallocator) growAfterFailure(bytes, attempt int, class class) bool {
	const attempts = 6
	before := r.size
	more := max(r.step/16, 2*int64(bytes), 16*pageSize) << attempt
	if attempt >= attempts || class == classNew && r.size >= r.max {
		return false
	}
	least := r.size
	if class != classNew {
		least += more
	}
	_ = r.extend(least, r.size+more)
	return r.size > before
}

// growAhead makes a part of a step's space between calls, until a whole step lies ahead. It reports
// whether there is more to make.
func (r *preallocator) growAhead() bool {
	if !r.refusedAt.IsZero() || r.size >= r.max || r.size-r.used >= r.step {
		return false
	}
	_ = r.extend(r.size, r.size+r.step/16)
	return true
}

// extend grows the file to want bytes, limited by max, or to least bytes if want does not fit. It
// returns the error of the first attempt, even if the second succeeds. For one second after an
// error it does nothing and returns nil: compare r.size to see whether the file grew.
func (r *preallocator) extend(least, want int64) error {
	if away := r.now().Sub(r.refusedAt); !r.refusedAt.IsZero() && away >= 0 && away < time.Second {
		return nil
	}
	if want > r.max {
		want = max(r.max, least)
	}
	r.refusedAt = time.Time{}
	err := r.writeZeros(want)
	if err == nil {
		return nil
	}
	_ = r.file.Truncate(r.size) // release the partly written space for other programs
	if least > r.size && least < want && r.writeZeros(least) != nil {
		_ = r.file.Truncate(r.size)
	}
	r.refusedAt = r.now()
	return err
}

func (r *preallocator) writeZeros(to int64) error {
	to = (to + pageSize - 1) / pageSize * pageSize
	for at := r.size; at < to; {
		n := min(int64(len(zeros)), to-at)
		if _, err := r.file.WriteAt(zeros[:n], at); err != nil {
			return err
		}
		at += n
	}
	if to <= r.size {
		return nil
	}
	if err := r.file.Sync(); err != nil {
		return err
	}
	r.size = to
	return nil
}

// reserve is the end of the file that new work may not use: contiguous pages, of which half is kept
// for outcomes and deletions.
func (r *preallocator) reserve() int64 { return max(min(r.step, r.max)/16, 32*pageSize) }

// limitFile has bbolt refuse a commit, before it writes anything, that would need more of the file
// than requests of that class may use. Free fragments may be used by all; bbolt knows which of them
// are long enough.
func (r *preallocator) limitFile(db *bolt.DB, class class, owed int) {
	if runtime.GOOS == "windows" { // there bbolt counts the map, which is longer than the file
		return
	}
	limit := r.size
	switch class {
	case classNew:
		limit -= r.reserve() + 2*int64(owed)
	case classPlan:
		limit -= r.reserve() / 2
	}
	db.MaxSize = int(max(limit, r.used)) + db.AllocSize // which bbolt adds to what it needs
}

// available estimates, for each class, how many bytes of rows may be added. Rows may need twice
// their size in pages. owed bytes are kept for the work that follows from recorded work.
func (r *preallocator) available(owed int) (limits [classes]int) {
	reserve := int(r.reserve())
	limits[classNew] = int(r.max-r.used+r.free)/2 - reserve/2 - owed
	limits[classPlan], limits[classMark] = math.MaxInt, math.MaxInt
	if !r.refusedAt.IsZero() {
		disk := int(r.size-r.used+r.free) / 2
		limits[classNew] = min(limits[classNew], disk-reserve/2-owed)
		limits[classPlan], limits[classMark] = disk-reserve/4, disk
	}
	for class, b := range r.blocked {
		if away := r.now().Sub(b.at); b.bytes > 0 && away >= 0 && away < time.Second {
			limits[class] = min(limits[class], b.bytes)
		}
	}
	return limits
}

// block refuses commits of a class that are half as long, for a second.
func (r *preallocator) block(class class, bytes int) {
	if bytes > 1 {
		r.blocked[class] = blocked{bytes: bytes / 2, at: r.now()}
	}
}
