package tables

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// place is a position in a file: line and column, the number of a document's entry, or the offset
// of a byte, each from 1.
type place struct{ line, column, entry, offset int }

// resolve returns the place with a line and a column in characters.
func (r *tableReader) resolve(p place) place {
	switch {
	case p.entry > 0 && p.entry <= len(r.places):
		return r.places[p.entry-1]
	case p.entry > 0:
		return r.byteAt(entryOffset(r.text, p.entry-1))
	case p.offset > 0:
		return r.byteAt(p.offset - 1)
	case p.column > 1:
		line := r.source().LineText(p.line)
		p.column = 1 + document.Columns(line[:min(p.column-1, len(line))])
	}
	return p
}

// byteAt is the place of a byte of the text.
func (r *tableReader) byteAt(at int) place {
	before := r.text[:min(at, len(r.text))]
	begin := bytes.LastIndexByte(before, '\n') + 1
	return place{line: 1 + bytes.Count(before, []byte("\n")), column: 1 + document.Columns(string(before[begin:]))}
}

// entryOffset is the offset of element or member i of a JSON text.
func entryOffset(text []byte, i int) int {
	d := json.NewDecoder(bytes.NewReader(text))
	open, err := d.Token()
	var skipped json.RawMessage
	for ; err == nil && d.More() && i > 0; i-- {
		if open == json.Delim('{') {
			_, err = d.Token()
		}
		if err == nil {
			err = d.Decode(&skipped)
		}
	}
	at := int(d.InputOffset())
	return at + len(text[at:]) - len(bytes.TrimLeft(text[at:], " \t\r\n,"))
}

// yaml reads a YAML file, with the limits of a policy file.
func (r *tableReader) yaml() {
	if len(r.text) > document.MaxBytes {
		r.addAtMember("file", "%s is too large for YAML: want at most %d MiB, or a .csv or .json file", r.spec.file, document.MaxBytes>>20)
		return
	}
	r.src = document.NewSource(r.spec.file, r.text)
	root, problems := document.Parse(r.src)
	r.problems = append(r.problems, problems...)
	if root == nil && len(problems) == 0 {
		r.add(place{line: 1, column: 1}, "the file is empty: want a list or a map")
	}
	if root != nil && len(problems) == 0 {
		r.nodes(root)
	}
}

// nodes reads the entries of a list or map in YAML.
func (r *tableReader) nodes(root *document.Node) {
	for _, n := range root.Items {
		r.places = append(r.places, place{line: n.Line, column: n.Column})
	}
	for _, m := range root.Members {
		r.places = append(r.places, place{line: m.KeyNode.Line, column: m.KeyNode.Column})
	}
	text, ok := document.AppendJSON(nil, root, table.MaxText)
	if !ok {
		r.broken = true
		return
	}
	if len(text) > table.MaxText {
		r.add(place{line: root.Line, column: root.Column}, "the table is too large: want at most %d MiB of values", table.MaxText>>20)
		return
	}
	r.document(text)
}

// document reads the entries of a JSON text.
func (r *tableReader) document(text []byte) {
	var doc jsondoc.Doc
	if err := doc.Parse(text, jsondoc.Limits{Bytes: 2 * table.MaxText}); err != nil {
		at := place{entry: 1}
		if e, ok := errors.AsType[*jsondoc.SyntaxError](err); ok && r.places == nil {
			at = place{offset: e.Offset + 1}
			err = fmt.Errorf("%w: want %s", e.Err, e.Want)
		}
		r.add(at, "%s", err)
		return
	}
	root, entry := doc.Root(), 0
	if root.Kind() != jsondoc.Array && root.Kind() != jsondoc.Object {
		r.add(place{line: 1, column: 1}, "want a list or a map of entries")
		return
	}
	for n := range root.Elements() {
		entry++
		if !r.element(n, place{entry: entry}) {
			return
		}
	}
	for name, n := range root.Members() {
		entry++
		if !r.member(name, n, place{entry: entry}) {
			return
		}
	}
}

// element reads one entry of a list: a key, or an object that has it in a member.
func (r *tableReader) element(n jsondoc.Node, at place) bool {
	member := r.spec.key + r.spec.column
	if n.Kind() != jsondoc.Object {
		key, ok := keyOf(n)
		switch {
		case member != "":
			r.add(at, "want an object with a member %q", member)
		case r.spec.as == table.Map || r.spec.as == table.Rows:
			r.addAtMember("as", "%s is a list of keys without values: want as: %s, %s or %s", r.spec.file, table.Set, table.CIDRs, table.Domains)
			return false
		case !ok:
			r.add(at, "want a text or a number, got %s", KindNames[n.Kind()])
		default:
			return r.addEntry(key, nil, at)
		}
		return true
	}
	if member == "" {
		r.add(at, "want a text or a number, got an object: name the member to take in %s:", r.spec.keyOption())
		return true
	}
	key, ok := keyOf(n.Get(member))
	if !ok {
		r.add(at, "want a text or a number in member %q, got %s%s", member, KindNames[n.Get(member).Kind()], otherMember(n, member))
		return true
	}
	value, ok := r.value(n, at)
	return !ok || r.addEntry(key, value, at)
}

// member reads one entry of a map.
func (r *tableReader) member(name string, n jsondoc.Node, at place) bool {
	switch {
	case r.spec.as == table.Set:
		r.addAtMember("as", "%s is a map: want a list, or as: map", r.spec.file)
		return false
	case r.spec.column != "" || r.spec.key != "":
		r.addAtMember("as", "%s is a map, whose names are the keys: want no key: or column:", r.spec.file)
		return false
	case r.spec.as == table.Rows && n.Kind() != jsondoc.Object:
		r.add(at, "want an object for as: rows")
		return true
	}
	return r.addEntry(strings.Clone(name), n.Raw(), at)
}

// value is the JSON of an object's value: none, one member, or all of it.
func (r *tableReader) value(n jsondoc.Node, at place) ([]byte, bool) {
	switch {
	case r.spec.column != "":
		return nil, true
	case r.spec.value == "" && r.spec.as == table.Map:
		r.addAtMember("as", "want value: for as: map, or as: rows")
		return nil, false
	case r.spec.value == "":
		return n.Raw(), true
	}
	v := n.Get(r.spec.value)
	if k := v.Kind(); k == jsondoc.Missing || k == jsondoc.Null {
		r.add(at, "want a value in member %q, got %s%s", r.spec.value, KindNames[k], otherMember(n, r.spec.value))
		return nil, false
	}
	return v.Raw(), true
}

// keyOf is a scalar as a key: a number is the text it is written as.
func keyOf(n jsondoc.Node) (string, bool) {
	switch n.Kind() {
	case jsondoc.String:
		return strings.Clone(n.Text()), true
	case jsondoc.Number, jsondoc.True, jsondoc.False:
		return string(n.Raw()), true
	}
	return "", false
}

// KindNames are the names of the kinds in problems.
var KindNames = [...]string{
	jsondoc.Missing: "nothing", jsondoc.Null: "null", jsondoc.False: "false", jsondoc.True: "true",
	jsondoc.Number: "a number", jsondoc.String: "a text", jsondoc.Array: "a list", jsondoc.Object: "an object",
}

// otherMember suggests another member for a missing one.
func otherMember(n jsondoc.Node, missing string) string {
	if n.Get(missing).Kind() != jsondoc.Missing {
		return ""
	}
	var names []string
	for name := range n.Members() {
		names = append(names, name)
	}
	return document.Suggest(missing, names)
}
