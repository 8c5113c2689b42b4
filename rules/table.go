package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime/table"
)

// maxTableProblems is how many problems of one table are told one by one.
const maxTableProblems = 20

// tableSpec is what a policy says about a table that is in a file.
type tableSpec struct {
	file, as, column, key, value string
	minRows                      int
	maxShrink                    int // in hundredths of a per cent; -1: any
	at                           *node
}

// tableEntry is one entry on its way into a table, with its place.
type tableEntry struct {
	table.Entry
	place
}

// loadTable reads the table called name that the policy describes at n: a list is a set, a map is a map, and a map with
// a file is what it says of the file. It is nil when a problem is more than a warning. before is how many entries the
// table of that name has in the Set that runs now, 0 when there is none.
func loadTable(name string, n *node, f *folder.Folder, before int) (*table.Table, Problems) {
	switch {
	case n.kind == brokenNode:
		return nil, nil
	case n.kind == listNode:
		return inlineTable(n, table.Set)
	case n.kind == mapNode && n.get("file") == nil:
		return inlineTable(n, table.Map)
	case n.kind == mapNode:
		return fileTable(n, f, before)
	}
	return nil, Problems{n.problem("want table %s as a list, a map, or {file, as}, got %s", name, n.is())}
}

func inlineTable(n *node, as string) (*table.Table, Problems) {
	r := tableReader{src: n.src, spec: tableSpec{as: as}}
	r.nodes(n)
	for _, v := range n.items {
		r.constant(v)
	}
	for _, m := range n.members {
		r.constant(m.value)
	}
	return r.finish()
}

// constant reports a hole: tables are read before there is an event, and take nothing from the environment.
func (r *tableReader) constant(n *node) {
	if n.kind == textNode && strings.Contains(n.text, "${") {
		r.problems = append(r.problems, n.problem("a table holds constants: ${ } is not filled here"))
	}
	for _, v := range n.items {
		r.constant(v)
	}
	for _, m := range n.members {
		r.constant(m.value)
	}
}

func fileTable(n *node, f *folder.Folder, before int) (*table.Table, Problems) {
	spec, problems := readTableSpec(n)
	name, text, p := tableFile(n.get("file"), f)
	problems = append(problems, p...)
	if len(problems) > 0 {
		return nil, problems
	}
	spec.file = name
	r := tableReader{spec: spec}
	r.read(text)
	t, problems := r.finish()
	if t == nil {
		return nil, problems
	}
	if p, ok := spec.guard(t.Len(), before); !ok {
		return nil, append(problems, p)
	}
	return t, problems
}

