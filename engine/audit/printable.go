package audit

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable is a text of strangers as a terminal may have it, cut off with … beyond so many bytes. What cannot be printed,
// such as the beginning of an escape sequence, what turns the direction of writing, a line end or a byte that is no UTF-8,
// stands there as in a Go string: \x1b, \u202e, \n, \xff.
func Printable(s string, most int) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		part := s[:size]
		switch {
		case r == utf8.RuneError && size == 1:
			part = fmt.Sprintf(`\x%02x`, s[0])
		case !unicode.IsPrint(r):
			quoted := strconv.QuoteRune(r)
			part = quoted[1 : len(quoted)-1]
		}
		if b.Len()+len(part) > most {
			return b.String() + "…"
		}
		b.WriteString(part)
		s = s[size:]
	}
	return b.String()
}
