package jsondoc

import "bytes"

// reader fills a Doc in one pass and without recursion. While a container is open, its node's link
// is the enclosing container and, in an object, its node's end is its newest name: the tape is the
// stack, and nesting needs no other memory.
//
// Its methods take the offset where an element begins and return the offset after it, or -1 after a
// failure.
type reader struct {
	Doc
	open      uint32 // the innermost open container
	depthLeft int    // how many more may be opened
	maxNodes  int    // nodes
	err       *SyntaxError
}

const none = ^uint32(0)

func (r *reader) fail(at int, err error, want string) int {
	r.err = &SyntaxError{Offset: at, Want: want, Err: err}
	return -1
}

var bom = []byte("\xef\xbb\xbf")

func (r *reader) document() int {
	if bytes.HasPrefix(r.src, bom) {
		return r.fail(0, ErrSyntax, "no byte order mark")
	}
	pos := r.values(skipSpace(r.src, 0))
	if pos < 0 {
		return pos
	}
	if pos = skipSpace(r.src, pos); pos < len(r.src) {
		return r.fail(pos, ErrSyntax, "nothing after the value")
	}
	return pos
}

// values parses the value at pos with all its descendants, one value per iteration. It handles the
// common case, a comma directly after a value, itself; afterValue handles the others.
func (r *reader) values(pos int) int {
	src := r.src
	for pos >= 0 {
		if pos >= len(src) {
			return r.fail(pos, ErrSyntax, "a value")
		}
		switch c := src[pos]; c {
		case '"':
			pos = r.str(pos)
		case '{', '[':
			if pos = r.openContainer(pos, c); pos < 0 {
				return pos
			}
			if pos >= len(src) || src[pos] != c+2 { // ] and } are two after [ and {
				pos = r.nextItem(pos)
				continue
			}
			pos = r.closeContainer(pos)
		default:
			pos = r.scalar(pos, c)
		}
		if pos < 0 {
			return pos
		}
		if len(r.nodes) > r.maxNodes {
			return r.fail(pos, ErrSize, "fewer values")
		}
		if pos < len(src) && src[pos] == ',' && r.open != none {
			r.endMember()
			pos = r.nextItem(skipSpace(src, pos+1))
			continue
		}
		if pos = r.afterValue(pos); r.open == none {
			return pos
		}
	}
	return pos
}

// openContainer opens a container and returns where its first element, first name or end must be.
func (r *reader) openContainer(pos int, c byte) int {
	if r.depthLeft == 0 {
		return r.fail(pos, ErrDepth, "less nesting")
	}
	r.depthLeft--
	kind := Array
	if c == '{' {
		kind = Object
	}
	r.nodes = append(r.nodes, node{start: uint32(pos), link: r.open, info: uint32(kind)})
	r.open = uint32(len(r.nodes) - 1)
	return skipSpace(r.src, pos+1)
}

// nextItem counts another element or member of the open container and parses the member's name; it
// returns the offset where the value must be.
func (r *reader) nextItem(pos int) int {
	o := &r.nodes[r.open]
	o.info += 1 << sizeShift
	if o.kind() == Object {
		return r.name(pos)
	}
	return pos
}

// endMember ends a member: the next node is the next name, or belongs no longer to the object.
func (r *reader) endMember() {
	if o := &r.nodes[r.open]; o.kind() == Object {
		r.nodes[o.end].link = uint32(len(r.nodes))
	}
}

// afterValue parses the text after a value: the ends of the containers that it completes, then a
// comma and the beginning of the next item.
func (r *reader) afterValue(pos int) int {
	src := r.src
	for pos >= 0 && r.open != none {
		closer, want := byte(']'), "a comma or the array's end"
		if r.nodes[r.open].kind() == Object {
			closer, want = '}', "a comma or the object's end"
		}
		r.endMember()
		if pos = skipSpace(src, pos); pos >= len(src) {
			return r.fail(pos, ErrSyntax, want)
		}
		switch src[pos] {
		case ',':
			return r.nextItem(skipSpace(src, pos+1))
		case closer:
			pos = r.closeContainer(pos)
		default:
			return r.fail(pos, ErrSyntax, want)
		}
	}
	return pos
}

// closeContainer closes the open container.
func (r *reader) closeContainer(pos int) int {
	i := r.open
	o := &r.nodes[i]
	r.open = o.link
	r.depthLeft++
	o.end, o.link = uint32(pos+1), uint32(len(r.nodes))
	if o.kind() == Object && o.size() > 1 && !r.checkUnique(i) {
		return -1
	}
	return pos + 1
}

// skipSpace is the offset of the first byte from pos on that is not white space.
func skipSpace(src []byte, pos int) int {
	if pos < len(src) && src[pos] > ' ' {
		return pos
	}
	return skipSpaceSlow(src, pos)
}

func skipSpaceSlow(src []byte, pos int) int {
	for ; pos < len(src); pos++ {
		if c := src[pos]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			break
		}
	}
	return pos
}
