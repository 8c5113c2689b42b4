package audit

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable makes an untrusted text safe for a terminal and truncates it with … after most bytes.
// It escapes as Go does in strings: escape sequences (\x1b), direction changes (\u202e), line ends
// (\n) and invalid UTF-8 (\xff).
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
