// Package tables is for reading the tables of a policy: in the policy itself, or from text, CSV,
// JSON and YAML files.
package tables

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime/table"
)

// maxTableProblems limits the problems listed for one table.
const maxTableProblems = 20

// tableSpec is the declaration of a table in a file: {file, as, ...}.
type tableSpec struct {
	file, as, column, key, value string
	minRows                      int
	maxShrink                    int // in hundredths of a per cent; -1: any
	at                           *document.Node
}

// tableEntry is an entry with its place in the file.
type tableEntry struct {
	table.Entry
	place
}

// Load reads the table that the policy declares at n: a list is a set, a map is a map, and a map
// with file: names a file. The table is nil if a problem is more than a warning. before is the
// number of entries of the table in the running Set, 0 without one.
func Load(name string, n *document.Node, f *folder.Folder, before int) (*table.Table, document.Problems) {
	switch {
	case n.Kind == document.Broken:
		return nil, nil
	case n.Kind == document.List:
		return inlineTable(n, table.Set)
	case n.Kind == document.Map && n.Get("file") == nil:
		return inlineTable(n, table.Map)
	case n.Kind == document.Map:
		return fileTable(n, f, before)
	}
	return nil, document.Problems{n.Problem("want table %s as a list, a map, or {file, as}, got %s", name, n.Describe())}
}

func inlineTable(n *document.Node, as string) (*table.Table, document.Problems) {
	r := tableReader{src: n.Source, spec: tableSpec{as: as}}
	r.nodes(n)
	for _, v := range n.Items {
		r.rejectHoles(v)
	}
	for _, m := range n.Members {
		r.rejectHoles(m.Value)
	}
	return r.build()
}

// rejectHoles reports each ${ } in a value: tables are read before any event, and without the
// environment.
func (r *tableReader) rejectHoles(n *document.Node) {
	if n.Kind == document.Text && strings.Contains(n.Text, "${") {
		r.problems = append(r.problems, n.Problem("a table holds constants: ${ } is not filled here"))
	}
	for _, v := range n.Items {
		r.rejectHoles(v)
	}
	for _, m := range n.Members {
		r.rejectHoles(m.Value)
	}
}

func fileTable(n *document.Node, f *folder.Folder, before int) (*table.Table, document.Problems) {
	spec, problems := readTableSpec(n)
	name, text, p := tableFile(n.Get("file"), f)
	problems = append(problems, p...)
	if len(problems) > 0 {
		return nil, problems
	}
	spec.file = name
	r := tableReader{spec: spec}
	r.read(text)
	t, problems := r.build()
	if t == nil {
		return nil, problems
	}
	if p, ok := spec.checkSize(t.Len(), before); !ok {
		return nil, append(problems, p)
	}
	return t, problems
}

