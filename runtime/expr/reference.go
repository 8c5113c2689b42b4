package expr

import (
	"maps"
	"slices"
)

// Entry is a function of the language, for its reference.
type Entry struct {
	Name, Usage, Doc string
	Refused          bool // expr has it and we have not; Doc says what to do instead
}

// Reference lists all functions by name: what there is, and what is refused.
func Reference() []Entry {
	var all []Entry
	for name, q := range quantifiers {
		all = append(all, Entry{Name: name, Usage: q.usage, Doc: q.doc})
	}
	for name, f := range functions {
		all = append(all, Entry{Name: name, Usage: f.usage, Doc: f.doc})
	}
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		all = append(all, Entry{Name: name, Doc: refused[name], Refused: true})
	}
	slices.SortFunc(all, func(a, b Entry) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return all
}
