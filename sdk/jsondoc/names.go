package jsondoc

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"unsafe"
)

// The number of an object's members decides how their names are compared and found: up to
// maxScanned they are scanned; up to maxSketched they are in a hash table by their first and last
// bytes; larger objects have a table by the hash of the whole name. Names made to collide cost a
// comparison with each other. That is cheap up to maxSketched; beyond it, the seeded library hash
// prevents collisions.
const (
	maxScanned  = 8
	maxSketched = 32
)

// salt makes the hashes of a Doc its own, so that no sender can make names meet on purpose.
type salt struct {
	seed        maphash.Seed
	first, last uint64
}

func newSalt() salt {
	s := maphash.MakeSeed()
	return salt{s, maphash.String(s, "first") | 1, maphash.String(s, "last") &^ 1}
}

// sketch hashes a name by its first and last eight bytes, with multiply-shift: two names that
// differ there collide with a probability of about two in the size of the table. Names that differ
// only in the middle always collide.
func (s *salt) sketch(first, last uint64) uint32 {
	return uint32((first*s.first + last*s.last) >> 32)
}

func (s *salt) sketchOf(name string) uint32 {
	b := unsafe.Slice(unsafe.StringData(name), len(name))
	if len(b) >= 8 {
		return s.sketch(binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[len(b)-8:]))
	}
	var w uint64
	if n := len(b); n >= 4 {
		w = uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<(8*(n-4))
	} else {
		for i, c := range b {
			w |= uint64(c) << (8 * i)
		}
	}
	return s.sketch(w, w)
}

// name parses the member name at pos and the colon. A short name takes one search for its closing
// quote; its sketch is computed on the way, while the bytes are loaded and the processor waits for
// that search anyway.
func (r *reader) name(pos int) int {
	src := r.src
	r.nodes[r.open].end = uint32(len(r.nodes))
	if pos+24 > len(src) || src[pos] != '"' {
		return r.anyName(pos)
	}
	start := pos + 1
	w := load8(src, start)
	n := countBefore(markSpecial(w), markSpecial(load8(src, start+8)))
	end := start + n
	if src[end] != '"' {
		return r.anyName(pos)
	}
	keep := ^uint64(0) >> (64 - 8*min(n, 8)) // the name's part of its first eight bytes
	last := load8(src, start+max(n, 8)-8)
	r.nodes = append(r.nodes, node{start: uint32(start), end: r.salt.sketch(w&keep, last&keep),
		info: uint32(String) | uint32(n)<<sizeShift})
	if src[end+1] == ':' && src[end+2] > ' ' {
		return end + 2
	}
	return r.colon(end + 1)
}

// anyName is name for names that are long or escaped, and for errors.
func (r *reader) anyName(pos int) int {
	if pos >= len(r.src) || r.src[pos] != '"' {
		return r.fail(pos, ErrSyntax, "a member name in quotes")
	}
	if pos = r.str(pos); pos < 0 {
		return pos
	}
	i := uint32(len(r.nodes) - 1)
	if t := &r.nodes[i]; t.info&notPlain != 0 {
		t.start = t.link
	}
	r.nodes[i].end = r.salt.sketchOf(r.nameOf(i))
	return r.colon(pos)
}

func (r *reader) colon(pos int) int {
	if pos = skipSpace(r.src, pos); pos >= len(r.src) || r.src[pos] != ':' {
		return r.fail(pos, ErrSyntax, "a colon")
	}
	return skipSpace(r.src, pos+1)
}

// nameOf is the text of the member name at node i.
func (d *Doc) nameOf(i uint32) string {
	t := &d.nodes[i]
	from := d.src
	if t.info&notPlain != 0 {
		from = d.text
	}
	return shareString(from[t.start : t.start+t.size()])
}

// shareString shares b's memory as a string.
func shareString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// checkUnique rejects the object at node i if a name occurs twice. Names are compared decoded: "a"
// and "\u0061" are equal.
func (r *reader) checkUnique(i uint32) bool {
	nodes := r.nodes
	o := &nodes[i]
	if o.size() > maxScanned {
		return r.buildTable(i)
	}
	for name := nodes[i+1].link; name < o.link; name = nodes[name].link {
		for k := i + 1; k < name; k = nodes[k].link {
			if nodes[k].end == nodes[name].end && r.nameOf(k) == r.nameOf(name) {
				return r.failDuplicate(i, name)
			}
		}
	}
	return true
}

// buildTable adds a table of the names of the object at node i to index: open-addressed and at most
// half full. A slot holds the number of a name's node, or 0. The table's offset replaces the first
// name's sketch, which is no longer needed.
func (r *reader) buildTable(i uint32) bool {
	nodes := r.nodes
	o := &nodes[i]
	from, bits, all := len(r.index), tableBits(o.size()), o.size() > maxSketched
	r.index = extend(r.index, 1<<bits)
	table := r.index[from:]
	for name := i + 1; name < o.link; name = nodes[name].link {
		h := nodes[name].end
		if all {
			h = uint32(maphash.String(r.salt.seed, r.nameOf(name)))
		}
		slot := int(h >> (32 - bits))
		if table[slot] != 0 {
			if slot = r.probe(table, slot, r.nameOf(name)); table[slot] != 0 {
				return r.failDuplicate(i, name)
			}
		}
		table[slot] = name
	}
	nodes[i+1].end = uint32(from)
	return true
}

// tableBits is how many bits number the slots of an object of so many members.
func tableBits(size uint32) int { return 1 + bits.Len32(size-1) }

func extend(s []uint32, by int) []uint32 {
	n := len(s)
	if n+by > cap(s) {
		return append(s, make([]uint32, by)...)
	}
	s = s[:n+by]
	clear(s[n:])
	return s
}

// probe returns the slot of a name in a table, starting at its hash's slot, or the empty slot for
// it.
func (d *Doc) probe(table []uint32, slot int, name string) int {
	for ; table[slot] != 0; slot = (slot + 1) & (len(table) - 1) {
		if d.nameOf(table[slot]) == name {
			break
		}
	}
	return slot
}

// failDuplicate rejects a name of the object at node i. It recomputes the name's offset, which
// follows the preceding value and a comma.
func (r *reader) failDuplicate(i, name uint32) bool {
	before := i + 1
	for r.nodes[before].link != name {
		before = r.nodes[before].link
	}
	_, end := Node{&r.Doc, before + 1}.Span()
	comma := skipSpace(r.src, end)
	r.fail(skipSpace(r.src, comma+1), ErrDuplicate, "each name once in an object")
	return false
}

// member returns the node of the object's member of that name; 0 if there is none.
func (d *Doc) member(object uint32, name string) uint32 {
	o := &d.nodes[object]
	size := o.size()
	if size <= maxScanned {
		for i := object + 1; i < o.link; i = d.nodes[i].link {
			if d.nodes[i].size() == uint32(len(name)) && d.nameOf(i) == name {
				return i + 1
			}
		}
		return 0
	}
	var h uint32
	if size <= maxSketched {
		h = d.salt.sketchOf(name)
	} else {
		h = uint32(maphash.String(d.salt.seed, name))
	}
	bits, from := tableBits(size), d.nodes[object+1].end
	table := d.index[from : from+1<<bits]
	if i := table[d.probe(table, int(h>>(32-bits)), name)]; i != 0 {
		return i + 1
	}
	return 0
}
