package expr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/table"
)

// addressFunctions work on mail and network addresses.
var addressFunctions = map[string]*function{
	"domain": {usage: "domain(email) text", doc: "the part after the @, in lower case, an international name as xn--; null when the text is not a mail address",
		example: `domain('Ada@Mail.Example')`, value: `"mail.example"`, cost: "1 + email/8",
		args: []types{text}, result: text, null: true, form: domainForm, pure: true, call: domain},
	"localPart": {usage: "localPart(email) text", doc: "the part before the @; null when the text is not a mail address",
		example: `localPart('Ada@Mail.Example')`, value: `"Ada"`, cost: "1 + email/8",
		args: []types{text}, result: text, null: true, pure: true, call: localPart},
	"inCIDR": {usage: "inCIDR(ip, networks…) boolean", doc: "the address is in one of the networks, which are written out or a list of vars; null when the text is not an address",
		example: `inCIDR('10.1.2.3', '10.0.0.0/8', '2001:db8::/32')`, value: `true`, cost: "4",
		args: []types{text, text | list}, variadic: true, result: boolean, null: true, constArgs: 0xfe, bind: inCIDR},
}

// maxAddress is longer than any mail address (RFC 5321, section 4.5.3.1).
const maxAddress = 1 << 10

// domain is the domain of a mail address. An address that a mail system could read as another one
// has none: then the rule's `missing` decides, not the sender.
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
	return textOfBytes(append(reserveText(r, n), buf[:n]...))
}

// domainForm is s as domain gives it.
func domainForm(s string) string {
	var buf [table.MaxName]byte
	if n := table.FoldDomain(&buf, s); n > 0 {
		return string(buf[:n])
	}
	return lowerForm(s)
}

func localPart(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
	local, _ := address(r, args[0].Text())
	if local == "" {
		return runtime.Value{}
	}
	return runtime.TextOf(local)
}

// address splits a mail address at its @; both parts are empty when it is invalid.
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

// isLocal reports whether s can precede the @: it is quoted, or needs no quotes (RFC 5322, section
// 3.4.1). Dots may stand anywhere: there are mailboxes with two in a row.
func isLocal(s string) bool {
	if s[0] == '"' {
		return isQuoted(s[1:])
	}
	return strings.IndexFunc(s, special) < 0
}

// isQuoted reports whether the quote that is open before s ends exactly where s does.
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

// special reports characters that no unquoted local part has, including those that some systems
// read as an @.
func special(c rune) bool {
	switch c {
	case ' ', '"', '(', ')', ',', ':', ';', '<', '>', '@', '[', '\\', ']', '\uff20', '\ufe6b':
		return true
	}
	return !unicode.IsPrint(c)
}

// inCIDR makes a table of the networks and looks addresses up in it.
func inCIDR(_ *Env, args []runtime.Value) (callFunc, error) {
	var entries []table.Entry
	for _, v := range args[1:] {
		parts := []runtime.Value{v}
		if v.Kind() == runtime.List {
			parts = constants(v)
		}
		for _, p := range parts {
			if p.Kind() != runtime.String {
				return nil, fmt.Errorf("inCIDR wants networks such as 10.0.0.0/8, got %s", p.Kind())
			}
			entries = append(entries, table.Entry{Key: p.Text()})
		}
	}
	networks, err := table.New(table.CIDRs, entries)
	if err != nil {
		return nil, fmt.Errorf("inCIDR: %w", err)
	}
	return func(r *runtime.Run, args []runtime.Value, _ string) runtime.Value {
		charge(r, 3)
		s := args[0].Text()
		if networks.Has(s) {
			return runtime.BoolOf(true)
		}
		if !table.IsAddress(s) {
			return runtime.Value{}
		}
		return runtime.BoolOf(false)
	}, nil
}

// constants are the values of a constant list.
func constants(list runtime.Value) []runtime.Value {
	if built := list.Items(); built != nil {
		return built
	}
	var all []runtime.Value
	for n := range list.Node().Elements() {
		all = append(all, runtime.NodeOf(n))
	}
	return all
}
