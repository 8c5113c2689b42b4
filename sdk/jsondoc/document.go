// Package jsondoc is for parsing a JSON text once, strictly, into one immutable document that all
// of Tenterhook shares.
package jsondoc

import (
	"bytes"
	"fmt"
)

// Limits bounds the texts that Parse accepts. A field that is not positive means its default.
type Limits struct {
	Bytes  int // length of the text; default 1 MiB, never more than 256 MiB
	Depth  int // arrays and objects inside each other; default 64
	Values int // values and member names; default as many as fit
}

const (
	defaultBytes = 1 << 20
	defaultDepth = 64
	maxBytes     = 1<<28 - 1 // the limit of a node's size field
)

// Doc is a JSON text, parsed strictly: RFC 8259, valid UTF-8, no lone surrogate, no duplicate
// member in an object, bounded depth and size, no byte order mark. After Parse it is immutable and
// safe for concurrent readers. The zero Doc is empty and ready. A Doc that is parsed again reuses
// its memory, within limits (see Reset), and then does not allocate.
type Doc struct {
	src   []byte
	nodes []node
	text  []byte   // strings that held escapes, decoded
	index []uint32 // names of large objects, hashed: see names.go
	salt  salt

	resets int // since the last shrink
	peak   int // longest tape since then
}

// node is one value or one member name, in the order of the text: each name precedes its value. A
// text has at most one node for every two bytes.
type node struct {
	// Where it begins in src; a string or a name behind its quote, a rich name in text.
	start uint32
	// End offset in src; a string's is before its quote. A name: its sketch; the first name of an
	// object with a table: the offset of that table in index.
	end uint32
	// A container: the node after its last descendant. A name: the next name, or the node after the
	// object's last one. A string that is notPlain: its offset in text.
	link uint32
	// Kind, rich, and size: elements, members, or a string's decoded length.
	info uint32
}

const (
	kindMask  = 1<<3 - 1
	notPlain  = 1 << 3 // a string with escapes, decoded in text; a number with a fraction or an exponent
	sizeShift = 4
)

func (t *node) kind() Kind   { return Kind(t.info & kindMask) }
func (t *node) size() uint32 { return t.info >> sizeShift }

// Parse parses src and borrows it: src must not change while the Doc is in use. An error is a
// *SyntaxError and leaves the Doc empty. Time and memory are proportional to src for every input:
// at most twelve bytes for each byte of src, usually less than two.
func (d *Doc) Parse(src []byte, l Limits) error {
	d.Reset()
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	if l.Depth <= 0 {
		l.Depth = defaultDepth
	}
	if l.Bytes = min(l.Bytes, maxBytes); len(src) > l.Bytes {
		return &SyntaxError{Offset: l.Bytes, Want: fmt.Sprintf("at most %d bytes", l.Bytes), Err: ErrSize}
	}
	if d.salt.first == 0 {
		d.salt = newSalt()
	}
	if l.Values <= 0 {
		l.Values = len(src)/2 + 1
	}
	if expect := estimateNodes(src, l.Values); expect > cap(d.nodes) {
		d.nodes = make([]node, 0, expect)
	}
	d.src = src
	r := reader{Doc: *d, open: none, depthLeft: l.Depth, maxNodes: l.Values}
	end := r.document()
	*d = r.Doc
	if end < 0 {
		d.Reset()
		return r.err
	}
	return nil
}

// estimateNodes is the number of nodes to allocate: one for every 12 bytes is usual. For a large
// text it counts the commas, colons and brackets, of which one follows each node but the last.
// Otherwise the tape would be copied again and again while it grows.
func estimateNodes(src []byte, most int) int {
	if len(src) <= keepNodes*12 {
		return len(src) / 12
	}
	n := 1
	for _, c := range []byte(",:[{") {
		n += bytes.Count(src, []byte{c})
	}
	return min(n, most+2, len(src)/4)
}

// Limits of the memory that a Doc keeps between texts, counted in nodes. It keeps a small amount
// always and releases a large one at once; amounts between them are released after a while without
// need.
const (
	keepNodes   = 1 << 12 // 64 KiB
	dropNodes   = 1 << 17 // 2 MiB
	shrinkEvery = 64      // resets
)

// Reset empties the Doc and releases the borrowed text. The Doc keeps its own memory for the next
// text, but does not keep the memory for one large text for ever.
func (d *Doc) Reset() {
	d.peak = max(d.peak, len(d.nodes), len(d.text)/16, len(d.index)/4)
	if d.resets++; d.resets >= shrinkEvery || d.peak > dropNodes {
		d.shrink()
	}
	d.src, d.nodes, d.text, d.index = nil, d.nodes[:0], d.text[:0], d.index[:0]
}

func (d *Doc) shrink() {
	held := max(cap(d.nodes), cap(d.text)/16, cap(d.index)/4)
	if held > keepNodes && (held > dropNodes || held > 4*d.peak) {
		d.nodes, d.text, d.index = nil, nil, nil
	}
	d.resets, d.peak = 0, 0
}

// Root is the text's value. The root of an empty Doc is missing.
func (d *Doc) Root() Node {
	if len(d.nodes) == 0 {
		return Node{}
	}
	return Node{d: d}
}
