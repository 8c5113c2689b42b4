package ledger

import (
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"os"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/tenterhook/tenterhook/engine/durable"
)

// Repaired is the result of Repair.
type Repaired struct {
	Kept     string `json:"kept,omitempty"` // path of the old file; "" if there was none
	Rows     int    `json:"rows"`           // saved
	Lost     int    `json:"lost"`           // missing rows: work lost, or repeated under the same key
	IDs      int    `json:"ids"`            // saved
	LostIDs  int    `json:"lostIds"`
	Dead     int    `json:"dead"`              // saved dead letters
	LostDead int    `json:"lostDead"`          // missing dead letters
	Open     int    `json:"open"`              // entries
	Healthy  bool   `json:"healthy"`           // nothing was changed
	Commits  uint64 `json:"commits,omitempty"` // lost commits, by the identity file
	Blind    bool   `json:"blind,omitempty"`   // the state row is lost: more may be missing
}

// Whole reports whether the repair found no loss. It sees only losses that the file shows.
func (r Repaired) Whole() bool { return r.Lost+r.LostIDs+r.LostDead == 0 && r.Commits == 0 && !r.Blind }

// Repair builds a new ledger at path from every valid row of the old one, and keeps the old file
// beside it. The new ledger has a new identity, so Repair also accepts a file from a backup. A
// healthy ledger is not changed. The ledger must not be open in any process.
func Repair(path string, now time.Time) (Repaired, error) {
	if found, err := check(path); err == nil && found.Identity != "" {
		return Repaired{
			Healthy: true, Rows: int(found.Rows), IDs: int(found.IDs), Dead: int(found.Dead), Open: found.Open,
		}, nil
	}
	r, err := repair(path, now)
	if err != nil {
		return r, fmt.Errorf("repair ledger %s: %w", path, err)
	}
	return r, nil
}

func repair(path string, now time.Time) (r Repaired, err error) {
	id, err := lockIdentity(path)
	if err != nil {
		return r, err
	}
	defer id.close()
	_, _ = id.read() // it may be the damaged one
	made := id.sequence
	id.newUUID()
	old, err := os.Open(path)
	if err == nil {
		defer old.Close()
	}
	info, err2 := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err2 == nil && info.Size() == 0 {
		r.Commits = made
		return r, id.write(stateMaking, 0)
	}
	if err := errors.Join(err, err2); err != nil {
		return r, err
	}
	s := newSalvage(old, info.Size())
	s.scanPages()
	s.rebuildSlots()
	s.keepLiveLetters(info.Size())
	fresh := path + ".repair"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return r, err
	}
	seen := s.state.sequence
	if r.Blind = seen == 0; made > seen && !(r.Blind && len(s.found) > 0) {
		r.Commits = made - seen
	}
	b := &rebuild{salvage: s, report: &r, now: now}
	if err := b.write(fresh, id.uuid); err != nil {
		return r, err
	}
	r.Kept = path + ".damaged-" + now.UTC().Format("20060102T150405")
	if err := os.Link(path, r.Kept); err != nil {
		return r, err
	}
	if err := errors.Join(os.Rename(fresh, path), durable.SyncDir(path)); err != nil {
		return r, err
	}
	return r, id.write(stateOpen, s.state.sequence)
}

// rebuild writes the salvaged rows into a new file.
type rebuild struct {
	*salvage
	report *Repaired
	now    time.Time
	db     *bolt.DB
	tx     *bolt.Tx
	bytes  int
	events map[ID]bool // of the current slot, without an id so far
}

func (b *rebuild) write(path, uuid string) (err error) {
	b.db, err = bolt.Open(path, 0o600, &bolt.Options{PageSize: pageSize, NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.db.Close()) }()
	if b.tx, err = b.db.Begin(true); err != nil {
		return err
	}
	defer func() { b.tx.Rollback() }()
	b.state.epoch = b.epoch + 1
	b.state.sequence++
	for _, s := range b.state.slots {
		if err := errors.Join(b.copyRows(s), b.copyIDs(s)); err != nil {
			return err
		}
		b.report.Open += int(s.open)
	}
	if err := b.copyLetters(); err != nil {
		return err
	}
	if err := putMeta(b.tx, uuid, b.state); err != nil {
		return err
	}
	return b.tx.Commit()
}

