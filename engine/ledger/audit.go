package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/tenterhook/tenterhook/engine/ledger/pages"
)

// audit verifies a whole file: every page is in its place, every row has its checksum, and no row
// is missing. It detects a flipped bit, a lost page and a truncation.
type audit struct {
	tree    *pages.Tree
	buckets map[string][]byte
	uuid    string
	state   state

	rows, ids, dead uint64
	deadBytes       uint64
	problems        []error
	readError       error // of a failed read: the content is unknown

	// Callbacks for the rows; nil skips them.
	row    func(s *slot, n uint32, k kind, body []byte) error
	idsRow func(s *slot, first uint32, body []byte)
}

const maxProblems = 100

// run returns all problems, each wrapping ErrDamaged, or nil; or the error of a failed read.
func (a *audit) run(file io.ReaderAt, size int64) error {
	if err := a.openMeta(file, size); err != nil {
		return err
	}
	if bucket, ok := a.takeBucket(bucketDead); ok {
		a.addProblem(a.tree.Bucket(bucket, a.checkLetter))
	}
	if a.dead != a.state.dead || a.deadBytes != a.state.deadBytes {
		a.addProblem(pages.Damagef("%d dead letters, where %d were written", a.dead, a.state.dead))
	}
	for _, s := range a.state.slots {
		a.addProblem(a.checkRows(s))
		a.addProblem(a.checkIDs(s))
	}
	for name := range a.buckets {
		a.addProblem(pages.Damagef("bucket %q belongs to nothing", name))
	}
	if a.readError != nil {
		return a.readError
	}
	return errors.Join(a.problems...)
}

// openMeta reads the identity and the state only.
func (a *audit) openMeta(file io.ReaderAt, size int64) error {
	var err error
	if a.tree, err = pages.Open(file, size); err != nil {
		return err
	}
	if err := a.findBuckets(); err != nil {
		return err
	}
	return a.readMeta()
}

func (a *audit) addProblem(err error) {
	if err != nil && !errors.Is(err, ErrDamaged) {
		a.readError = err
	}
	if err != nil && len(a.problems) < maxProblems {
		a.problems = append(a.problems, err)
	}
}

func (a *audit) findBuckets() error {
	a.buckets = make(map[string][]byte)
	return a.tree.Root(func(e pages.Element) error {
		if !e.IsBucket {
			return pages.Damagef("%q is not a bucket", e.Key)
		}
		a.buckets[string(e.Key)] = bytes.Clone(e.Value)
		return nil
	})
}

func (a *audit) takeBucket(name []byte) ([]byte, bool) {
	value, ok := a.buckets[string(name)]
	delete(a.buckets, string(name))
	return value, ok
}

func (a *audit) readMeta() error {
	bucket, ok := a.takeBucket(bucketMeta)
	if !ok {
		return pages.Damagef("the table of slots is missing")
	}
	found := 0
	err := a.tree.Bucket(bucket, func(e pages.Element) error {
		h, body, err := openRow(e.Key, e.Value)
		if err != nil || e.IsBucket {
			return pages.Damagef("row %q: %v", e.Key, err)
		}
		switch {
		case bytes.Equal(e.Key, keyState) && h.kind == kindState:
			a.state, err = readState(body)
		case bytes.Equal(e.Key, keyIdentity) && h.kind == kindIdentity && len(body) == 16:
			a.uuid = fmt.Sprintf("%x", body)
		default:
			err = errShape
		}
		found++
		if err != nil {
			return pages.Damagef("row %q: %v", e.Key, err)
		}
		return nil
	})
	if err == nil && found != 2 {
		err = pages.Damagef("the table of slots is missing")
	}
	return err
}

func (a *audit) checkLetter(e pages.Element) error {
	h, body, err := openRow(e.Key, e.Value)
	if err == nil && (len(e.Key) != 8 || e.IsBucket || h.kind != kindDead) {
		err = errShape
	}
	if err == nil {
		_, err = readDead(body)
	}
	if err != nil {
		return pages.Damagef("dead letter %x: %v", e.Key, err)
	}
	a.dead++
	a.deadBytes += uint64(len(e.Value))
	return nil
}

// checkNumbered checks the row behind row n of a slot's bucket.
func (a *audit) checkNumbered(s *slot, e pages.Element, n uint32) (kind, []byte, error) {
	h, body, err := openRow(e.Key, e.Value)
	switch {
	case err != nil:
		return 0, nil, pages.Damagef("row %d of slot %d: %v", n+1, s.number, err)
	case e.IsBucket || len(e.Key) != 4 || h.slot != s.number:
		return 0, nil, pages.Damagef("row %d of slot %d is another's", n+1, s.number)
	case binary.BigEndian.Uint32(e.Key) != n+1:
		return 0, nil, pages.Damagef("row %d of slot %d is missing", n+1, s.number)
	}
	return h.kind, body, nil
}

func (a *audit) checkRows(s *slot) error {
	n := uint32(0)
	if bucket, ok := a.takeBucket(s.rowsName()); ok {
		err := a.tree.Bucket(bucket, func(e pages.Element) error {
			k, body, err := a.checkNumbered(s, e, n)
			if err != nil {
				return err
			}
			n++
			a.rows++
			if a.row == nil {
				return nil
			}
			if err := a.row(s, n, k, body); err != nil {
				return pages.Damagef("row %d of slot %d: %v", n, s.number, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if n != s.rows {
		return pages.Damagef("slot %d has %d rows, where %d were written", s.number, n, s.rows)
	}
	return nil
}

func (a *audit) checkIDs(s *slot) error {
	n := uint32(0)
	if bucket, ok := a.takeBucket(s.idsName()); ok {
		err := a.tree.Bucket(bucket, func(e pages.Element) error {
			k, body, err := a.checkNumbered(s, e, n)
			if err != nil {
				return err
			}
			body, count, err := readIDs(body)
			if err != nil || k != kindIDs {
				return pages.Damagef("ids %d of slot %d: %v", n+1, s.number, errShape)
			}
			if a.idsRow != nil {
				a.idsRow(s, n+1, body)
			}
			n += uint32(count)
			a.ids += uint64(count)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if n != s.ids {
		return pages.Damagef("slot %d has %d ids, where %d were written", s.number, n, s.ids)
	}
	return nil
}
