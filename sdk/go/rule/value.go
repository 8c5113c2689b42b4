package rule

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Value is the JSON text of a value of the event or of a table. A draft takes it unchanged.
type Value string

// Kind is the type of a value.
type Kind uint8

// Kinds of values. A member that does not exist is Missing.
const (
	Missing Kind = iota
	Null
	Bool
	Number
	Text
	List
	Object
)

// Kind returns v's type, Missing for the empty Value.
func (v Value) Kind() Kind {
	if v == "" {
		return Missing
	}
	switch v[0] {
	case 'n':
		return Null
	case 't', 'f':
		return Bool
	case '"':
		return Text
	case '[':
		return List
	case '{':
		return Object
	}
	return Number
}

// Bool returns v's truth, and whether v is a boolean.
func (v Value) Bool() (truth, ok bool) { return v == "true", v.Kind() == Bool }

// Int returns v as an integer, and whether it is one that fits. 1e3 and 2.0 are.
func (v Value) Int() (n int64, ok bool) {
	if v.Kind() != Number {
		return 0, false
	}
	if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		return n, true
	}
	const exact = 1 << 53 // larger integers may not be exact as float64
	f, err := strconv.ParseFloat(string(v), 64)
	if n = int64(f); err != nil || f > exact || f < -exact || float64(n) != f {
		return 0, false
	}
	return n, true
}

// Float returns v as the nearest float64, and whether v is a number that fits.
func (v Value) Float() (f float64, ok bool) {
	if v.Kind() != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return f, err == nil
}

// Text returns a string's content, and whether v is a string.
func (v Value) Text() (text string, ok bool) {
	if v.Kind() != Text || len(v) < 2 {
		return "", false
	}
	inner := string(v[1 : len(v)-1])
	for i := range len(inner) {
		if inner[i] == '\\' {
			return string(unescapeJSON(make([]byte, 0, len(inner)), inner, i)), true
		}
	}
	return inner, true
}

// unescapeJSON appends s, whose first escape is at i. The host has validated s; an invalid escape
// ends it.
func unescapeJSON(dst []byte, s string, i int) []byte {
	for {
		dst = append(dst, s[:i]...)
		if i+1 >= len(s) {
			return dst
		}
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			var r rune
			r, s = escapedRune(s)
			dst = utf8.AppendRune(dst, r)
		default: // a quote, a slash, a backslash
			dst = append(dst, c)
		}
		for i = 0; i < len(s) && s[i] != '\\'; i++ {
		}
	}
}

// escapedRune reads the digits behind \u, with the second half of a surrogate pair, and returns the
// rest.
func escapedRune(s string) (rune, string) {
	r, rest := hexRune(s)
	if !utf16.IsSurrogate(r) || len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' {
		return r, rest
	}
	low, after := hexRune(rest[2:])
	if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
		return pair, after
	}
	return r, rest
}

func hexRune(s string) (rune, string) {
	if len(s) < 4 {
		return utf8.RuneError, ""
	}
	n, err := strconv.ParseUint(s[:4], 16, 16)
	if err != nil {
		return utf8.RuneError, s[4:]
	}
	return rune(n), s[4:]
}
