package table

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Limits of a name, without the root's dot, and of a label (RFC 1035, section 2.3.4).
const (
	MaxName  = 253
	maxLabel = 63
)

func (t *Table) indexDomains(entries []Entry, nodes []jsondoc.Node) (errs Errors) {
	t.exact = make(map[string]jsondoc.Node, len(entries))
	seen := make(map[string]int, len(entries))
	for i, e := range entries {
		name, err := parseDomain(e.Key)
		if err != nil {
			errs = append(errs, &EntryError{Entry: i, First: -1, Err: err})
			continue
		}
		if first, ok := seen[name]; ok {
			errs = append(errs, &EntryError{Entry: i, First: first, Err: ErrDuplicate})
			continue
		}
		seen[name] = i
		t.exact[name] = nodes[i]
		t.labels = max(t.labels, strings.Count(name, ".")+1)
	}
	return errs
}

// parseDomain is the name as the table stores it, see FoldDomain.
func parseDomain(s string) (string, error) {
	var buf [MaxName]byte
	if n := FoldDomain(&buf, s); n > 0 {
		return string(buf[:n]), nil
	}
	bare := strings.TrimPrefix(strings.TrimPrefix(s, "*"), ".")
	if n := FoldDomain(&buf, bare); bare != s && n > 0 {
		return "", fmt.Errorf("%w: want %s, which matches its subdomains too", ErrDomain, buf[:n])
	}
	return "", fmt.Errorf("%w: want a name such as example.com", ErrDomain)
}

// FoldDomain writes the name into buf in lower case and without a final dot, and returns its length
// in bytes; 0 when s is not a domain. A name in Unicode becomes its xn-- form (RFC 5891): mail
// clients and lists write either, and both are the same name in the DNS.
func FoldDomain(buf *[MaxName]byte, s string) int {
	if s != "" && s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	if s == "" || len(s) > MaxName {
		return 0
	}
	begin := 0 // of the label
	for i := range len(s) {
		c := foldByte[s[i]]
		if c == 0 {
			if s[i] >= utf8.RuneSelf {
				return foldUnicode(buf, s)
			}
			return 0
		}
		buf[i] = c
		if c == '.' {
			if i == begin || i-begin > maxLabel {
				return 0
			}
			begin = i + 1
		}
	}
	if begin == len(s) || len(s)-begin > maxLabel {
		return 0
	}
	return len(s)
}

// foldUnicode is FoldDomain for a name that is not all ASCII.
func foldUnicode(buf *[MaxName]byte, s string) int {
	n, begin := 0, 0
	for _, c := range s {
		if c = foldRune(c); c == 0 || n+utf8.RuneLen(c) > len(buf) {
			return 0
		}
		if c == '.' {
			if n == begin || n-begin > maxLabel {
				return 0
			}
			begin = n + 1
		}
		n += utf8.EncodeRune(buf[n:], c)
	}
	if begin == n || n-begin > maxLabel {
		return 0
	}
	return encodeUnicode(buf, n)
}

// encodeUnicode writes the xn-- form of the first n bytes of buf over them.
func encodeUnicode(buf *[MaxName]byte, n int) int {
	ascii, err := idna.Punycode.ToASCII(string(buf[:n]))
	if err != nil || len(ascii) > MaxName {
		return 0
	}
	for label := range strings.SplitSeq(ascii, ".") {
		if len(label) > maxLabel {
			return 0
		}
	}
	return copy(buf[:], ascii)
}

// foldRune is a name's character in lower case, 0 for a character that names do not have. A
// character that mail systems and browsers read as another one, such as a full-width letter, a
// ligature or a ring above, is rejected: evil。com is the same name as evil.com to them.
func foldRune(c rune) rune {
	if c < utf8.RuneSelf {
		return rune(foldByte[c])
	}
	small := unicode.ToLower(c)
	if small < utf8.RuneSelf || !unicode.In(small, unicode.L, unicode.M, unicode.Nd) || unicode.In(c, aliases) || unicode.In(small, aliases) {
		return 0
	}
	return small
}

// aliases are the letters, marks and digits (and the ranges between them) that compatibility
// normalization (UAX 15, NFKC) replaces, the marks that it composes with the letter before, and
// invisible ones. No alias of an ASCII name is left out: ß is a letter of its own since IDNA 2008.
var aliases = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00aa, 0x00aa, 1}, {0x00ba, 0x00ba, 1}, {0x0130, 0x0130, 1}, {0x0132, 0x0133, 1}, {0x013f, 0x0140, 1},
		{0x0149, 0x0149, 1}, {0x017f, 0x017f, 1}, {0x01c4, 0x01cc, 1}, {0x01f1, 0x01f3, 1}, {0x02b0, 0x036f, 1},
		{0x037a, 0x037a, 1}, {0x115f, 0x1160, 1}, {0x17b4, 0x17b5, 1}, {0x180b, 0x180f, 1}, {0x1d2c, 0x1dff, 1},
		{0x1e9a, 0x1e9b, 1}, {0x2000, 0x2bff, 1}, {0x2c7c, 0x2c7d, 1}, {0x3000, 0x3004, 1}, {0x3131, 0x318f, 1},
		{0xa69c, 0xa69d, 1}, {0xa770, 0xa770, 1}, {0xa7f2, 0xa7f9, 1}, {0xab5c, 0xab5f, 1}, {0xf900, 0xffff, 1},
	},
	R32: []unicode.Range32{
		{0x10780, 0x107bf, 1}, {0x1d400, 0x1d7ff, 1}, {0x1ee00, 0x1fbff, 1}, {0x2f800, 0x2fa1f, 1}, {0xe0000, 0xe0fff, 1},
	},
}

// foldByte maps each byte of a name to its stored form, 0 for bytes that names do not have: host
// names' bytes stay, in lower case, and so does the underscore that DNS allows.
var foldByte = func() (fold [256]byte) {
	for i := range fold {
		switch c := byte(i); {
		case 'A' <= c && c <= 'Z':
			fold[i] = c + 'a' - 'A'
		case c == '.', c == '-', c == '_', '0' <= c && c <= '9', 'a' <= c && c <= 'z':
			fold[i] = c
		}
	}
	return fold
}()

// findDomain finds the longest name that is the key or a parent of it, label by label from the
// right.
func (t *Table) findDomain(key string) (found jsondoc.Node) {
	var buf [MaxName]byte
	n := FoldDomain(&buf, key)
	labels := 0
	for i := n - 1; i >= 0 && labels < t.labels; i-- {
		if i > 0 && buf[i-1] != '.' {
			continue
		}
		labels++
		if v, ok := t.exact[string(buf[i:n])]; ok {
			found = v
		}
	}
	return found
}
