package expr

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/table"
)

// maxAddress is more than any mail address has (RFC 5321, section 4.5.3.1).
const maxAddress = 1 << 10

// domain is the domain of a mail address. What a mail system could take for another address than we do has none: then
// the rule's `missing` decides, and not whoever has thought it up.
func domain(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	_, s := address(r, args[0].Text())
	if s == "" {
		return runtime.Value{}
	}
	var buf [table.MaxName]byte
	n := table.FoldDomain(&buf, s)
	if string(buf[:n]) == s[:min(n, len(s))] {
		return runtime.TextOf(s[:n])
	}
	return built(append(room(r, n), buf[:n]...))
}

func localPart(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	local, _ := address(r, args[0].Text())
	if local == "" {
		return runtime.Value{}
	}
	return runtime.TextOf(local)
}

// address cuts a mail address at its @; both parts are empty when it is none.
func address(r *runtime.Run, s string) (local, domain string) {
	if len(s) > maxAddress {
		return "", ""
	}
	charge(r, 1+int64(len(s))>>3)
	i := strings.LastIndexByte(s, '@')
	if i <= 0 {
		return "", ""
	}
	local, domain = s[:i], s[i+1:]
	var buf [table.MaxName]byte
	if !isLocal(local) || table.FoldDomain(&buf, domain) == 0 {
		return "", ""
	}
	return local, domain
}

// isLocal reports whether s can be in front of an @: it is quoted, or has nothing that would have to be (RFC 5322, section
// 3.4.1). Where the dots are is no matter: there are mailboxes with two in a row.
func isLocal(s string) bool {
	if s[0] == '"' {
		return isQuoted(s[1:])
	}
	return strings.IndexFunc(s, special) < 0
}

// isQuoted reports whether the quote that is open in front of s ends where s does.
func isQuoted(s string) bool {
	for i := 0; i < len(s); {
		c, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case c == '"':
			return i > 0 && i == len(s)-1
		case c == '\\' && i+1 < len(s):
			i++
			c, size = utf8.DecodeRuneInString(s[i:])
		}
		if !unicode.IsPrint(c) {
			return false
		}
		i += size
	}
	return false
}

// special reports what no local part without quotes has, with the characters that are an @ to some.
func special(c rune) bool {
	switch c {
	case ' ', '"', '(', ')', ',', ':', ';', '<', '>', '@', '[', '\\', ']', '\uff20', '\ufe6b':
		return true
	}
	return !unicode.IsPrint(c)
}
