package table

import (
	"fmt"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// A name's longest text, without the root's dot, and a label's (RFC 1035, section 2.3.4).
const (
	maxName  = 253
	maxLabel = 63
)

func (t *Table) indexDomains(entries []Entry, nodes []hook.Node) (errs Errors) {
	t.exact = make(map[string]hook.Node, len(entries))
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

// parseDomain gives the name as it is kept: ASCII in lower case, no dot at the end. Everything else stays as written: a
// name in Unicode and its xn-- form are two names here, and Okta sends what the user typed.
func parseDomain(s string) (string, error) {
	var buf [maxName]byte
	if n := foldDomain(&buf, s); n > 0 {
		return string(buf[:n]), nil
	}
	bare := strings.TrimPrefix(strings.TrimPrefix(s, "*"), ".")
	if n := foldDomain(&buf, bare); bare != s && n > 0 {
		return "", fmt.Errorf("%w: want %s, which matches its subdomains too", ErrDomain, buf[:n])
	}
	return "", fmt.Errorf("%w: want a name such as example.com", ErrDomain)
}

// foldDomain writes the name into buf as it is kept and returns its length, 0 when it is not a domain.
func foldDomain(buf *[maxName]byte, s string) int {
	if s != "" && s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	if s == "" || len(s) > maxName {
		return 0
	}
	begin := 0 // of the label
	for i := range len(s) {
		c := folded[s[i]]
		if c == 0 {
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

// folded is each byte of a name as it is kept, 0 for those that no name has: those of host names stay, in lower case, and
// so do the underscore that DNS allows and whatever is not ASCII.
var folded = func() (fold [256]byte) {
	for i := range fold {
		switch c := byte(i); {
		case 'A' <= c && c <= 'Z':
			fold[i] = c + 'a' - 'A'
		case c >= 0x80, c == '.', c == '-', c == '_', '0' <= c && c <= '9', 'a' <= c && c <= 'z':
			fold[i] = c
		}
	}
	return fold
}()

// domain finds the longest name that is the key or that the key is beneath, label by label from the right.
func (t *Table) domain(key string) (found hook.Node) {
	var buf [maxName]byte
	n := foldDomain(&buf, key)
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
