package hook

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"unsafe"
)

// How many members an object has decides how its names are told apart and found again: few are compared one by one,
// some are hashed by their ends, more are hashed whole.
const (
	few  = 4
	some = 32
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

// sketch hashes a name by its first and last eight bytes: multiply-shift, where any two that differ there meet with a
// chance of two in the size of the table. Names that differ only in the middle always meet, so it is for some, not for more.
func (s *salt) sketch(name string) uint64 {
	var w, v uint64
	switch n := len(name); {
	case n >= 8:
		w = binary.LittleEndian.Uint64([]byte(name[:8]))
		v = binary.LittleEndian.Uint64([]byte(name[n-8:]))
	default:
		for i := n - 1; i >= 0; i-- {
			w = w<<8 | uint64(name[i])
		}
		v = w
	}
	return w*s.first + v*s.last
}

// name is the text of the member name at node i.
func (d *Doc) name(i uint32) string {
	t := &d.nodes[i]
	from := d.src
	if t.info&rich != 0 {
		from = d.text
	}
	return view(from[t.start : t.start+t.size()])
}

// view shares b's memory as a string.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// unique refuses the object at node i when it has one name twice. Names count decoded: "a" and "\u0061" are one.
func (r *reader) unique(i uint32) bool {
	o := &r.nodes[i]
	if o.size() > few {
		return r.tabulate(i)
	}
	for name := r.nodes[i+1].link; name < o.link; name = r.nodes[name].link {
		text := r.name(name)
		for k := i + 1; k < name; k = r.nodes[k].link {
			if r.name(k) == text {
				return r.twice(i, name)
			}
		}
	}
	return true
}

// tabulate puts the names of the object at node i into a table of their own in index, open-addressed and at most half
// full; a slot holds the number of a name's node, or 0.
func (r *reader) tabulate(i uint32) bool {
	o := &r.nodes[i]
	from := len(r.index)
	r.nodes[i+1].end = uint32(from)
	r.index = extend(r.index, 1<<width(o.size()))
	table := r.index[from:]
	for name := i + 1; name < o.link; name = r.nodes[name].link {
		slot := r.slot(table, o.size(), r.name(name))
		if table[slot] != 0 {
			return r.twice(i, name)
		}
		table[slot] = name
	}
	return true
}

// width is how many bits number the slots of an object of so many members.
func width(size uint32) int { return 1 + bits.Len32(size-1) }

func extend(s []uint32, by int) []uint32 {
	n := len(s)
	if n+by > cap(s) {
		return append(s, make([]uint32, by)...)
	}
	s = s[:n+by]
	clear(s[n:])
	return s
}

// slot is where a name is in the table of an object of so many members, or the empty slot where it would be.
func (d *Doc) slot(table []uint32, size uint32, name string) uint64 {
	var h uint64
	if size <= some {
		h = d.salt.sketch(name)
	} else {
		h = maphash.String(d.salt.seed, name)
	}
	mask := uint64(len(table) - 1)
	for h >>= 64 - width(size); ; h = (h + 1) & mask {
		if i := table[h]; i == 0 || d.name(i) == name {
			return h
		}
	}
}

// twice refuses a name of the object at node i. Where the name stands in the text is found again: it follows the value
// before it, and a comma.
func (r *reader) twice(i, name uint32) bool {
	before := i + 1
	for r.nodes[before].link != name {
		before = r.nodes[before].link
	}
	comma := space(r.src, int(r.nodes[before+1].end))
	r.fail(space(r.src, comma+1), ErrDuplicate, "each name once in an object")
	return false
}

// member is the node of the object's member of that name, 0 when there is none.
func (d *Doc) member(object uint32, name string) uint32 {
	o := &d.nodes[object]
	if o.size() > few {
		from := d.nodes[object+1].end
		table := d.index[from : from+1<<width(o.size())]
		if i := table[d.slot(table, o.size(), name)]; i != 0 {
			return i + 1
		}
		return 0
	}
	for i := object + 1; i < o.link; i = d.nodes[i].link {
		if d.name(i) == name {
			return i + 1
		}
	}
	return 0
}
