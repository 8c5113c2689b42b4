package hook

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads the string whose opening quote is at pos.
func (r *reader) str(pos int) int {
	src := r.src
	end := plain(src, pos+1)
	if end < len(src) && src[end] == '"' {
		r.nodes = append(r.nodes, node{start: uint32(pos), end: uint32(end + 1), info: uint32(String) | uint32(end-pos-1)<<sizeShift})
		return end + 1
	}
	return r.uncommon(pos, end)
}

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// plain is the offset of the first byte from pos on that is not just a printable ASCII character of a string: a quote,
// a backslash, a control character, part of a longer character. It looks at sixteen bytes at a time, without branches,
// which would be guessed wrong as often as strings differ in length.
func plain(src []byte, pos int) int {
	for ; pos+16 <= len(src); pos += 16 {
		low := special(binary.LittleEndian.Uint64(src[pos:]))
		high := special(binary.LittleEndian.Uint64(src[pos+8:]))
		if low|high != 0 {
			n := below(low)
			return pos + n + below(high)&-(n>>3)
		}
	}
	for ; pos < len(src); pos++ {
		if c := src[pos]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			break
		}
	}
	return pos
}

// special marks in w the top bit of each byte that is not plain. Subtracting sets a byte's top bit when the byte was
// smaller; what the borrow does to the bytes above it does not matter, since only the lowest mark is used.
func special(w uint64) uint64 {
	quote, slash := w^ones*'"', w^ones*'\\'
	return (w | (w - ones*' ') | (quote - ones) | (slash - ones)) & tops
}

// below is how many bytes are below the lowest that special marked; 8 when none is. Counting ones is far quicker than
// counting trailing zeros on a processor that is only known to be an amd64.
func below(marks uint64) int { return bits.OnesCount64((marks-1)&^marks) >> 3 }

// uncommon reads the string whose opening quote is at start and whose first byte that is not plain is at pos.
func (r *reader) uncommon(start, pos int) int {
	src, from := r.src, len(r.text) // decoded: src[start+1:copied], then text[from:]
	copied, escaped := start+1, false
	for pos < len(src) {
		switch c := src[pos]; {
		case c == '"' && !escaped:
			r.nodes = append(r.nodes, node{start: uint32(start), end: uint32(pos + 1),
				info: uint32(String) | uint32(pos-start-1)<<sizeShift})
			return pos + 1
		case c == '"':
			r.text = append(r.text, src[copied:pos]...)
			r.nodes = append(r.nodes, node{start: uint32(start), end: uint32(pos + 1), link: uint32(from),
				info: uint32(String) | rich | uint32(len(r.text)-from)<<sizeShift})
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
			pos = plain(src, pos)
		}
	}
	return r.fail(pos, ErrSyntax, "the string's end")
}

// escapes holds what a backslash and one character stand for.
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

// scalar reads a number, or true, false or null; c is its first byte.
func (r *reader) scalar(pos int, c byte) int {
	src, end, kind := r.src, pos, Number
	switch {
	case c == '-' || c-'0' <= 9:
		return r.number(pos)
	case c == 't' && word(src, pos, "true"):
		end, kind = pos+4, True
	case c == 'f' && word(src, pos, "false"):
		end, kind = pos+5, False
	case c == 'n' && word(src, pos, "null"):
		end, kind = pos+4, Null
	default:
		return r.fail(pos, ErrSyntax, "a value")
	}
	r.nodes = append(r.nodes, node{start: uint32(pos), end: uint32(end), info: uint32(kind)})
	return end
}

func word(src []byte, pos int, w string) bool {
	return len(src)-pos >= len(w) && string(src[pos:pos+len(w)]) == w
}

func (r *reader) number(start int) int {
	src, pos, info := r.src, start, uint32(Number)
	if src[pos] == '-' {
		pos++
	}
	first := pos
	if pos = digits(src, pos); pos == first {
		return r.fail(pos, ErrSyntax, "a digit")
	}
	if src[first] == '0' && pos > first+1 {
		return r.fail(first, ErrSyntax, "no zero before other digits")
	}
	if pos < len(src) && src[pos] == '.' {
		info |= rich
		first = pos + 1
		if pos = digits(src, first); pos == first {
			return r.fail(pos, ErrSyntax, "a digit")
		}
	}
	if pos < len(src) && src[pos]|' ' == 'e' {
		info |= rich
		if pos++; pos < len(src) && (src[pos] == '+' || src[pos] == '-') {
			pos++
		}
		first = pos
		if pos = digits(src, first); pos == first {
			return r.fail(pos, ErrSyntax, "a digit")
		}
	}
	r.nodes = append(r.nodes, node{start: uint32(start), end: uint32(pos), info: info})
	return pos
}

func digits(src []byte, pos int) int {
	for pos < len(src) && src[pos]-'0' <= 9 {
		pos++
	}
	return pos
}
