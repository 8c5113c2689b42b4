package ledger

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/tenterhook/tenterhook/engine/durable"
	"github.com/tenterhook/tenterhook/engine/ledger/pages"
)

// create creates an empty ledger. Until the identity is marked open it may be created again from
// nothing.
func (l *Ledger) create() error {
	l.id.newUUID()
	if err := errors.Join(l.id.write(stateMaking, 0), durable.SyncDir(l.opt.Path)); err != nil {
		return err
	}
	if err := os.Remove(l.opt.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l.hourFrom = l.now()
	if err := cmp.Or(l.openFile(), l.lowSpace); err != nil {
		_ = os.Remove(l.opt.Path) // other programs may need the space
		return err
	}
	err := l.db.Update(func(tx *bolt.Tx) error { return putMeta(tx, l.id.uuid, l.state()) })
	if err != nil {
		return err
	}
	return durable.SyncDir(l.opt.Path)
}

// putMeta writes the fixed buckets and rows of an empty file.
func putMeta(tx *bolt.Tx, uuid string, s state) error {
	meta, err := tx.CreateBucketIfNotExists(bucketMeta)
	if err != nil {
		return err
	}
	if _, err := tx.CreateBucketIfNotExists(bucketDead); err != nil {
		return err
	}
	raw, err := hex.DecodeString(uuid)
	if err != nil {
		return err
	}
	row := append(newRow(kindIdentity, len(raw)), raw...)
	seal(row, keyIdentity, 0, s.epoch)
	if err := meta.Put(keyIdentity, row); err != nil {
		return err
	}
	row = s.row()
	seal(row, keyState, 0, s.epoch)
	return meta.Put(keyState, row)
}

func (l *Ledger) openFile() error {
	if err := l.openBolt(); err != nil {
		return err
	}
	if l.lowSpace = l.space.reserveMinimum(); l.lowSpace == nil {
		l.space.ensure(int(l.opt.Step / 4))
	}
	return nil
}

// openBolt opens the file for bbolt and for the preallocator.
func (l *Ledger) openBolt() error {
	var err error
	l.db, err = bolt.Open(l.opt.Path, 0o600, &bolt.Options{
		PageSize: pageSize, NoFreelistSync: true, FreelistType: bolt.FreelistMapType, NoSync: l.opt.noSync, OpenFile: l.opt.open,
		InitialMmapSize: int(min(l.opt.MaxSize, 1<<30)), Timeout: time.Second,
	})
	if err != nil {
		return err
	}
	if l.space, err = openPreallocator(l.opt); err != nil {
		return err
	}
	l.db.AllocSize = pageSize
	l.measure()
	l.space.allocateTail()
	return nil
}

// load audits the file, and opens it if there is no problem.
func (l *Ledger) load() error {
	a, err := l.readFile()
	if errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%w\n%s", err, adviceRepair)
	}
	if err != nil {
		return err
	}
	if err := l.id.verify(a); err != nil {
		return err
	}
	l.epoch, l.sequence, l.nextDead = a.state.epoch, a.state.sequence, a.state.nextDead
	l.hour, l.hourFrom = a.state.hour, time.Unix(0, a.state.hourFrom)
	l.count.dead.Store(int64(a.state.dead))
	l.count.deadBytes.Store(int64(a.state.deadBytes))
	return l.openFile()
}

// verify checks that a file belongs to the identity and has all its commits.
func (i *identity) verify(a *audit) error {
	switch {
	case a.uuid != i.uuid:
		return fmt.Errorf("%w: %s, where %s is expected; restore the right one, or %s", ErrSwapped, a.uuid, i.uuid, adviceRepair)
	case a.state.sequence < i.sequence:
		return fmt.Errorf("%w: commit %d, where %d is expected; restore the right one, or %s", ErrRolledBack, a.state.sequence, i.sequence, adviceRepair)
	}
	return nil
}