// tableFile finds the table's file in the folder.
func tableFile(n *document.Node, f *folder.Folder) (name string, text []byte, problems document.Problems) {
	if n.Kind == document.Broken {
		return "", nil, nil
	}
	if n.Kind != document.Text || n.Text == "" {
		return "", nil, document.Problems{n.Problem("want the name of a file in the policy folder, got %s", n.Describe())}
	}
	name = path.Clean(n.Text)
	if !fs.ValidPath(name) || strings.Contains(name, `\`) {
		return "", nil, document.Problems{n.Problem("%s is not in the policy folder: want a path such as tables/partners.csv", n.Text)}
	}
	if !slices.Contains(tableFormats, path.Ext(name)) {
		return "", nil, document.Problems{n.Problem("want a file that ends in %s", document.Either(tableFormats))}
	}
	text, ok := f.File(name)
	if !ok {
		return "", nil, document.Problems{n.Problem("there is no %s in the policy folder%s", name, document.Suggest(name, f.Names()))}
	}
	return name, text, nil
}

var (
	tableFormats  = []string{".csv", ".json", ".yaml", ".yml", ".txt"}
	tableReadings = []string{table.Set, table.Map, table.Rows, table.CIDRs, table.Domains}
)

// Fields are the options of a table in a file.
var Fields = []document.Field[tableSpec]{
	{Key: "file", Doc: "A .csv, .json, .yaml or .txt file in the policy folder.", Schema: document.TextSchema, Required: true,
		Read: func(*document.Decoder, *tableSpec, *document.Node) {}}, // by tableFile
	{Key: "as", Doc: "What a key finds: a member (set), a value (map), a row (rows), the network around an address (cidrs), a domain or the one above it (domains).",
		Schema: `{"enum":["set","map","rows","cidrs","domains"]}`, Required: true,
		Read: func(d *document.Decoder, t *tableSpec, n *document.Node) { t.as = d.OneOf(n, tableReadings...) }},
	{Key: "column", Doc: "The column of the keys, for a table without values.", Schema: document.TextSchema,
		Read: func(d *document.Decoder, t *tableSpec, n *document.Node) { t.column = d.Text(n) }},
	{Key: "key", Doc: "The column of the keys, for a table with values.", Schema: document.TextSchema,
		Read: func(d *document.Decoder, t *tableSpec, n *document.Node) { t.key = d.Text(n) }},
	{Key: "value", Doc: "The column of the values; without it the value is the row.", Schema: document.TextSchema,
		Read: func(d *document.Decoder, t *tableSpec, n *document.Node) { t.value = d.Text(n) }},
	{Key: "min_rows", Doc: "The fewest entries the file may have; 1 when left out.", Schema: `{"type":"integer","minimum":0}`,
		Read: func(d *document.Decoder, t *tableSpec, n *document.Node) {
			t.minRows = int(d.Int(n, 0, table.MaxEntries))
		}},
	{Key: "max_shrink", Doc: "How much smaller than in the policy that runs now the table may be, as in 10%.",
		Schema: `{"type":"string","pattern":"^[0-9]+(\\.[0-9]+)? ?%$"}`,
		Read: func(d *document.Decoder, t *tableSpec, n *document.Node) {
			share, ok := parsePercent(n.Text)
			if !ok {
				d.Add(n.Problem("want a share from 0%% to 100%%, such as 10%%, got %s", n.Describe()))
			}
			t.maxShrink = share
		}},
}

// readTableSpec reads {file, as, ...}.
func readTableSpec(n *document.Node) (tableSpec, document.Problems) {
	spec := tableSpec{at: n, minRows: 1, maxShrink: -1}
	var d document.Decoder
	document.Decode(&d, n, "a table", Fields, &spec)
	return spec, append(d.Problems, spec.columns()...)
}

// parsePercent reads a share from 0% to 100% into hundredths of a per cent.
func parsePercent(s string) (int, bool) {
	number, ok := strings.CutSuffix(s, "%")
	share, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(share >= 0 && share <= 100) {
		return 0, false
	}
	return int(share*100 + 0.5), true
}

// columns reports columns that do not fit the kind of the table.
func (s *tableSpec) columns() (problems document.Problems) {
	switch s.as {
	case table.Set:
		if s.key != "" || s.value != "" {
			problems = append(problems, s.at.Problem("a set has a column: and no key: and value:, want as: map for values"))
		}
	case table.Map, table.Rows:
		if s.column != "" {
			problems = append(problems, s.at.Get("column").Problem("want key: for as: %s; column: is for a table without values", s.as))
		}
	case table.CIDRs, table.Domains:
		if s.column != "" && (s.key != "" || s.value != "") {
			problems = append(problems, s.at.Get("column").Problem("want either column:, or key: with value: for as: %s", s.as))
		}
	}
	if s.value != "" && s.key == "" && s.column == "" {
		problems = append(problems, s.at.Get("value").Problem("want key: beside value:"))
	}
	return problems
}

// keyOption is the option that names the keys' column.
func (s *tableSpec) keyOption() string {
	if s.as == table.Map || s.as == table.Rows {
		return "key"
	}
	return "column"
}

// checkSize rejects a truncated or empty list.
func (s *tableSpec) checkSize(size, before int) (document.Problem, bool) {
	if size < s.minRows {
		if n := s.at.Get("min_rows"); n != nil {
			return n.Problem("%s has %s: want at least %d", s.file, rowCount(size), s.minRows), false
		}
		return s.at.Get("file").Problem("%s is empty: want an entry, or min_rows: 0", s.file), false
	}
	least := (before*(10000-s.maxShrink) + 9999) / 10000
	if s.maxShrink >= 0 && size < least {
		n := s.at.Get("max_shrink")
		return n.Problem("%s has %s, and %d in the policy that runs now: want at least %d", s.file, rowCount(size), before, least), false
	}
	return document.Problem{}, true
}

func rowCount(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// build makes the table of the entries. Duplicates without a value are only a warning.
func (r *tableReader) build() (*table.Table, document.Problems) {
	if r.broken || slices.ContainsFunc(r.problems, func(p document.Problem) bool { return !p.Warning }) {
		return nil, r.limitProblems()
	}
	t, err := r.newTable()
	if errs, ok := errors.AsType[table.Errors](err); ok && r.onlyDuplicates(errs) {
		r.warnDuplicates(errs)
		t, err = r.newTable()
	}
	if err == nil {
		return t, r.limitProblems()
	}
	errs, ok := errors.AsType[table.Errors](err)
	if !ok {
		r.add(place{line: 1, column: 1}, "%s", err)
		return nil, r.limitProblems()
	}
	for _, e := range errs {
		r.addEntryError(e)
	}
	return nil, r.limitProblems()
}

func (r *tableReader) newTable() (*table.Table, error) {
	entries := make([]table.Entry, len(r.entries))
	for i := range r.entries {
		entries[i] = r.entries[i].Entry
	}
	return table.New(r.spec.as, entries)
}

func (r *tableReader) addEntryError(e *table.EntryError) {
	entry := r.entries[min(e.Entry, len(r.entries)-1)]
	switch {
	case errors.Is(e, table.ErrDuplicate):
		r.add(entry.place, "%q is there twice, first on line %d", entry.Key, r.resolve(r.entries[e.First].place).line)
	case errors.Is(e, table.ErrSize):
		r.add(entry.place, "%s", e.Err)
	default:
		r.add(entry.place, "%q: %s", entry.Key, e.Err)
	}
}

// onlyDuplicates reports whether every error is a duplicate key without a value.
func (r *tableReader) onlyDuplicates(errs table.Errors) bool {
	for _, e := range errs {
		if !errors.Is(e, table.ErrDuplicate) || r.entries[e.Entry].Value != nil {
			return false
		}
	}
	return true
}

// warnDuplicates removes repeated entries with a warning.
func (r *tableReader) warnDuplicates(errs table.Errors) {
	first := errs[0]
	message := fmt.Sprintf("%q is there twice, first on line %d", r.entries[first.Entry].Key, r.resolve(r.entries[first.First].place).line)
	if len(errs) > 1 {
		message = fmt.Sprintf("%d entries are there twice; %s", len(errs), message)
	}
	r.add(r.entries[first.Entry].place, "%s", message)
	r.problems[len(r.problems)-1].Warning = true
	unique, next := r.entries[:0], 0
	for i, e := range r.entries {
		if next < len(errs) && errs[next].Entry == i {
			next++
			continue
		}
		unique = append(unique, e)
	}
	r.entries = unique
}

// limitProblems returns the problems; the last one counts the omitted ones.
func (r *tableReader) limitProblems() document.Problems {
	if r.more > 0 {
		message := fmt.Sprintf("and %d more problems in this table", r.more)
		return append(r.problems, document.Problem{File: r.problems[len(r.problems)-1].File, Message: message})
	}
	return r.problems
}
