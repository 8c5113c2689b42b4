package ledger

import (
	"encoding/binary"
	"io"
	"maps"
	"slices"

	"github.com/tenterhook/tenterhook/engine/ledger/pages"
)

// salvage collects the rows of a damaged file without its trees: it reads every page and accepts
// each row with a valid checksum. Rows never change, so an old copy in a free page is as good as
// the live one. Of two rows for one place the one of the later epoch counts; the earlier was never
// committed.
type salvage struct {
	file  io.ReaderAt
	size  int64
	state state
	epoch uint32 // of state
	found map[rowKey]rowLocation
	dead  map[uint64][]byte
}

// rowKey is the place of a row: the class of its bucket ('h' or 'i'), its slot and its number.
type rowKey struct {
	class byte
	position
}

// rowLocation is the location of a row in the file.
type rowLocation struct {
	at    int64
	size  int
	epoch uint32
}

func newSalvage(file io.ReaderAt, size int64) *salvage {
	return &salvage{file: file, size: size, found: make(map[rowKey]rowLocation), dead: make(map[uint64][]byte)}
}

// scanPages reads every leaf page. The rows of unreadable pages are lost.
func (s *salvage) scanPages() { pages.ScanLeaves(s.file, s.size, 2*maxRow, s.addRow) }

func (s *salvage) addRow(e pages.Element, at int64) bool {
	h, body, err := openRow(e.Key, e.Value)
	if err != nil {
		return false
	}
	switch {
	case h.kind == kindState:
		if st, err := readState(body); err == nil && (h.epoch > s.epoch || h.epoch == s.epoch && st.sequence >= s.state.sequence) {
			s.epoch, s.state = h.epoch, st
		}
	case h.kind == kindDead && len(e.Key) == 8:
		n := binary.BigEndian.Uint64(e.Key)
		if old, ok := s.dead[n]; !ok || letterTime(body) >= letterTime(old[headerSize:]) {
			s.dead[n] = slices.Clone(e.Value)
		}
	case (h.kind <= kindIDs || h.kind == kindRedriven) && len(e.Key) == 4:
		p := rowKey{class: 'h', position: position{slot: h.slot, row: binary.BigEndian.Uint32(e.Key)}}
		if h.kind == kindIDs {
			p.class = 'i'
		}
		if old, ok := s.found[p]; !ok || h.epoch >= old.epoch {
			s.found[p] = rowLocation{at: at, size: len(e.Value), epoch: h.epoch}
		}
	}
	return true
}

// letterTime returns when a dead letter was given up. A redriven one may be given up again under
// its number.
func letterTime(body []byte) uint64 {
	c := cursor{b: body}
	return c.u64()
}

// keepLiveLetters keeps the dead letters of the file's tree, if it is readable: the others were
// redriven or dropped.
func (s *salvage) keepLiveLetters(size int64) {
	a := &audit{}
	var err error
	if a.tree, err = pages.Open(s.file, size); err != nil || a.findBuckets() != nil {
		return
	}
	bucket, ok := a.takeBucket(bucketDead)
	if !ok {
		return
	}
	live := make(map[uint64][]byte)
	err = a.tree.Bucket(bucket, func(e pages.Element) error {
		if len(e.Key) == 8 {
			n := binary.BigEndian.Uint64(e.Key)
			live[n] = s.dead[n]
		}
		return nil
	})
	if err == nil {
		maps.DeleteFunc(live, func(_ uint64, row []byte) bool { return row == nil })
		s.dead = live
	}
}

// rebuildSlots derives the table of slots from the rows, if the table itself is lost.
func (s *salvage) rebuildSlots() {
	if len(s.state.slots) > 0 || len(s.found) == 0 {
		return
	}
	table := make(map[uint32]*slot)
	for p := range s.found {
		t := table[p.slot]
		if t == nil {
			t = &slot{number: p.slot, items: make(map[uint32]*item)}
			table[p.slot] = t
		}
		if p.class == 'h' {
			t.rows = max(t.rows, p.row)
		} else {
			t.ids = max(t.ids, p.row) // copyIDs adds those of the last row
		}
	}
	for _, number := range slices.Sorted(maps.Keys(table)) {
		s.state.slots = append(s.state.slots, table[number])
	}
}

// readRow reads a salvaged row from the file.
func (s *salvage) readRow(p rowKey) ([]byte, []byte, bool) {
	w, ok := s.found[p]
	if !ok {
		return nil, nil, false
	}
	row := make([]byte, w.size)
	if _, err := s.file.ReadAt(row, w.at); err != nil {
		return nil, nil, false
	}
	_, body, err := openRow(key32(p.row), row)
	return row, body, err == nil
}
