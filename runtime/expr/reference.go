package expr

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Entry is an entry of the reference: a function of the language, or another notation.
type Entry struct {
	Name, Usage, Doc string
	Missing          string // the result when an argument is missing
	Cost             string // in fuel
	Example, Value   string // an expression and its value as JSON
	Unsupported      bool   // expr has it and this language does not; Doc says what to use instead
}

// notations are the entries beside functions.
var notations = []Entry{
	{Name: "??", Usage: "value ?? other", Doc: "the first of them that is not missing", Missing: "the other", Cost: "1",
		Example: `data.userProfile.gone ?? 'none'`, Value: `"none"`},
	{Name: "tables", Usage: "tables.NAME[key] ?? value", Doc: "the table's value for a key, or another value without one", Missing: "null", Cost: "4 + key/64",
		Example: `tables.tiers['silver'] ?? 1`, Value: `1`},
	{Name: "in", Usage: "value in list, object or table", Doc: "it is one of them, a member's name, a key; a domain is in a table with a domain above it", Missing: "false", Cost: "1 to 4, or 1 for each value of a list",
		Example: `'eu.partner.example' in tables.partners`, Value: `true`},
	{Name: "matches", Usage: "text matches pattern", Doc: "a regular expression (RE2), written out, finds something", Missing: "null", Cost: "1 + text × instructions of the pattern/8",
		Example: `'ada-42' matches '-[0-9]+$'`, Value: `true`},
	{Name: "contains", Usage: "text contains part", Doc: "also startsWith and endsWith", Missing: "null", Cost: "1 + text/16",
		Example: `'CN=Admins,DC=example' contains 'Admins'`, Value: `true`},
	{Name: "[ ]", Usage: "list[from:to], text[from:to]", Doc: "some of the values or characters; a negative place counts from the end", Missing: "null", Cost: "1 + the skipped part/16",
		Example: `'Lovelace'[:4] + ['a', 'b'][-1]`, Value: `"Loveb"`},
}

// Reference lists the language by name: functions and quantifiers, then other notations, then
// unsupported functions.
func Reference() []Entry {
	var all []Entry
	for name, q := range quantifiers {
		missing := "null"
		if q.empty {
			missing = "as for an empty list"
		}
		all = append(all, Entry{name, q.usage, q.doc, missing, "1 + 1 for each value, and the cost of its condition or value", q.example, q.value, false})
	}
	for name, f := range functions {
		all = append(all, Entry{name, f.usage, f.doc, f.missing(), cmp.Or(f.cost, "1"), f.example, f.value, false})
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	all = append(all, notations...)
	for _, name := range slices.Sorted(maps.Keys(unsupportedFuncs)) {
		all = append(all, Entry{Name: name, Doc: unsupportedFuncs[name], Unsupported: true})
	}
	return all
}

// missing is the result of a function with a missing argument.
func (f *function) missing() string {
	switch {
	case len(f.args) == 0:
		return ""
	case f.empty:
		return "0"
	case f.nullArgs != 0:
		return "see its text"
	}
	return "null"
}

// AppendReference appends the reference as a page of Markdown.
func AppendReference(dst []byte) []byte {
	dst = append(dst, page...)
	row := func(cells ...string) {
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(c, "|", `\|`)
		}
		dst = fmt.Appendf(dst, "| %s |\n", strings.Join(cells, " | "))
	}
	row("notation", "meaning", "with a missing argument", "fuel", "example", "result")
	row("---", "---", "---", "---", "---", "---")
	for _, e := range Reference() {
		if !e.Unsupported {
			row("`"+e.Usage+"`", e.Doc, e.Missing, e.Cost, "`"+e.Example+"`", "`"+e.Value+"`")
		}
	}
	dst = append(dst, "\nNot supported, though expr has it:\n\n"...)
	row("function", "use instead")
	row("---", "---")
	for _, e := range Reference() {
		if e.Unsupported {
			row("`"+e.Name+"`", e.Doc)
		}
	}
	return dst
}

const page = `# The functions of the rule language

Written from the code by ` + "`go test ./runtime/expr -run TestReference -update`" + `; every example is run by that test.

A function of null gives null. A value of the wrong kind makes the rule fail; where the kind is known
beforehand, loading the policy fails. Fuel is charged before the work; a text counts in bytes.
A ? marks an argument that may be left out, an … one that may be repeated.

`