// copyRows copies the rows of a slot, and counts its open items.
func (b *rebuild) copyRows(s *slot) error {
	scratch := &Ledger{}
	scratch.backlog.init()
	s.items, s.open = make(map[uint32]*item), 0
	b.events = make(map[ID]bool)
	for n := uint32(1); n <= s.rows; n++ {
		row, body, ok := b.readRow(rowKey{class: 'h', position: position{slot: s.number, row: n}})
		if ok && scratch.replay(s, n, kind(row[4]), body, b.now) != nil {
			ok = false
		}
		if !ok {
			row = newRow(kindLost, 0)
			seal(row, key32(n), s.number, b.state.epoch)
			_ = scratch.replay(s, n, kindLost, nil, b.now)
			b.report.Lost++
		} else {
			b.report.Rows++
		}
		if e, err := readEvent(body); ok && kind(row[4]) == kindEvent && err == nil {
			b.events[e.id] = true
		}
		if err := b.put(s.rowsName(), key32(n), row); err != nil {
			return err
		}
	}
	s.discardLost()
	s.open = uint32(len(s.items))
	s.items = nil
	return nil
}

// copyIDs copies the ids of a slot. Missing ids are replaced by those of the slot's events, and by
// zeros, which match no id.
func (b *rebuild) copyIDs(s *slot) error {
	var rows [][]byte
	written, n, lost := s.ids, uint32(0), 0
	for n < written {
		row, body, ok := b.readRow(rowKey{class: 'i', position: position{slot: s.number, row: n + 1}})
		ids, count, err := readIDs(body)
		if !ok || err != nil {
			row, count = nil, b.missingIDs(s, n+1, written)
			ids = make([]byte, count*len(ID{}))
			row = append(newRow(kindIDs, len(ids)), ids...)
			lost += count
		}
		for i := 0; i < len(ids); i += len(ID{}) {
			delete(b.events, ID(ids[i:i+len(ID{})]))
		}
		rows = append(rows, row)
		n += uint32(count)
	}
	b.report.IDs += int(n) - lost
	b.report.LostIDs += lost
	missing := slices.Collect(maps.Keys(b.events))
	s.ids = 0
	for _, row := range rows {
		missing = fillZeros(row[headerSize:], missing)
		key := key32(s.ids + 1)
		seal(row, key, s.number, b.state.epoch)
		if err := b.put(s.idsName(), key, row); err != nil {
			return err
		}
		s.ids += uint32((len(row) - headerSize) / len(ID{}))
	}
	return nil
}

// fillZeros replaces zeros by ids, and returns the ids that are left.
func fillZeros(body []byte, ids []ID) []ID {
	for i := 0; i < len(body) && len(ids) > 0; i += len(ID{}) {
		if at := body[i : i+len(ID{})]; ID(at) == (ID{}) {
			copy(at, ids[0][:])
			ids = ids[1:]
		}
	}
	return ids
}

// missingIDs returns the number of missing ids, beginning at one number.
func (b *rebuild) missingIDs(s *slot, from, last uint32) int {
	for n := from + 1; n <= last; n++ {
		if _, ok := b.found[rowKey{class: 'i', position: position{slot: s.number, row: n}}]; ok {
			return int(n - from)
		}
	}
	return int(last - from + 1)
}

func (b *rebuild) copyLetters() error {
	b.report.LostDead = max(0, int(b.state.dead)-len(b.dead))
	b.state.dead, b.state.deadBytes = 0, 0
	for n, row := range b.dead {
		b.state.nextDead = max(b.state.nextDead, n)
		b.state.dead++
		b.state.deadBytes += uint64(len(row))
		b.report.Dead++
		if err := b.put(bucketDead, key64(n), row); err != nil {
			return err
		}
	}
	return nil
}

// put adds a row. It commits at intervals, so a large file needs little memory.
func (b *rebuild) put(bucket, key, row []byte) error {
	if b.bytes += len(row); b.bytes > 4*maxRow {
		if err := b.tx.Commit(); err != nil {
			return err
		}
		var err error
		if b.tx, err = b.db.Begin(true); err != nil {
			return err
		}
		b.bytes = len(row)
	}
	target, err := b.tx.CreateBucketIfNotExists(bucket)
	if err != nil {
		return err
	}
	if bucket[0] != bucketDead[0] {
		target.FillPercent = 1
	}
	return target.Put(key, row)
}

// Report is the result of Check.
type Report struct {
	Identity  string `json:"identity"`
	Sequence  uint64 `json:"sequence"` // of the last commit
	Clean     bool   `json:"clean"`    // closed, not killed
	Size      int64  `json:"size"`
	Slots     int    `json:"slots"`
	Open      int    `json:"open"` // entries
	Rows      uint64 `json:"rows"`
	IDs       uint64 `json:"ids"`
	Dead      uint64 `json:"dead"`
	DeadBytes uint64 `json:"deadBytes"`
}

// Check reads a whole ledger that is not open in any process, and changes nothing. If the file is
// not exactly as it was acknowledged, the error lists every problem: ErrDamaged, ErrMissing,
// ErrSwapped or ErrRolledBack.
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
