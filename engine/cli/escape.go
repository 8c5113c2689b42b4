package cli

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// escapingWriter writes text that strangers had a hand in, which a terminal must not obey: what is no printable character, but controls one or
// turns the direction of what follows, is written as JSON would escape it, \u009b. In JSON that changes nothing: outside of strings
// there is none but line ends and tabs, which are left alone. Each Write is of whole characters.
type escapingWriter struct{ w io.Writer }

func (i escapingWriter) Write(text []byte) (int, error) {
	out := make([]byte, 0, len(text))
	for rest := text; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		switch {
		case n == 1 && r == utf8.RuneError:
			out = append(out, `\ufffd`...)
		case r == '\n', r == '\t', !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			out = append(out, rest[:n]...)
		case r < 1<<16:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		}
		rest = rest[n:]
	}
	if _, err := i.w.Write(out); err != nil {
		return 0, err
	}
	return len(text), nil
}
