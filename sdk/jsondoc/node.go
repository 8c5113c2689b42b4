package jsondoc

import (
	"iter"
	"strconv"
)

// Kind is a Node's type in JSON; Missing is that of an absent member.
type Kind uint8

// The kinds.
const (
	Missing Kind = iota
	Null
	False
	True
	Number
	String
	Array
	Object
)

// Node is one value of a Doc. The zero Node is missing, and so are its members and elements. The
// results of a Node share the Doc's memory: they are valid until the Doc is parsed again.
type Node struct {
	d *Doc
	i uint32
}

func (n Node) node() *node { return &n.d.nodes[n.i] }

// Index is the node's number in its Doc, not negative. Sibling returns the node of a number.
func (n Node) Index() int32 { return int32(n.i) }

// Sibling returns the node with the given Index in n's Doc. n must not be missing.
func (n Node) Sibling(index int32) Node { return Node{n.d, uint32(index)} }

// Kind returns the value's type.
func (n Node) Kind() Kind {
	if n.d == nil {
		return Missing
	}
	return n.node().kind()
}

// Raw is the value's own span of the text, nil when it is missing.
func (n Node) Raw() []byte {
	if n.d == nil {
		return nil
	}
	start, end := n.Span()
	return n.d.src[start:end:end]
}

// Span returns Raw's offsets in the text: of its first byte and of the byte after its last; 0, 0 if
// the value is missing.
func (n Node) Span() (start, end int) {
	if n.d == nil {
		return 0, 0
	}
	t := n.node()
	if t.kind() == String {
		return int(t.start) - 1, int(t.end) + 1 // with the quotes
	}
	return int(t.start), int(t.end)
}

// Text is a string's content, without quotes and escapes; "" of anything else.
func (n Node) Text() string {
	if n.Kind() != String {
		return ""
	}
	return n.d.string(n.i)
}

func (d *Doc) string(i uint32) string {
	t := &d.nodes[i]
	if t.info&notPlain != 0 {
		return shareString(d.text[t.link : t.link+t.size()])
	}
	return shareString(d.src[t.start:t.end])
}

// Bool reports whether the value is true.
func (n Node) Bool() bool { return n.Kind() == True }

// Len is the number of elements or members; 0 of anything else.
func (n Node) Len() int {
	if k := n.Kind(); k != Array && k != Object {
		return 0
	}
	return int(n.node().size())
}

// Get is the object's member of that name.
func (n Node) Get(name string) Node {
	if n.Kind() != Object {
		return Node{}
	}
	i := n.d.member(n.i, name)
	if i == 0 {
		return Node{}
	}
	return Node{n.d, i}
}

// At is the array's element i, counted from 0.
func (n Node) At(i int) Node {
	if n.Kind() != Array || i < 0 || i >= n.Len() {
		return Node{}
	}
	at, end := n.i+1, n.node().link
	if int(end-at) == n.Len() { // no element has parts of its own
		return Node{n.d, at + uint32(i)}
	}
	for ; i > 0; i-- {
		at = n.d.nextValue(at)
	}
	return Node{n.d, at}
}

// Members walks an object's names and values in the order of the text.
func (n Node) Members() iter.Seq2[string, Node] {
	return func(yield func(string, Node) bool) {
		if n.Kind() != Object {
			return
		}
		for i, end := n.i+1, n.node().link; i < end; i = n.d.nodes[i].link {
			if !yield(n.d.nameOf(i), Node{n.d, i + 1}) {
				return
			}
		}
	}
}

// Elements walks an array's values.
func (n Node) Elements() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if n.Kind() != Array {
			return
		}
		for i, end := n.i+1, n.node().link; i < end; i = n.d.nextValue(i) {
			if !yield(Node{n.d, i}) {
				return
			}
		}
	}
}

// Pointer returns the value at a JSON Pointer (RFC 6901): "" is the node itself, "/data/events/0" a
// descendant.
func (n Node) Pointer(p string) Node {
	for p != "" {
		name, rest, ok := CutPointer(p)
		if !ok {
			return Node{}
		}
		if n.Kind() == Array {
			i, err := strconv.ParseUint(name, 10, 31)
			if err != nil || (len(name) > 1 && name[0] == '0') {
				return Node{}
			}
			n = n.At(int(i))
		} else {
			n = n.Get(name)
		}
		p = rest
	}
	return n
}

// nextValue returns the index of the node after value i and its descendants.
func (d *Doc) nextValue(i uint32) uint32 {
	t := &d.nodes[i]
	if t.kind() >= Array {
		return t.link
	}
	return i + 1
}
