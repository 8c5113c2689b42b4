package cli

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// escapingWriter makes untrusted text safe for a terminal: it escapes control characters and
// characters that change the text direction as JSON does, \u009b. JSON keeps its meaning, because
// outside of strings it contains no such characters except line ends and tabs, which stay. Each
// Write must contain whole characters.
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
