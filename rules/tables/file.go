package tables

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// tableReader parses the text of a table into entries and collects the problems.
type tableReader struct {
	spec     tableSpec
	text     []byte           // of the file; nil for an inline table
	src      *document.Source // made from text for the first problem
	entries  []tableEntry
	places   []place // of a document's entries; without them, entryOffset finds them in text
	size     int     // bytes of all values
	problems document.Problems
	more     int  // problems over maxTableProblems
	broken   bool // the reader of the file reported a problem
}

// add reports a problem at a place of the table's file.
func (r *tableReader) add(at place, format string, args ...any) {
	if len(r.problems) == maxTableProblems {
		r.more++
		return
	}
	at = r.resolve(at)
	p := r.source().Problem(at.line, at.column, fmt.Sprintf(format, args...))
	const longest = 1000
	if len(p.Source) > longest {
		p.Source = ""
	}
	r.problems = append(r.problems, p)
}

func (r *tableReader) source() *document.Source {
	if r.src == nil {
		r.src = document.NewSource(r.spec.file, r.text)
	}
	return r.src
}

// addAtMember reports a problem at a member of {file, as, ...} in the policy, or at its file:
// without that member.
func (r *tableReader) addAtMember(member, format string, args ...any) {
	n := r.spec.at.Get(member)
	if n == nil {
		n = r.spec.at.Get("file")
	}
	r.problems = append(r.problems, n.Problem(format, args...))
}

// addEntry adds an entry; false ends the reading, because the table is full.
func (r *tableReader) addEntry(key string, value []byte, at place) bool {
	if r.size += len(value) + 1; r.size > table.MaxText || len(r.entries) == table.MaxEntries {
		r.add(at, "the table is too large: want at most %d entries and %d MiB of values", table.MaxEntries, table.MaxText>>20)
		return false
	}
	if key == "" {
		r.add(at, "the key is empty")
		return true
	}
	r.entries = append(r.entries, tableEntry{table.Entry{Key: key, Value: value}, at})
	return true
}

// read reads a file of any of the tableFormats.
func (r *tableReader) read(text []byte) {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		r.addAtMember("file", "%s is UTF-16: save it as UTF-8", r.spec.file)
		return
	}
	r.text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(r.text) {
		r.add(r.invalidUTF8(), "not UTF-8")
		return
	}
	switch path.Ext(r.spec.file) {
	case ".csv":
		r.csv()
	case ".txt":
		r.lines()
	case ".json":
		r.document(r.text)
	default:
		r.yaml()
	}
}

// invalidUTF8 is the first place that is not UTF-8.
func (r *tableReader) invalidUTF8() place {
	line := 1
	for one := range bytes.Lines(r.text) {
		if !utf8.Valid(one) {
			break
		}
		line++
	}
	return place{line: line, column: 1}
}

// lines reads one entry a line. A # at the start of a line or after white space begins a comment.
func (r *tableReader) lines() {
	if r.spec.as == table.Map || r.spec.as == table.Rows {
		r.addAtMember("as", "a .txt file has entries without values: want as: %s, %s or %s", table.Set, table.CIDRs, table.Domains)
		return
	}
	for _, member := range []string{"column", "key", "value"} {
		if r.spec.at.Get(member) != nil {
			r.addAtMember(member, "a .txt file has no columns: want no %s:", member)
			return
		}
	}
	line := 0
	for text := range strings.Lines(string(r.text)) {
		line++
		entry := strings.TrimSpace(cutComment(text))
		if entry == "" {
			continue
		}
		if !r.addEntry(entry, nil, place{line: line, column: 1 + strings.Index(text, entry)}) {
			return
		}
	}
}

func cutComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

