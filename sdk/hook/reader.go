package hook

import "bytes"

// reader fills a Doc in one pass and without recursion: while a container is open, its node's link is the container
// around it and, in an object, its node's end is its newest name. So the tape is the stack, and nesting costs no
// memory of its own.
//
// Its methods take the offset where something begins and return the offset behind it, or -1 when they have failed.
type reader struct {
	Doc
	open uint32 // the innermost open container
	room int    // how many more may be opened
	err  *SyntaxError
}

const none = ^uint32(0)

func (r *reader) fail(at int, err error, want string) int {
	r.err = &SyntaxError{Offset: at, Want: want, Err: err}
	return -1
}

var bom = []byte("\xef\xbb\xbf")

func (r *reader) read() bool {
	if bytes.HasPrefix(r.src, bom) {
		r.fail(0, ErrSyntax, "no byte order mark")
		return false
	}
	src, pos := r.src, space(r.src, 0)
	for pos >= 0 {
		if pos >= len(src) {
			pos = r.fail(pos, ErrSyntax, "a value")
			break
		}
		switch c := src[pos]; c {
		case '"':
			pos = r.str(pos)
		case '{', '[':
			pos = r.enter(pos, c)
			if pos >= 0 && pos < len(src) && src[pos] != c+2 { // ] and } are two after [ and {
				pos = r.next(pos)
				continue
			}
		default:
			pos = r.scalar(pos, c)
		}
		if pos = r.after(pos); pos < 0 || r.open == none {
			break
		}
	}
	if pos >= 0 {
		if pos = space(src, pos); pos < len(src) {
			pos = r.fail(pos, ErrSyntax, "nothing after the value")
		}
	}
	return pos >= 0
}

// enter opens a container and returns where its first element, first name or end must be.
func (r *reader) enter(pos int, c byte) int {
	if r.room == 0 {
		return r.fail(pos, ErrDepth, "less nesting")
	}
	r.room--
	kind := Array
	if c == '{' {
		kind = Object
	}
	i := uint32(len(r.nodes))
	r.nodes = append(r.nodes, node{start: uint32(pos), end: i, link: r.open, info: uint32(kind)})
	r.open = i
	return space(r.src, pos+1)
}

// next counts one more element or member of the open container and reads a member's name; it returns where the value
// must be.
func (r *reader) next(pos int) int {
	o := &r.nodes[r.open]
	o.info += 1 << sizeShift
	if o.kind() == Array {
		return pos
	}
	src := r.src
	if pos >= len(src) || src[pos] != '"' {
		return r.fail(pos, ErrSyntax, "a member name in quotes")
	}
	name := uint32(len(r.nodes))
	o.end = name
	if pos = r.str(pos); pos < 0 {
		return pos
	}
	if t := &r.nodes[name]; t.info&rich == 0 {
		t.start++
	} else {
		t.start = t.link
	}
	pos = space(src, pos)
	if pos >= len(src) || src[pos] != ':' {
		return r.fail(pos, ErrSyntax, "a colon")
	}
	return space(src, pos+1)
}

// after reads what follows a value: the ends of the containers it is the last of, then a comma and what a next one needs.
func (r *reader) after(pos int) int {
	if pos < 0 {
		return pos
	}
	src := r.src
	for r.open != none {
		pos = space(src, pos)
		o := &r.nodes[r.open]
		object := o.kind() == Object
		if object && o.info>>sizeShift > 0 {
			r.nodes[o.end].link = uint32(len(r.nodes))
		}
		switch {
		case pos < len(src) && src[pos] == ',':
			return r.next(space(src, pos+1))
		case object && pos < len(src) && src[pos] == '}', !object && pos < len(src) && src[pos] == ']':
			pos++
			if !r.leave(o, pos) {
				return -1
			}
		case object:
			return r.fail(pos, ErrSyntax, "a comma or the object's end")
		default:
			return r.fail(pos, ErrSyntax, "a comma or the array's end")
		}
	}
	return pos
}

// leave closes o, the open container.
func (r *reader) leave(o *node, pos int) bool {
	i := r.open
	r.open = o.link
	r.room++
	o.end, o.link = uint32(pos), uint32(len(r.nodes))
	if o.kind() == Object && o.size() > 1 {
		return r.unique(i)
	}
	return true
}

// space is the offset of the first byte from pos on that is not white space.
func space(src []byte, pos int) int {
	if pos < len(src) && src[pos] > ' ' {
		return pos
	}
	return spaces(src, pos)
}

func spaces(src []byte, pos int) int {
	for ; pos < len(src); pos++ {
		if c := src[pos]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			break
		}
	}
	return pos
}