// readFile audits the file, and loads the slots with their ids and open items.
func (l *Ledger) readFile() (*audit, error) {
	file, err := os.OpenFile(l.opt.Path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if l.id.state != stateClosed {
		if err := file.Sync(); err != nil {
			return nil, err
		}
		dropPageCache(file)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	now := l.now()
	a := &audit{idsRow: l.indexRow}
	a.row = func(s *slot, n uint32, k kind, body []byte) error {
		if k == kindRedriven {
			c := cursor{b: body}
			l.letters[c.letter().number] = position{slot: s.number, row: n}
		}
		if s.open == 0 {
			return nil // verified, and not needed
		}
		return l.replay(s, n, k, body, now)
	}
	if err := a.run(file, info.Size()); err != nil {
		return nil, err
	}
	l.slots = a.state.slots
	for i, s := range l.slots {
		s.discardLost()
		if int(s.open) != len(s.items) {
			return nil, pages.Damagef("slot %d has %d open events, where %d are counted", s.number, len(s.items), s.open)
		}
		if i < len(l.slots)-1 {
			s.index.trim()
		}
		l.resume(s)
	}
	return a, nil
}

func (l *Ledger) indexRow(s *slot, first uint32, body []byte) {
	for i := 0; i < len(body); i += len(ID{}) {
		s.index.add(l.fingerprint(ID(body[i:i+len(ID{})])), first+uint32(i/len(ID{})))
	}
}

// beginEpoch makes a new epoch durable before the first row is written in it.
func (l *Ledger) beginEpoch() error {
	if err := l.id.write(stateOpen, l.id.sequence); err != nil {
		return err
	}
	l.epoch++
	return l.change(func(*commit) error { return nil })
}

// replay applies a row of a slot that has open items.
func (l *Ledger) replay(s *slot, n uint32, k kind, body []byte, now time.Time) error {
	b := &l.backlog
	switch k {
	case kindEvent:
		e, err := readEvent(body)
		if err != nil {
			return err
		}
		s.items[n] = &item{at: position{slot: s.number, row: n}, hook: b.intern(e.hook), id: e.id, received: e.received}
	case kindPlan, kindRedriven:
		return l.replayPlan(s, n, k, body)
	case kindMarks:
		return readMarks(body, func(m mark) error { return s.apply(m, now) })
	case kindLost: // if it was an event, its plan has everything needed
		s.lost = true
		s.items[n] = &item{at: position{slot: s.number, row: n}, lost: true}
	default:
		return errShape
	}
	return nil
}

// discardLost removes the placeholders of missing rows that turned out not to be planned events.
func (s *slot) discardLost() {
	for n, it := range s.items {
		if it.lost && it.plan == 0 {
			delete(s.items, n)
		}
	}
}

func (l *Ledger) replayPlan(s *slot, n uint32, k kind, body []byte) error {
	p, err := readPlan(k, body)
	if err != nil {
		return err
	}
	it := s.items[p.event]
	if p.event == 0 {
		it = &item{at: position{slot: s.number, row: n}, letter: p.letter, hook: l.backlog.intern(p.hook), id: p.id, received: p.at}
		s.items[n] = it
	}
	if it == nil || it.plan != 0 || len(p.actions) == 0 {
		return errShape
	}
	if it.lost {
		it.hook, it.id, it.received = l.backlog.intern(p.hook), p.id, p.at
	}
	it.plan, it.open = n, len(p.actions)
	it.steps = make([]step, len(p.actions))
	for i, a := range p.actions {
		it.steps[i] = step{item: it, number: uint32(i), destination: l.backlog.destination(a.Destination)}
	}
	return nil
}

// apply applies an outcome to the items of a slot.
func (s *slot) apply(m mark, now time.Time) error {
	if m.out >= outLetterRedriven {
		return nil // for lists only
	}
	it := s.items[m.row]
	if s.lost && (it == nil || it.plan == 0) && m.out != outNothing {
		return nil // its entry was lost
	}
	if it == nil {
		return errShape
	}
	if it.plan == 0 {
		if m.out != outNothing && m.out != outDropped {
			return errShape
		}
		delete(s.items, m.row)
		return nil
	}
	if int(m.step) >= len(it.steps) || it.steps[m.step].destination == nil {
		return errShape
	}
	st := &it.steps[m.step]
	switch at := time.Unix(0, m.at); m.out {
	case outRetry:
		st.addAttempt(at, m.reason)
		// Never later than the delay from now: the clock may have been ahead when the mark was
		// made.
		st.due = now.Add(min(time.Duration(m.delay), max(0, at.Add(time.Duration(m.delay)).Sub(now))))
	case outRedriven:
		st.due = time.Time{}
	default:
		st.destination = nil
		it.open--
		it.ending++
		if it.open == 0 {
			delete(s.items, m.row)
		}
	}
	return nil
}

// resume queues the open items of a slot.
func (l *Ledger) resume(s *slot) {
	b := &l.backlog
	for _, it := range s.items {
		b.open++
		if it.plan == 0 {
			b.unplanned++
			b.enqueueEvent(it)
			continue
		}
		for i := range it.steps {
			if d := it.steps[i].destination; d != nil {
				d.open++
				b.steps++
			}
		}
		b.enqueueSteps(it)
	}
}