// csv reads RFC 4180: a line of column names, then as many cells in each line. White space around a
// cell is removed. The object of a row omits empty cells: a rule sees null.
func (r *tableReader) csv() {
	c := csv.NewReader(bytes.NewReader(r.text))
	c.FieldsPerRecord = -1
	c.ReuseRecord = true
	record, err := c.Read()
	if err != nil {
		r.csvError(err, "the first line: want the names of the columns")
		return
	}
	columns := make([]string, len(record))
	for i := range record {
		columns[i] = strings.TrimSpace(record[i])
	}
	key, value, ok := r.columns(columns)
	if !ok {
		return
	}
	for {
		record, err := c.Read()
		if err != nil {
			r.csvError(err, "")
			return
		}
		if !r.row(c, columns, record, key, value) {
			return
		}
	}
}

// row reads one line of a CSV file; false ends the reading, because the table is full.
func (r *tableReader) row(c *csv.Reader, columns, record []string, key, value int) bool {
	at := func(cell int) place {
		line, column := c.FieldPos(cell)
		return place{line: line, column: column}
	}
	if len(record) != len(columns) {
		r.add(at(0), "%s here and %s in the first line", cells(len(record)), cells(len(columns)))
		return true
	}
	for _, cell := range []int{key, value} {
		if cell >= 0 && strings.TrimSpace(record[cell]) == "" {
			r.add(at(cell), "the cell in column %s is empty", columns[cell])
			return true
		}
	}
	return r.addEntry(strings.Clone(strings.TrimSpace(record[key])), r.cell(columns, record, value), at(key))
}

func cells(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", n)
}

func (r *tableReader) csvError(err error, empty string) {
	var e *csv.ParseError
	switch {
	case errors.Is(err, io.EOF) && empty != "":
		r.add(place{line: 1, column: 1}, "%s", empty)
	case errors.As(err, &e):
		r.add(place{line: e.Line, column: e.Column}, "%s", strings.ReplaceAll(e.Err.Error(), "non-quoted-field", "a cell without quotes around it"))
	}
}

// columns finds the key's and the value's columns among the names; the value's is -1 when there is
// none or it is the whole row.
func (r *tableReader) columns(names []string) (key, value int, ok bool) {
	for i, name := range names {
		if name == "" {
			r.add(place{line: 1, column: 1}, "column %d has no name", i+1)
			return 0, 0, false
		}
		if slices.Index(names, name) < i {
			r.add(place{line: 1, column: 1}, "two columns are called %q", name)
			return 0, 0, false
		}
	}
	key, value = -1, -1
	for _, want := range []struct {
		member, column string
		at             *int
	}{{"column", r.spec.column, &key}, {"key", r.spec.key, &key}, {"value", r.spec.value, &value}} {
		if want.column == "" {
			continue
		}
		if *want.at = slices.Index(names, want.column); *want.at < 0 {
			r.addAtMember(want.member, "%s has no column %q%s", r.spec.file, want.column, SuggestColumn(want.column, names))
			return 0, 0, false
		}
	}
	if key < 0 {
		r.addAtMember("", "want %s: one of %s", r.spec.keyOption(), strings.Join(names, ", "))
		return 0, 0, false
	}
	if value < 0 && r.spec.as == table.Map {
		r.addAtMember("", "want value: for as: map, one of %s, or as: rows", strings.Join(names, ", "))
		return 0, 0, false
	}
	return key, value, true
}

// SuggestColumn suggests a column for a name that is not among the names.
func SuggestColumn(missing string, names []string) string {
	if hint := document.Suggest(missing, names); hint != "" {
		return hint
	}
	if len(names) == 1 && strings.ContainsAny(names[0], ";\t") {
		return ": its first line has no comma, and commas go between columns"
	}
	return ": want one of " + strings.Join(names, ", ")
}

// cell is the JSON of the entry's value: none, one column, or the row.
func (r *tableReader) cell(columns, record []string, value int) []byte {
	if value >= 0 {
		return jsondoc.AppendString(nil, strings.TrimSpace(record[value]))
	}
	if r.spec.column != "" {
		return nil
	}
	row := []byte{'{'}
	for i, text := range record {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		if len(row) > 1 {
			row = append(row, ',')
		}
		row = append(jsondoc.AppendString(row, columns[i]), ':')
		row = jsondoc.AppendString(row, text)
	}
	return append(row, '}')
}
