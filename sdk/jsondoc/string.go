package jsondoc

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// str parses the string whose opening quote is at pos. It searches sixteen bytes at a time for the
// closing quote, without branches: these would be mispredicted as often as strings differ in
// length.
func (r *reader) str(pos int) int {
	src, start := r.src, pos+1
	for pos = start; pos+16 <= len(src); pos += 16 {
		low, high := markSpecial(load8(src, pos)), markSpecial(load8(src, pos+8))
		if low|high == 0 {
			continue
		}
		if pos += countBefore(low, high); src[pos] != '"' {
			break
		}
		r.nodes = append(r.nodes, node{start: uint32(start), end: uint32(pos), info: uint32(String) | uint32(pos-start)<<sizeShift})
		return pos + 1
	}
	return r.strSlow(start, pos)
}

// load8 is the eight bytes from pos on, which must be there, the first one lowest.
func load8(src []byte, pos int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Pointer(&src[pos]))[:])
}

const (
	ones     = 0x0101010101010101
	highBits = 0x8080808080808080
)

// markSpecial sets the top bit in each byte of w that is special in a string: a quote, a backslash,
// a control character, part of a longer character. Subtraction sets a byte's top bit if the byte
// was smaller; with bit 1 flipped, a quote lies between the control characters and the rest. The
// borrow into higher bytes does not matter, because only the lowest mark is used.
func markSpecial(w uint64) uint64 {
	return (w | ((w ^ ones*2) - ones*0x21) | ((w ^ ones*'\\') - ones)) & highBits
}

// countBefore is the number of bytes before the first mark of markSpecial in twice eight bytes: 16
// without a mark. It keeps one of the bits below the mark for each byte and adds them up by a
// multiplication. That is faster than counting trailing zeros on baseline amd64.
func countBefore(low, high uint64) int {
	low, high = low>>7, high>>7
	n := (((low - 1) &^ low & ones) * ones) >> 56
	m := (((high - 1) &^ high & ones) * ones) >> 56
	return int(n + m&-(n>>3))
}

// strSlow continues at pos in the string whose first character is at start: it contains special
// bytes, or the text ends soon.
func (r *reader) strSlow(start, pos int) int {
	src, from := r.src, len(r.text)
	copied, escaped := start, false // src[:copied] is decoded, in text[from:]
	for pos < len(src) {
		switch c := src[pos]; {
		case c == '"' && !escaped:
			r.nodes = append(r.nodes, node{start: uint32(start), end: uint32(pos), info: uint32(String) | uint32(pos-start)<<sizeShift})
			return pos + 1
		case c == '"':
			r.text = append(r.text, src[copied:pos]...)
			size := len(r.text) - from
			r.nodes = append(r.nodes, node{start: uint32(start), end: uint32(pos), link: uint32(from), info: uint32(String) | notPlain | uint32(size)<<sizeShift})
			return pos + 1
		case c == '\\':
			r.text = append(r.text, src[copied:pos]...)
			if pos = r.escape(pos); pos < 0 {
				return pos
			}
			copied, escaped = pos, true
		case c >= utf8.RuneSelf:
			_, size := utf8.DecodeRune(src[pos:])
			if size == 1 {
				return r.fail(pos, ErrEncoding, "valid UTF-8")
			}
			pos += size
		case c < ' ':
			return r.fail(pos, ErrSyntax, "control characters escaped")
		default:
			pos = skipPlain(src, pos+1)
		}
	}
	return r.fail(pos, ErrSyntax, "the string's end")
}

// skipPlain is the offset of the first special byte from pos on.
func skipPlain(src []byte, pos int) int {
	for ; pos+8 <= len(src); pos += 8 {
		if marks := markSpecial(load8(src, pos)); marks != 0 {
			return pos + countBefore(marks, 0)
		}
	}
	for ; pos < len(src); pos++ {
		if c := src[pos]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			break
		}
	}
	return pos
}

// escapes maps the character after a backslash to its value.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape decodes the escape at pos into text.
func (r *reader) escape(pos int) int {
	if pos+1 >= len(r.src) {
		return r.fail(pos+1, ErrSyntax, "the string's end")
	}
	c := r.src[pos+1]
	if c == 'u' {
		return r.unicode(pos)
	}
	if escapes[c] == 0 {
		return r.fail(pos, ErrSyntax, "an escape that JSON has")
	}
	r.text = append(r.text, escapes[c])
	return pos + 2
}

func (r *reader) unicode(pos int) int {
	c, ok := hex(r.src, pos)
	if !ok {
		return r.fail(pos, ErrSyntax, `\u and four hex digits`)
	}
	size := 6
	if utf16.IsSurrogate(c) {
		low, _ := hex(r.src, pos+6)
		if c = utf16.DecodeRune(c, low); c == utf8.RuneError {
			return r.fail(pos, ErrEncoding, "both halves of a surrogate pair")
		}
		size = 12
	}
	r.text = utf8.AppendRune(r.text, c)
	return pos + size
}

// hex is the code unit of an escape that begins at pos, as \u and four hex digits.
func hex(src []byte, pos int) (c rune, ok bool) {
	if pos+6 > len(src) || src[pos] != '\\' || src[pos+1] != 'u' {
		return 0, false
	}
	for _, d := range src[pos+2 : pos+6] {
		switch {
		case d-'0' <= 9:
			c = c<<4 | rune(d-'0')
		case d|' '-'a' <= 5:
			c = c<<4 | rune(d|' '-'a'+10)
		default:
			return 0, false
		}
	}
	return c, true
}
