package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The buckets of the file. Of each slot there are two: "h" and its number for the rows, "i" and its number for the ids.
var (
	bucketMeta  = []byte("meta")
	bucketDead  = []byte("dead")
	keyState    = []byte("state")
	keyIdentity = []byte("identity")
)

const (
	keepHours = 25      // ids are known for as long; Okta repeats within seconds, and may deliver an hour late
	slotRows  = 1 << 18 // a slot that has as many is closed before its hour, so that dropping it stays short
	slotIDs   = 1 << 20 // or as many ids, which are sooner dropped, and looked for in every slot
)

// slot is an hour of the ledger, or a part of one: the rows of what was recorded in it, everything that followed from that
// until it was finished, and the ids. It is dropped as a whole.
type slot struct {
	number uint32
	hour   uint32 // counted, not read off a clock: a clock that jumps moves it by one
	rows   uint32 // numbered from 1, without a gap
	ids    uint32 // numbered from 1, without a gap; 0 when they have been dropped
	open   uint32 // items that are not finished

	lost  bool // repair found some of its rows missing
	index index
	items map[uint32]*item // the open ones, by their head's row
}

func (s *slot) rowsName() []byte { return append([]byte("h"), key32(s.number)...) }
func (s *slot) idsName() []byte  { return append([]byte("i"), key32(s.number)...) }

// state is the row that is written with every commit: how far everything goes. What a damaged page makes vanish is missed by it.
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

// state is how far everything goes now. Only the committer asks.
func (l *Ledger) state() state {
	return state{
		epoch: l.epoch, sequence: l.sequence, nextDead: l.nextDead, hour: l.hour, hourFrom: l.hourFrom.UnixNano(), slots: l.slots,
		dead: uint64(l.count.dead.Load()), deadBytes: uint64(l.count.deadBytes.Load()),
	}
}

// currentSlot is the slot that takes new rows; a new one when its hour is over or it has enough. An hour is over when the clock is an
// hour away from its beginning, in either direction: a clock that is set never stops the hours, and never skips more than one.
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

// hasID compares an id with the one that a slot has under that number.
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
