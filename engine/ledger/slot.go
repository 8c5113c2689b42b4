package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"strconv"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The buckets of the file. Each slot has two: "h" and its number for the rows, "i" and its number
// for the ids.
var (
	bucketMeta  = []byte("meta")
	bucketDead  = []byte("dead")
	keyState    = []byte("state")
	keyIdentity = []byte("identity")
)

const (
	keepHours = 25      // of ids: Okta repeats within seconds, and may deliver an hour late
	slotRows  = 1 << 18 // maximum of a slot, so that it is dropped quickly
	slotIDs   = 1 << 20 // maximum of a slot
)

// slot is an hour of the ledger, or a part of one: the rows recorded in it, all that followed from
// them until they were finished, and the ids. It is dropped as a whole.
type slot struct {
	number uint32
	hour   uint32 // by the count of the ledger: a clock that jumps moves it by one
	rows   uint32 // numbered from 1, without a gap
	ids    uint32 // numbered from 1, without a gap; 0 after they were dropped
	open   uint32 // number of open items

	lost  bool // repair found some of its rows missing
	index index
	items map[uint32]*item // open ones, by their first row
}

func (s *slot) rowsName() []byte { return append([]byte("h"), key32(s.number)...) }
func (s *slot) idsName() []byte  { return append([]byte("i"), key32(s.number)...) }

// state is the row that is written with every commit: the counts of everything. It detects rows
// that a damaged page has lost.
type state struct {
	epoch     uint32
	sequence  uint64
	nextDead  uint64
	dead      uint64
	deadBytes uint64
	hour      uint32
	hourFrom  int64
	slots     []*slot
}

const slotState = 4 * 5

func (s state) row() []byte {
	row := newRow(kindState, 48+slotState*len(s.slots))
	row = binary.BigEndian.AppendUint32(row, s.epoch)
	for _, v := range []uint64{s.sequence, s.nextDead, s.dead, s.deadBytes, uint64(s.hourFrom)} {
		row = binary.BigEndian.AppendUint64(row, v)
	}
	row = binary.BigEndian.AppendUint32(row, s.hour)
	for _, p := range s.slots {
		for _, v := range []uint32{p.number, p.hour, p.rows, p.ids, p.open} {
			row = binary.BigEndian.AppendUint32(row, v)
		}
	}
	return row
}

func readState(body []byte) (s state, err error) {
	c := cursor{b: body}
	s.epoch, s.sequence, s.nextDead, s.dead, s.deadBytes = c.u32(), c.u64(), c.u64(), c.u64(), c.u64()
	s.hourFrom, s.hour = int64(c.u64()), c.u32()
	for len(c.b) > 0 {
		p := &slot{number: c.u32(), hour: c.u32(), rows: c.u32(), ids: c.u32(), open: c.u32()}
		if n := len(s.slots); n > 0 && p.number <= s.slots[n-1].number {
			return state{}, errShape
		}
		p.items = make(map[uint32]*item)
		s.slots = append(s.slots, p)
	}
	return s, c.end()
}

// state returns the current state. Only the committer calls it.
func (l *Ledger) state() state {
	return state{
		epoch: l.epoch, sequence: l.sequence, nextDead: l.nextDead, hour: l.hour, hourFrom: l.hourFrom.UnixNano(), slots: l.slots,
		dead: uint64(l.count.dead.Load()), deadBytes: uint64(l.count.deadBytes.Load()),
	}
}

// currentSlot returns the slot for new rows: a new one when the hour is over or the slot is full.
// An hour is over when the clock is an hour away from its beginning in either direction, so a
// changed clock never stops the hours and never skips more than one.
func (l *Ledger) currentSlot(now time.Time) *slot {
	if away := now.Sub(l.hourFrom); away >= time.Hour || away <= -time.Hour {
		l.hour++
		l.hourFrom = now
	}
	if n := len(l.slots); n > 0 {
		last := l.slots[n-1]
		if last.hour == l.hour && last.rows < slotRows && last.ids < slotIDs {
			return last
		}
		l.indexMu.Lock()
		last.index.trim()
		l.indexMu.Unlock()
	}
	s := &slot{number: 1, hour: l.hour, items: make(map[uint32]*item)}
	if n := len(l.slots); n > 0 {
		s.number = l.slots[n-1].number + 1
	}
	l.mu.Lock()
	l.slots = append(l.slots, s)
	l.mu.Unlock()
	return s
}

func (l *Ledger) fingerprint(id ID) uint64 { return maphash.Bytes(l.seed, id[:]) }

// isKnown reports whether an id is in a row on the disk.
func (l *Ledger) isKnown(tx *bolt.Tx, slots []*slot, id ID) bool {
	print := l.fingerprint(id)
	for i := len(slots) - 1; i >= 0; i-- { // a repeat comes soon: the newest first
		s := slots[i]
		if s.index.find(print, func(number uint32) bool { return l.hasID(tx, s, number, id) }) {
			return true
		}
	}
	return false
}

// hasID compares an id with the one at a number of a slot.
func (l *Ledger) hasID(tx *bolt.Tx, s *slot, number uint32, id ID) bool {
	b := tx.Bucket(s.idsName())
	if b == nil {
		return false
	}
	c := b.Cursor()
	k, v := c.Seek(key32(number))
	if k == nil || binary.BigEndian.Uint32(k) != number {
		k, v = c.Prev()
	}
	if k == nil {
		return false
	}
	_, body, err := openRow(k, v)
	at := int(number-binary.BigEndian.Uint32(k)) * len(id)
	if err != nil || at+len(id) > len(body) {
		l.fail(fmt.Errorf("%w: row of ids %d-%d: %w", ErrDamaged, s.number, number, errors.Join(err, errShape)))
		return false
	}
	return ID(body[at:at+len(id)]) == id
}

// position is the place of an entry's first row: the event's, or the plan's where there is no
// event. Positions grow in the order of recording.
type position struct{ slot, row uint32 }

func (p position) id() EntryID { return EntryID(fmt.Sprintf("%d-%d", p.slot, p.row)) }

func (p position) before(o position) bool {
	return p.slot < o.slot || p.slot == o.slot && p.row < o.row
}

// parsePosition parses the id of an entry that is no dead letter.
func parsePosition(id EntryID) (p position, ok bool) {
	a, b, found := strings.Cut(string(id), "-")
	slot, err1 := strconv.ParseUint(a, 10, 32)
	row, err2 := strconv.ParseUint(b, 10, 32)
	return position{slot: uint32(slot), row: uint32(row)}, found && err1 == nil && err2 == nil
}

// stepPosition is the place of a step.
type stepPosition struct {
	position
	step uint32
}

const letterPrefix = "dead-"

// letterID returns the id of a dead letter.
func letterID(number uint64) EntryID {
	return EntryID(letterPrefix + strconv.FormatUint(number, 10))
}

// parseLetter parses the id of a dead letter.
func parseLetter(id EntryID) (number uint64, ok bool) {
	text, found := strings.CutPrefix(string(id), letterPrefix)
	number, err := strconv.ParseUint(text, 10, 64)
	return number, found && err == nil
}

const (
	maxSteps   = 4096     // actions of one event
	maxHistory = 8        // of a step, the last attempts
	maxReason  = 512      // bytes of a reason
	maxRow     = 16 << 20 // bytes of one call's rows
)

func truncateReason(reason string) string {
	if len(reason) > maxReason {
		return strings.ToValidUTF8(reason[:maxReason], "")
	}
	return reason
}
