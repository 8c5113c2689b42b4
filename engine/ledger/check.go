package ledger

import (
	"fmt"
	"hash/maphash"
	"os"
	"time"
)

// Report is what a check found.
type Report struct {
	Identity  string `json:"identity"`
	Sequence  uint64 `json:"sequence"` // of the last commit
	Clean     bool   `json:"clean"`    // it was closed, not killed
	Size      int64  `json:"size"`
	Slots     int    `json:"slots"`
	Open      int    `json:"open"` // events with something left to do
	Rows      uint64 `json:"rows"`
	IDs       uint64 `json:"ids"`
	Dead      uint64 `json:"dead"`
	DeadBytes uint64 `json:"deadBytes"`
}

// Check reads a whole ledger that no process has open, and changes nothing. The error, when the file is not exactly what was
// acknowledged, is every problem found: one of ErrDamaged, ErrMissing, ErrSwapped or ErrRolledBack.
func Check(path string) (Report, error) {
	r, err := check(path)
	if err != nil {
		return r, fmt.Errorf("check ledger %s: %w", path, err)
	}
	return r, nil
}

func check(path string) (r Report, err error) {
	if _, err := os.Stat(path + ".id"); err != nil {
		return r, err
	}
	id, err := lockIdentity(path)
	if err != nil {
		return r, err
	}
	defer id.close()
	fresh, err := id.isNew(path)
	if err != nil || fresh {
		return r, err
	}
	l := &Ledger{opt: Options{Path: path}, now: time.Now, id: id, seed: maphash.MakeSeed(), letters: make(map[uint64]position)}
	l.backlog.init()
	a, err := l.readFile()
	if err != nil {
		return r, err
	}
	r = Report{
		Identity: a.uuid, Sequence: a.state.sequence, Clean: id.state == stateClosed, Size: int64(a.tree.Used()) * pageSize,
		Slots: len(a.state.slots), Open: l.backlog.open, Rows: a.rows, IDs: a.ids, Dead: a.dead, DeadBytes: a.state.deadBytes,
	}
	return r, id.verify(a)
}
