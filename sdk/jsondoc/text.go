package jsondoc

import (
	"encoding/binary"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string in quotes. It escapes only the characters for which RFC
// 8259 demands it; invalid UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	return append(AppendEscaped(append(dst, '"'), s), '"')
}

// AppendEscaped appends s as it stands between a JSON string's quotes.
func AppendEscaped(dst []byte, s string) []byte {
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
		dst = appendEscape(append(dst, s[from:i]...), c)
		i++
		from = i
	}
	return append(dst, s[from:]...)
}

func appendEscape(dst []byte, c byte) []byte {
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

// AppendCompact appends a JSON text without the white space between its tokens.
func AppendCompact(dst, text []byte) []byte {
	if !hasSpace(text) {
		return append(dst, text...)
	}
	for from := 0; ; {
		i := nextSpace(text, from)
		dst = append(dst, text[from:i]...)
		if i == len(text) {
			return dst
		}
		for from = i + 1; from < len(text) && text[from] <= ' '; from++ {
		}
	}
}

// hasSpace reports whether a text has white space anywhere, also in strings. It tests eight bytes
// at a time: a high bit is set if and only if a byte is below 0x21.
func hasSpace(text []byte) bool {
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

// nextSpace returns the offset of the first white space outside strings, starting at a place
// outside strings; the length if there is none.
func nextSpace(text []byte, from int) int {
	for i := from; i < len(text); i++ {
		switch c := text[i]; {
		case c <= ' ':
			return i
		case c == '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		}
	}
	return len(text)
}
