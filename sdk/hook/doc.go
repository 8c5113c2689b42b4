package hook

import (
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// Limits bounds what Parse accepts. A zero field means its default.
type Limits struct {
	Bytes int // length of the text; default 1 MiB
	Depth int // arrays and objects inside each other; default 64
}

// The reasons a text is refused. Each comes wrapped in a *SyntaxError, which says where.
var (
	ErrSyntax    = errors.New("not JSON")                     // RFC 8259 does not allow it
	ErrEncoding  = errors.New("not UTF-8")                    // bad UTF-8, or an escaped surrogate without its half
	ErrDuplicate = errors.New("a member that is there twice") // readers disagree about which one counts
	ErrDepth     = errors.New("too deep")
	ErrSize      = errors.New("too large")
)

// SyntaxError says where a text stopped being one that Parse accepts.
type SyntaxError struct {
	Offset int    // bytes before the fault
	Want   string // what was wanted there; never quotes the text
	Err    error  // one of the reasons above
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("at byte %d: %s: want %s", e.Offset, e.Err, e.Want)
}

func (e *SyntaxError) Unwrap() error { return e.Err }

// Doc is a JSON text, read once and strictly: RFC 8259, valid UTF-8, no member twice in one object, bounded depth and
// size. After Parse it is immutable and safe for concurrent readers. The zero Doc is empty and ready; a Doc that is
// parsed into again keeps its memory.
type Doc struct {
	src   []byte
	nodes []node
	text  []byte // strings that held escapes, decoded
	depth int
	pos   int
	err   *SyntaxError
}

// node is one value, or one member name, in the order of the text.
type node struct {
	start, end uint32 // span in src
	link       uint32 // containers: index after the last descendant; escaped strings: offset in text
	size       uint32 // containers: elements or members; escaped strings: decoded length
	kind       Kind
	escaped    bool
}

// Parse reads src, which it borrows: src must not change while the Doc is in use. An error is a *SyntaxError and leaves
// the Doc empty.
func (d *Doc) Parse(src []byte, l Limits) error {
	d.Reset()
	if l.Bytes == 0 {
		l.Bytes = 1 << 20
	}
	if l.Depth == 0 {
		l.Depth = 64
	}
	if len(src) > l.Bytes {
		return &SyntaxError{Offset: l.Bytes, Want: fmt.Sprintf("at most %d bytes", l.Bytes), Err: ErrSize}
	}
	d.src, d.depth = src, l.Depth
	d.skip()
	ok := d.value()
	if ok {
		if d.skip(); d.pos < len(src) {
			ok = d.fail(ErrSyntax, "nothing after the value")
		}
	}
	if !ok {
		err := d.err
		d.Reset()
		return err
	}
	return nil
}

// Reset empties the Doc and lets go of the text it borrowed.
func (d *Doc) Reset() {
	d.src, d.nodes, d.text, d.err, d.pos = nil, d.nodes[:0], d.text[:0], nil, 0
}

// Root is the text's value. The root of an empty Doc is missing.
func (d *Doc) Root() Node {
	if len(d.nodes) == 0 {
		return Node{}
	}
	return Node{d: d}
}

func (d *Doc) fail(err error, want string) bool {
	if d.err == nil {
		d.err = &SyntaxError{Offset: d.pos, Want: want, Err: err}
	}
	return false
}

func (d *Doc) skip() {
	for d.pos < len(d.src) {
		switch d.src[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *Doc) value() bool {
	if d.pos >= len(d.src) {
		return d.fail(ErrSyntax, "a value")
	}
	switch c := d.src[d.pos]; {
	case c == '{':
		return d.object()
	case c == '[':
		return d.array()
	case c == '"':
		return d.str()
	case c == 't':
		return d.word("true", True)
	case c == 'f':
		return d.word("false", False)
	case c == 'n':
		return d.word("null", Null)
	default:
		return d.number()
	}
}

func (d *Doc) word(w string, k Kind) bool {
	if len(d.src)-d.pos < len(w) || string(d.src[d.pos:d.pos+len(w)]) != w {
		return d.fail(ErrSyntax, "a value")
	}
	d.nodes = append(d.nodes, node{start: uint32(d.pos), end: uint32(d.pos + len(w)), kind: k})
	d.pos += len(w)
	return true
}

func (d *Doc) open(k Kind) (int, bool) {
	if d.depth == 0 {
		return 0, d.fail(ErrDepth, "less nesting")
	}
	d.depth--
	i := len(d.nodes)
	d.nodes = append(d.nodes, node{start: uint32(d.pos), kind: k})
	d.pos++
	d.skip()
	return i, true
}

func (d *Doc) close(i int, size uint32) {
	d.pos++
	d.depth++
	n := &d.nodes[i]
	n.end, n.link, n.size = uint32(d.pos), uint32(len(d.nodes)), size
}

func (d *Doc) at(c byte) bool { return d.pos < len(d.src) && d.src[d.pos] == c }

func (d *Doc) array() bool {
	i, ok := d.open(Array)
	if !ok {
		return false
	}
	if d.at(']') {
		d.close(i, 0)
		return true
	}
	for size := uint32(1); ; size++ {
		if !d.value() {
			return false
		}
		d.skip()
		switch {
		case d.at(','):
			d.pos++
			d.skip()
		case d.at(']'):
			d.close(i, size)
			return true
		default:
			return d.fail(ErrSyntax, "a comma or the array's end")
		}
	}
}

func (d *Doc) object() bool {
	i, ok := d.open(Object)
	if !ok {
		return false
	}
	if d.at('}') {
		d.close(i, 0)
		return true
	}
	for size := uint32(1); ; size++ {
		if !d.member() {
			return false
		}
		switch {
		case d.at(','):
			d.pos++
			d.skip()
		case d.at('}'):
			d.close(i, size)
			return d.unique(i)
		default:
			return d.fail(ErrSyntax, "a comma or the object's end")
		}
	}
}

func (d *Doc) member() bool {
	if !d.at('"') {
		return d.fail(ErrSyntax, "a member name in quotes")
	}
	if !d.str() {
		return false
	}
	d.skip()
	if !d.at(':') {
		return d.fail(ErrSyntax, "a colon")
	}
	d.pos++
	d.skip()
	if !d.value() {
		return false
	}
	d.skip()
	return true
}

// unique refuses an object that has one name twice.
func (d *Doc) unique(i int) bool {
	o := Node{d: d, i: uint32(i)}
	if o.Len() < 2 {
		return true
	}
	seen := make(map[string]struct{}, o.Len())
	for name := range o.Members() {
		if _, ok := seen[name]; ok {
			return d.fail(ErrDuplicate, "each name once in an object")
		}
		seen[name] = struct{}{}
	}
	return true
}

func (d *Doc) number() bool {
	start := d.pos
	if d.at('-') {
		d.pos++
	}
	if d.at('0') {
		d.pos++
	} else if !d.digits() {
		return d.fail(ErrSyntax, "a value")
	}
	if d.at('.') {
		if d.pos++; !d.digits() {
			return d.fail(ErrSyntax, "a digit")
		}
	}
	if d.at('e') || d.at('E') {
		d.pos++
		if d.at('+') || d.at('-') {
			d.pos++
		}
		if !d.digits() {
			return d.fail(ErrSyntax, "a digit")
		}
	}
	d.nodes = append(d.nodes, node{start: uint32(start), end: uint32(d.pos), kind: Number})
	return true
}

func (d *Doc) digits() bool {
	start := d.pos
	for d.pos < len(d.src) && d.src[d.pos]-'0' <= 9 {
		d.pos++
	}
	return d.pos > start
}

func (d *Doc) str() bool {
	start := d.pos
	wide := byte(0)
	for d.pos++; d.pos < len(d.src); d.pos++ {
		switch c := d.src[d.pos]; {
		case c == '"':
			if wide >= utf8.RuneSelf && !utf8.Valid(d.src[start:d.pos]) {
				return d.fail(ErrEncoding, "valid UTF-8")
			}
			d.pos++
			d.nodes = append(d.nodes, node{start: uint32(start), end: uint32(d.pos), kind: String})
			return true
		case c == '\\':
			return d.escapes(start)
		case c < ' ':
			return d.fail(ErrSyntax, "control characters escaped")
		default:
			wide |= c
		}
	}
	return d.fail(ErrSyntax, "the string's end")
}

// escapes reads a string that has a backslash at pos, into text.
func (d *Doc) escapes(start int) bool {
	from := len(d.text)
	d.text = append(d.text, d.src[start+1:d.pos]...)
	for d.pos < len(d.src) {
		c := d.src[d.pos]
		switch {
		case c == '"':
			if !utf8.Valid(d.text[from:]) {
				return d.fail(ErrEncoding, "valid UTF-8")
			}
			d.pos++
			d.nodes = append(d.nodes, node{start: uint32(start), end: uint32(d.pos), kind: String, escaped: true,
				link: uint32(from), size: uint32(len(d.text) - from)})
			return true
		case c == '\\':
			if !d.escape() {
				return false
			}
		case c < ' ':
			return d.fail(ErrSyntax, "control characters escaped")
		default:
			d.text = append(d.text, c)
			d.pos++
		}
	}
	return d.fail(ErrSyntax, "the string's end")
}

func (d *Doc) escape() bool {
	if d.pos+1 >= len(d.src) {
		return d.fail(ErrSyntax, "the string's end")
	}
	c := d.src[d.pos+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return d.unicode()
	default:
		return d.fail(ErrSyntax, "an escape that JSON has")
	}
	d.text = append(d.text, c)
	d.pos += 2
	return true
}

func (d *Doc) unicode() bool {
	r, ok := d.hex(d.pos + 2)
	if !ok {
		return d.fail(ErrSyntax, "four hex digits")
	}
	d.pos += 6
	if utf16.IsSurrogate(r) {
		if low, ok := d.hex(d.pos + 2); ok && d.at('\\') && d.src[d.pos+1] == 'u' {
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				return d.fail(ErrEncoding, "both halves of a surrogate pair")
			}
			d.pos += 6
		} else {
			return d.fail(ErrEncoding, "both halves of a surrogate pair")
		}
	}
	d.text = utf8.AppendRune(d.text, r)
	return true
}

func (d *Doc) hex(at int) (rune, bool) {
	if at+4 > len(d.src) {
		return 0, false
	}
	var r rune
	for _, c := range d.src[at : at+4] {
		switch {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case (c|32)-'a' <= 5:
			r = r<<4 | rune((c|32)-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// view shares b's memory as a string.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
