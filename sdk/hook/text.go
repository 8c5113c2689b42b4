package hook

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string in quotes. Only what RFC 8259 demands is escaped; bytes that are not UTF-8
// become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += size
			continue
		}
		dst = appendEscaped(append(dst, s[from:i]...), c)
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// AppendPointer appends one more name to a JSON Pointer: a slash and the name, escaped (RFC 6901). The result is plain
// text, not yet a JSON string.
func AppendPointer(dst []byte, name string) []byte {
	dst = append(dst, '/')
	for {
		i := strings.IndexAny(name, "~/")
		if i < 0 {
			return append(dst, name...)
		}
		dst = append(dst, name[:i]...)
		if name[i] == '~' {
			dst = append(dst, '~', '0')
		} else {
			dst = append(dst, '~', '1')
		}
		name = name[i+1:]
	}
}

// AppendPath appends the JSON Pointer through names as a JSON string in quotes: "/claims/https:~1~1example.com~1role".
func AppendPath(dst []byte, names ...string) []byte {
	var scratch [128]byte
	path := scratch[:0]
	for _, name := range names {
		path = AppendPointer(path, name)
	}
	return AppendString(dst, view(path))
}

// appendCompact appends a JSON text without the white space between its tokens.
func appendCompact(dst, text []byte) []byte {
	if !spaced(text) {
		return append(dst, text...)
	}
	for {
		i := bytes.IndexByte(text, '"')
		if i < 0 {
			return appendTokens(dst, text)
		}
		dst = appendTokens(dst, text[:i])
		text = text[i:]
		end := 1
		for ; text[end] != '"'; end++ {
			if text[end] == '\\' {
				end++
			}
		}
		dst = append(dst, text[:end+1]...)
		text = text[end+1:]
	}
}

// spaced reports whether a text has white space anywhere, in strings too. It looks at eight bytes at a time: the high
// bit of a byte comes out set where the byte was below 0x21, and perhaps in one above such a byte.
func spaced(text []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for len(text) >= 8 {
		x := binary.LittleEndian.Uint64(text)
		if (x-0x21*ones)&^x&highs != 0 {
			return true
		}
		text = text[8:]
	}
	for _, c := range text {
		if c <= ' ' {
			return true
		}
	}
	return false
}

// appendTokens appends what stands between strings.
func appendTokens(dst, text []byte) []byte {
	for _, c := range text {
		if c > ' ' {
			dst = append(dst, c)
		}
	}
	return dst
}
