package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// audit reads a whole file: that every page is where it belongs, that every row is what was written, and that none is missing. It
// finds what a single flipped bit, a lost page or a truncation does to it.
type audit struct {
	tree    *tree
	buckets map[string][]byte
	uuid    string
	state   state

	rows, ids, dead uint64
	deadBytes       uint64
	problems        []error
	readError       error // why a part of the file could not be read, which says nothing of what is in it

	// What is done with what is found; each may be nil.
	row    func(s *slot, n uint32, k kind, body []byte) error
	idsRow func(s *slot, first uint32, body []byte)
}

const maxProblems = 100

// run returns everything that is wrong, each wrapping ErrDamaged, or nil; or why the file could not be read.
func (a *audit) run(file io.ReaderAt, size int64) error {
	if err := a.openMeta(file, size); err != nil {
		return err
	}
	if bucket, ok := a.takeBucket(bucketDead); ok {
		a.addProblem(a.tree.bucket(bucket, a.checkLetter))
	}
	if a.dead != a.state.dead || a.deadBytes != a.state.deadBytes {
		a.addProblem(damaged("%d dead letters, where %d were written", a.dead, a.state.dead))
	}
	for _, s := range a.state.slots {
		a.addProblem(a.checkRows(s))
		a.addProblem(a.checkIDs(s))
	}
	for name := range a.buckets {
		a.addProblem(damaged("bucket %q belongs to nothing", name))
	}
	if a.readError != nil {
		return a.readError
	}
	return errors.Join(a.problems...)
}

// openMeta reads the identity and the state, and no row.
func (a *audit) openMeta(file io.ReaderAt, size int64) error {
	var err error
	if a.tree, err = openTree(file, size); err != nil {
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
	return a.tree.walk(a.tree.root, nil, nil, 0, func(e element) error {
		if e.flags != flagBucket {
			return damaged("%q is not a bucket", e.key)
		}
		a.buckets[string(e.key)] = bytes.Clone(e.value)
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
		return damaged("the table of slots is missing")
	}
	found := 0
	err := a.tree.bucket(bucket, func(e element) error {
		h, body, err := openRow(e.key, e.value)
		if err != nil || e.flags != 0 {
			return damaged("row %q: %v", e.key, err)
		}
		switch {
		case bytes.Equal(e.key, keyState) && h.kind == kindState:
			a.state, err = readState(body)
		case bytes.Equal(e.key, keyIdentity) && h.kind == kindIdentity && len(body) == 16:
			a.uuid = fmt.Sprintf("%x", body)
		default:
			err = errShape
		}
		found++
		if err != nil {
			return damaged("row %q: %v", e.key, err)
		}
		return nil
	})
	if err == nil && found != 2 {
		err = damaged("the table of slots is missing")
	}
	return err
}

func (a *audit) checkLetter(e element) error {
	h, body, err := openRow(e.key, e.value)
	if err == nil && (len(e.key) != 8 || e.flags != 0 || h.kind != kindDead) {
		err = errShape
	}
	if err == nil {
		_, err = readDead(body)
	}
	if err != nil {
		return damaged("dead letter %x: %v", e.key, err)
	}
	a.dead++
	a.deadBytes += uint64(len(e.value))
	return nil
}

// checkNumbered checks a row of a slot's bucket: n is where the row before ended.
func (a *audit) checkNumbered(s *slot, e element, n uint32) (kind, []byte, error) {
	h, body, err := openRow(e.key, e.value)
	switch {
	case err != nil:
		return 0, nil, damaged("row %d of slot %d: %v", n+1, s.number, err)
	case e.flags != 0 || len(e.key) != 4 || h.slot != s.number:
		return 0, nil, damaged("row %d of slot %d is another's", n+1, s.number)
	case binary.BigEndian.Uint32(e.key) != n+1:
		return 0, nil, damaged("row %d of slot %d is missing", n+1, s.number)
	}
	return h.kind, body, nil
}

func (a *audit) checkRows(s *slot) error {
	n := uint32(0)
	if bucket, ok := a.takeBucket(s.rowsName()); ok {
		err := a.tree.bucket(bucket, func(e element) error {
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
				return damaged("row %d of slot %d: %v", n, s.number, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if n != s.rows {
		return damaged("slot %d has %d rows, where %d were written", s.number, n, s.rows)
	}
	return nil
}

func (a *audit) checkIDs(s *slot) error {
	n := uint32(0)
	if bucket, ok := a.takeBucket(s.idsName()); ok {
		err := a.tree.bucket(bucket, func(e element) error {
			k, body, err := a.checkNumbered(s, e, n)
			if err != nil {
				return err
			}
			body, count, err := readIDs(body)
			if err != nil || k != kindIDs {
				return damaged("ids %d of slot %d: %v", n+1, s.number, errShape)
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
		return damaged("slot %d has %d ids, where %d were written", s.number, n, s.ids)
	}
	return nil
}
