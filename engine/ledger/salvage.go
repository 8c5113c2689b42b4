package ledger

import (
	"encoding/binary"
	"io"
	"maps"
	"slices"
)

// salvage finds the rows of a damaged file without its trees: it looks at every page, and believes a row that has its checksum. A row
// is never changed once it is written, so an old copy of one in a page that is no longer in use is as good as the live one; of two
// for one place, the one of the later epoch counts, since the earlier was never committed.
type salvage struct {
	file  io.ReaderAt
	pages uint64
	state state
	epoch uint32 // of state
	found map[rowKey]rowLocation
	dead  map[uint64][]byte
}

// rowKey names a row: the class of its bucket ('h' or 'i'), its slot and its number.
type rowKey struct {
	class byte
	Ref
}

// rowLocation is where a row lies in the file.
type rowLocation struct {
	at    int64
	size  int
	epoch uint32
}

func newSalvage(file io.ReaderAt, size int64) *salvage {
	return &salvage{file: file, pages: uint64(size) / pageSize, found: make(map[rowKey]rowLocation), dead: make(map[uint64][]byte)}
}

// scanPages looks at every page. What is in pages that cannot be read is lost.
func (s *salvage) scanPages() {
	page := make([]byte, pageSize)
	for id := uint64(2); id < s.pages; id++ {
		if _, err := s.file.ReadAt(page[:pageSize], int64(id)*pageSize); err != nil {
			continue
		}
		if native.Uint16(page[8:]) != flagLeaf || native.Uint64(page) != id {
			continue
		}
		whole := page[:pageSize]
		if more := uint64(native.Uint32(page[12:])); more > 0 && more < s.pages-id && more < 2*maxRow/pageSize {
			whole = make([]byte, (more+1)*pageSize)
			n, _ := s.file.ReadAt(whole, int64(id)*pageSize)
			whole = whole[:n]
		}
		s.scanPage(whole, int64(id)*pageSize)
	}
}

// scanPage takes every row that a leaf has, whatever it says its count is: the entries end where the first of the rows begins.
func (s *salvage) scanPage(scanPage []byte, at int64) {
	end := len(scanPage)
	for i := pageHeader; i+16 <= end; i += 16 {
		e, err := readElement(scanPage[i:], true)
		if err != nil {
			continue
		}
		start := i + int(native.Uint32(scanPage[i+4:]))
		value := start + len(e.key)
		if e.flags == flagBucket {
			if len(e.value) > 16+pageHeader && native.Uint64(e.value) == 0 {
				s.scanPage(e.value[16:], at+int64(value)+16)
			}
			continue
		}
		if s.addRow(e, at+int64(value)) {
			end = min(end, start)
		}
	}
}

func (s *salvage) addRow(e element, at int64) bool {
	h, body, err := openRow(e.key, e.value)
	if err != nil {
		return false
	}
	switch {
	case h.kind == kindState:
		if st, err := readState(body); err == nil && (h.epoch > s.epoch || h.epoch == s.epoch && st.sequence >= s.state.sequence) {
			s.epoch, s.state = h.epoch, st
		}
	case h.kind == kindDead && len(e.key) == 8:
		s.dead[binary.BigEndian.Uint64(e.key)] = slices.Clone(e.value)
	case h.kind <= kindIDs && len(e.key) == 4:
		p := rowKey{class: 'h', Ref: Ref{Slot: h.slot, Row: binary.BigEndian.Uint32(e.key)}}
		if h.kind == kindIDs {
			p.class = 'i'
		}
		if old, ok := s.found[p]; !ok || h.epoch >= old.epoch {
			s.found[p] = rowLocation{at: at, size: len(e.value), epoch: h.epoch}
		}
	}
	return true
}

// keepLiveLetters narrows the dead letters to those that are in the file's tree, if that can be read: elsewhere lie those that were redriven or
// dropped.
func (s *salvage) keepLiveLetters(size int64) {
	a := &audit{}
	var err error
	if a.tree, err = openTree(s.file, size); err != nil || a.findBuckets() != nil {
		return
	}
	bucket, ok := a.takeBucket(bucketDead)
	if !ok {
		return
	}
	live := make(map[uint64][]byte)
	err = a.tree.bucket(bucket, func(e element) error {
		if len(e.key) == 8 {
			n := binary.BigEndian.Uint64(e.key)
			live[n] = s.dead[n]
		}
		return nil
	})
	if err == nil {
		maps.DeleteFunc(live, func(_ uint64, row []byte) bool { return row == nil })
		s.dead = live
	}
}

// rebuildSlots makes a table of slots out of the rows, when the table itself is lost.
func (s *salvage) rebuildSlots() {
	if len(s.state.slots) > 0 || len(s.found) == 0 {
		return
	}
	table := make(map[uint32]*slot)
	for p := range s.found {
		t := table[p.Slot]
		if t == nil {
			t = &slot{number: p.Slot, items: make(map[uint32]*item)}
			table[p.Slot] = t
		}
		if p.class == 'h' {
			t.rows = max(t.rows, p.Row)
		} else {
			t.ids = max(t.ids, p.Row) // the last row's own are added when it is read
		}
	}
	for _, number := range slices.Sorted(maps.Keys(table)) {
		s.state.slots = append(s.state.slots, table[number])
	}
}

// readRow returns a row again.
func (s *salvage) readRow(p rowKey) ([]byte, []byte, bool) {
	w, ok := s.found[p]
	if !ok {
		return nil, nil, false
	}
	row := make([]byte, w.size)
	if _, err := s.file.ReadAt(row, w.at); err != nil {
		return nil, nil, false
	}
	_, body, err := openRow(key32(p.Row), row)
	return row, body, err == nil
}
