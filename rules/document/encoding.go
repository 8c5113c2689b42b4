package document

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// CheckEncoding reports whether the text is UTF-8, and where it is not.
func CheckEncoding(name string, text []byte) (Problem, bool) {
	switch {
	case isUTF16(text):
		return Problem{File: name, Message: "this file is UTF-16: save it as UTF-8"}, false
	case utf8.Valid(text):
		return Problem{}, true
	}
	at := 0
	for at < len(text) {
		r, n := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	line := bytes.Count(text[:at], []byte("\n")) + 1
	column := Columns(strings.TrimPrefix(string(text[bytes.LastIndexByte(text[:at], '\n')+1:at]), "\ufeff")) + 1
	return NewSource(name, text).Problem(line, column, "not UTF-8: save the file as UTF-8"), false
}

// isUTF16 recognizes UTF-16 by its byte order mark, or by the zero bytes beside plain letters.
func isUTF16(text []byte) bool {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return true
	}
	return len(text) > 1 && (text[0] == 0) != (text[1] == 0)
}
