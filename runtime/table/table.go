// Package table finds values by key for rules: members, values, rows, networks and domains.
package table

import (
	"fmt"
	"math"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// The kinds of tables: how a key finds its entry.
const (
	Set     = "set"     // the key is a member
	Map     = "map"     // the key is a key
	Rows    = "rows"    // the key is the row's key column
	CIDRs   = "cidrs"   // the key is an address in a network; the longest prefix wins
	Domains = "domains" // the key is a domain or one of its subdomains; the longest wins
)

// Limits of a table.
const (
	MaxEntries = 1 << 20
	MaxText    = 64 << 20 // bytes of all values as JSON
)

// Entry is one key of a new table, and its value.
type Entry struct {
	Key   string
	Value []byte // JSON; nil stands for true
}

// Table finds a value by a key. It is immutable and safe for concurrent readers. Has and Lookup do
// not allocate, except for a key with a colon that is
// not an IPv6 address, and for a domain in Unicode.
type Table struct {
	as     string
	size   int
	values jsondoc.Doc
	exact  map[string]jsondoc.Node // set, map, rows; domains as FoldDomain has them
	labels int                     // domains: labels of the longest one
	v4, v6 spans                   // cidrs
}

// New makes a table of the kind Set, Map, Rows, CIDRs or Domains. An error is Errors and lists
// every wrong entry. New copies the values it keeps, and keeps the keys.
func New(as string, entries []Entry) (*Table, error) {
	if len(entries) > MaxEntries {
		return nil, Errors{{Entry: MaxEntries, First: -1, Err: fmt.Errorf("%w: want at most %d entries", ErrSize, MaxEntries)}}
	}
	t := &Table{as: as, size: len(entries)}
	nodes, err := t.parseValues(entries)
	if err != nil {
		return nil, err
	}
	var errs Errors
	switch as {
	case Set, Map, Rows:
		errs = t.indexKeys(entries, nodes)
	case CIDRs:
		errs = t.indexNetworks(entries, nodes)
	case Domains:
		errs = t.indexDomains(entries, nodes)
	default:
		return nil, fmt.Errorf("a table cannot be read as %q", as)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return t, nil
}

// parseValues parses all values into the table's own Doc and returns each entry's node.
func (t *Table) parseValues(entries []Entry) ([]jsondoc.Node, error) {
	size := len("[true]")
	for i, e := range entries {
		if size += len(e.Value) + 1; size > MaxText {
			return nil, Errors{{Entry: i, First: -1, Err: fmt.Errorf("%w: want at most %d bytes of values", ErrSize, MaxText)}}
		}
	}
	text := make([]byte, 0, size)
	text = append(text, "[true"...)
	var errs Errors
	var one jsondoc.Doc
	for i, e := range entries {
		if e.Value == nil {
			continue
		}
		if err := one.Parse(e.Value, jsondoc.Limits{Bytes: MaxText}); err != nil {
			errs = append(errs, &EntryError{Entry: i, First: -1, Err: fmt.Errorf("read its value: %w", err)})
			continue
		}
		text = append(append(text, ','), e.Value...)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	if err := t.values.Parse(append(text, ']'), jsondoc.Limits{Bytes: math.MaxInt32, Depth: 65}); err != nil {
		return nil, err
	}
	return t.nodes(entries), nil
}

// nodes is each entry's node. The first node of the Doc is the true that entries without a value
// share.
func (t *Table) nodes(entries []Entry) []jsondoc.Node {
	nodes := make([]jsondoc.Node, len(entries))
	yes, at := t.values.Root().At(0), -1
	for n := range t.values.Root().Elements() {
		if at < 0 {
			at = 0
			continue
		}
		for entries[at].Value == nil {
			nodes[at], at = yes, at+1
		}
		nodes[at], at = n, at+1
	}
	for ; at < len(entries); at++ {
		nodes[at] = yes
	}
	return nodes
}

func (t *Table) indexKeys(entries []Entry, nodes []jsondoc.Node) (errs Errors) {
	t.exact = make(map[string]jsondoc.Node, len(entries))
	seen := make(map[string]int, len(entries))
	for i, e := range entries {
		if first, ok := seen[e.Key]; ok {
			errs = append(errs, &EntryError{Entry: i, First: first, Err: ErrDuplicate})
			continue
		}
		seen[e.Key] = i
		t.exact[e.Key] = nodes[i]
	}
	return errs
}

// Has reports whether the key finds an entry.
func (t *Table) Has(key string) bool { return t.Lookup(key).Kind() != jsondoc.Missing }

// Lookup is the key's value: true for an entry without one, missing when no entry matches. A table
// of networks has no entry for a key that is not an address, and a table of domains none for a key
// that is not a domain: see CanHave.
func (t *Table) Lookup(key string) jsondoc.Node {
	switch t.as {
	case CIDRs:
		return t.findNetwork(key)
	case Domains:
		return t.findDomain(key)
	default:
		return t.exact[key]
	}
}

// CanHave reports whether the table could have the key: a table of networks has only addresses, a
// table of domains only domains. For other keys a lookup has no meaning, whether the table allows
// or denies its entries.
func (t *Table) CanHave(key string) bool {
	switch t.as {
	case CIDRs:
		return IsAddress(key)
	case Domains:
		var buf [MaxName]byte
		return FoldDomain(&buf, key) > 0
	default:
		return true
	}
}

// Len is the number of entries.
func (t *Table) Len() int { return t.size }

// As is the kind of the table.
func (t *Table) As() string { return t.as }