// tableFile finds the table's file in the folder.
func tableFile(n *node, f *folder.Folder) (name string, text []byte, problems Problems) {
	if n.kind == brokenNode {
		return "", nil, nil
	}
	if n.kind != textNode || n.text == "" {
		return "", nil, Problems{n.problem("want the name of a file in the policy folder, got %s", n.is())}
	}
	name = path.Clean(n.text)
	if !fs.ValidPath(name) || strings.Contains(name, `\`) {
		return "", nil, Problems{n.problem("%s is not in the policy folder: want a path such as tables/partners.csv", n.text)}
	}
	if !slices.Contains(tableFormats, path.Ext(name)) {
		return "", nil, Problems{n.problem("want a file that ends in %s", either(tableFormats))}
	}
	text, ok := f.File(name)
	if !ok {
		return "", nil, Problems{n.problem("there is no %s in the policy folder%s", name, suggest(name, f.Names()))}
	}
	return name, text, nil
}

var (
	tableFormats  = []string{".csv", ".json", ".yaml", ".yml", ".txt"}
	tableReadings = []string{table.Set, table.Map, table.Rows, table.CIDRs, table.Domains}
)

// tableFields is what a policy may say of a table in a file.
var tableFields = []field[tableSpec]{
	{key: "file", doc: "A .csv, .json, .yaml or .txt file in the policy folder.", schema: textSchema, need: true,
		read: func(*decoder, *tableSpec, *node) {}}, // by tableFile
	{key: "as", doc: "What a key finds: a member (set), a value (map), a row (rows), the network around an address (cidrs), a domain or the one above it (domains).",
		schema: `{"enum":["set","map","rows","cidrs","domains"]}`, need: true,
		read: func(d *decoder, t *tableSpec, n *node) { t.as = d.oneOf(n, tableReadings...) }},
	{key: "column", doc: "The column of the keys, for a table without values.", schema: textSchema,
		read: func(d *decoder, t *tableSpec, n *node) { t.column = d.text(n) }},
	{key: "key", doc: "The column of the keys, for a table with values.", schema: textSchema,
		read: func(d *decoder, t *tableSpec, n *node) { t.key = d.text(n) }},
	{key: "value", doc: "The column of the values; without it the value is the row.", schema: textSchema,
		read: func(d *decoder, t *tableSpec, n *node) { t.value = d.text(n) }},
	{key: "min_rows", doc: "The fewest entries the file may have; 1 when left out.", schema: `{"type":"integer","minimum":0}`,
		read: func(d *decoder, t *tableSpec, n *node) { t.minRows = int(d.int(n, 0, table.MaxEntries)) }},
	{key: "max_shrink", doc: "How much smaller than in the policy that runs now the table may be, as in 10%.",
		schema: `{"type":"string","pattern":"^[0-9]+(\\.[0-9]+)? ?%$"}`,
		read: func(d *decoder, t *tableSpec, n *node) {
			share, ok := parsePercent(n.text)
			if !ok {
				d.add(n.problem("want a share from 0%% to 100%%, such as 10%%, got %s", n.is()))
			}
			t.maxShrink = share
		}},
}

// readTableSpec reads {file, as, ...}.
func readTableSpec(n *node) (tableSpec, Problems) {
	spec := tableSpec{at: n, minRows: 1, maxShrink: -1}
	var d decoder
	decode(&d, n, "a table", tableFields, &spec)
	return spec, append(d.problems, spec.columns()...)
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

// columns reports columns that do not go with what the table is read as.
func (s *tableSpec) columns() (problems Problems) {
	switch s.as {
	case table.Set:
		if s.key != "" || s.value != "" {
			problems = append(problems, s.at.problem("a set has a column: and no key: and value:, want as: map for values"))
		}
	case table.Map, table.Rows:
		if s.column != "" {
			problems = append(problems, s.at.get("column").problem("want key: for as: %s; column: is for a table without values", s.as))
		}
	case table.CIDRs, table.Domains:
		if s.column != "" && (s.key != "" || s.value != "") {
			problems = append(problems, s.at.get("column").problem("want either column:, or key: with value: for as: %s", s.as))
		}
	}
	if s.value != "" && s.key == "" && s.column == "" {
		problems = append(problems, s.at.get("value").problem("want key: beside value:"))
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

// guard keeps a list from going live that was cut short or emptied.
func (s *tableSpec) guard(size, before int) (Problem, bool) {
	if size < s.minRows {
		if n := s.at.get("min_rows"); n != nil {
			return n.problem("%s has %s: want at least %d", s.file, rowCount(size), s.minRows), false
		}
		return s.at.get("file").problem("%s is empty: want an entry, or min_rows: 0", s.file), false
	}
	least := (before*(10000-s.maxShrink) + 9999) / 10000
	if s.maxShrink >= 0 && size < least {
		n := s.at.get("max_shrink")
		return n.problem("%s has %s, and %d in the policy that runs now: want at least %d", s.file, rowCount(size), before, least), false
	}
	return Problem{}, true
}

func rowCount(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// finish makes the table of what was read.
func (r *tableReader) finish() (*table.Table, Problems) {
	if r.broken || slices.ContainsFunc(r.problems, func(p Problem) bool { return !p.Warning }) {
		return nil, r.capped()
	}
	t, err := r.make()
	if errs, ok := errors.AsType[table.Errors](err); ok && r.harmless(errs) {
		r.warnDuplicates(errs)
		t, err = r.make()
	}
	if err == nil {
		return t, r.capped()
	}
	errs, ok := errors.AsType[table.Errors](err)
	if !ok {
		r.add(place{line: 1, column: 1}, "%s", err)
		return nil, r.capped()
	}
	for _, e := range errs {
		r.refuse(e)
	}
	return nil, r.capped()
}

func (r *tableReader) make() (*table.Table, error) {
	entries := make([]table.Entry, len(r.entries))
	for i := range r.entries {
		entries[i] = r.entries[i].Entry
	}
	return table.New(r.spec.as, entries)
}

func (r *tableReader) refuse(e *table.EntryError) {
	entry := r.entries[min(e.Entry, len(r.entries)-1)]
	switch {
	case errors.Is(e, table.ErrDuplicate):
		r.add(entry.place, "%q is there twice, first on line %d", entry.Key, r.find(r.entries[e.First].place).line)
	case errors.Is(e, table.ErrSize):
		r.add(entry.place, "%s", e.Err)
	default:
		r.add(entry.place, "%q: %s", entry.Key, e.Err)
	}
}

// harmless reports whether every error is a key that is there twice without a value.
func (r *tableReader) harmless(errs table.Errors) bool {
	for _, e := range errs {
		if !errors.Is(e, table.ErrDuplicate) || r.entries[e.Entry].Value != nil {
			return false
		}
	}
	return true
}

// warnDuplicates takes the entries out that say again what an earlier one says.
func (r *tableReader) warnDuplicates(errs table.Errors) {
	first := errs[0]
	message := fmt.Sprintf("%q is there twice, first on line %d", r.entries[first.Entry].Key, r.find(r.entries[first.First].place).line)
	if len(errs) > 1 {
		message = fmt.Sprintf("%d entries are there twice; %s", len(errs), message)
	}
	r.add(r.entries[first.Entry].place, "%s", message)
	r.problems[len(r.problems)-1].Warning = true
	kept, next := r.entries[:0], 0
	for i, e := range r.entries {
		if next < len(errs) && errs[next].Entry == i {
			next++
			continue
		}
		kept = append(kept, e)
	}
	r.entries = kept
}

// capped is the problems, the last of them the number of those left out.
func (r *tableReader) capped() Problems {
	if r.more > 0 {
		message := fmt.Sprintf("and %d more problems in this table", r.more)
		return append(r.problems, Problem{File: r.problems[len(r.problems)-1].File, Message: message})
	}
	return r.problems
}
