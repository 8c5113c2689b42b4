package gate

import (
	"encoding/binary"
	"strings"
)

// The classes of bytes in a head.
const (
	inToken  = 1 << iota // RFC 9110 section 5.6.2
	inHost               // a name or an address, with or without a port
	inTarget             // bytes that need no escaping, and that all readers treat alike
)

var byteClasses = func() (t [256]byte) {
	for c := range t {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9':
			t[c] = inToken | inHost
		case strings.IndexByte("-!#$%&'*+.^_`|~", byte(c)) >= 0:
			t[c] = inToken
		}
		if strings.IndexByte(".-_:[]", byte(c)) >= 0 {
			t[c] |= inHost
		}
		if ' ' < c && c < 0x7f && c != '#' && c != '\\' {
			t[c] |= inTarget
		}
	}
	return t
}()

func allIn(text []byte, part byte) bool {
	for _, c := range text {
		if byteClasses[c]&part == 0 {
			return false
		}
	}
	return true
}

// printable reports whether a value has no control character but tabs. It checks eight bytes at a
// time, because every call has a head.
func printable(value []byte) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; len(value) >= 8; value = value[8:] {
		w := binary.LittleEndian.Uint64(value)
		low := (w - ones*0x20) &^ w & tops // a byte below the space, or a borrow from one
		del := w ^ ones*0x7f               // 0 where a byte is DEL
		if low|(del-ones)&^del&tops != 0 && !printableBytes(value[:8]) {
			return false
		}
	}
	return printableBytes(value)
}

func printableBytes(value []byte) bool {
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// trim removes the spaces and tabs around a value.
func trim(value []byte) []byte {
	for len(value) > 0 && blank(value[0]) {
		value = value[1:]
	}
	for len(value) > 0 && blank(value[len(value)-1]) {
		value = value[:len(value)-1]
	}
	return value
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// equalFold compares a header's name, or a token of its value, without the case of ASCII letters.
func equalFold[T string | []byte](b T, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range len(s) {
		if b[i] != s[i] && lower(b[i]) != lower(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
