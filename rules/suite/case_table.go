package suite

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
)

// itemFields lists the fields of a case.
var itemFields = append([]document.Field[caseSpec]{
	{Key: "name", Doc: "What the case shows; its number when left out.", Schema: document.TextSchema,
		Read: func(d *document.Decoder, c *caseSpec, n *document.Node) { c.name, c.nameAt = d.Text(n), n }},
}, sharedFields...)

func readCases(d *document.Decoder, c *caseSpec, n *document.Node) {
	c.recordCases(d, n)
	for _, item := range d.Items(n, "cases") {
		one := &caseSpec{node: item}
		document.Decode(d, item, "a case", itemFields, one)
		c.cases = append(c.cases, one)
	}
}

// recordCases records the node of a test's cases.
func (c *caseSpec) recordCases(d *document.Decoder, n *document.Node) {
	if c.casesAt != nil {
		d.Add(n.Problem("a test has cases or a table: want one of them"))
	}
	c.casesAt = n
	if n.Kind == document.List && len(n.Items) == 0 {
		d.Add(n.Problem("no cases here: want one or more"))
	}
}

// readTable reads rows of values below a row of headings. A row may end early: missing cells set
// nothing.
func readTable(d *document.Decoder, c *caseSpec, n *document.Node) {
	c.recordCases(d, n)
	rows := d.Items(n, "table")
	if len(rows) == 0 {
		return
	}
	if len(rows) == 1 {
		d.Add(n.Problem("no cases here: want rows below the first, which names what stands in them"))
	}
	headings := readHeadings(d, rows[0])
	for _, row := range rows[1:] {
		cells := d.Items(row, "a row")
		if len(cells) > len(headings) && headings != nil {
			d.Add(cells[len(headings)].Problem("want at most %d values in a row, as the first row has names", len(headings)))
			continue
		}
		one := &caseSpec{node: row}
		document.Decode(d, caseOfRow(d, row, headings, cells), "a case", itemFields, one)
		c.cases = append(c.cases, one)
	}
}

// readHeadings reads the first row of a table.
func readHeadings(d *document.Decoder, row *document.Node) (headings []*document.Node) {
	seen := map[string]bool{}
	for _, h := range d.Items(row, "the first row") {
		key, inside := strings.CutPrefix(h.Text, "expect.")
		switch {
		case h.Kind != document.Text || h.Text == "":
			d.Add(h.Problem("want a name in a table's first row: name, now, seed, expect.KEY, or a path to set; got %s", h.Describe()))
			return nil
		case seen[h.Text]:
			d.Add(h.Problem("%s is there twice in this row", h.Text))
			return nil
		case inside && !slices.Contains(document.Keys(expectFields, 0), key):
			d.Add(h.Problem("unknown key %q in expect%s", key, document.Suggest(key, document.Keys(expectFields, 0))))
			return nil
		}
		seen[h.Text] = true
		headings = append(headings, h)
	}
	return headings
}

// caseOfRow turns a row into a case.
func caseOfRow(d *document.Decoder, row *document.Node, headings, cells []*document.Node) *document.Node {
	whole := &document.Node{Source: row.Source, Kind: document.Map, Line: row.Line, Column: row.Column}
	part := func(key string) *document.Node {
		if whole.Get(key) == nil {
			whole.Members = append(whole.Members, document.Member{Key: key, KeyNode: row, Value: &document.Node{Source: row.Source, Kind: document.Map, Line: row.Line, Column: row.Column}})
		}
		return whole.Get(key)
	}
	for i, cell := range cells[:min(len(cells), len(headings))] {
		key, into := headings[i].Text, whole
		switch name, inside := strings.CutPrefix(key, "expect."); {
		case inside:
			key, into = name, part("expect")
		case key != "name" && key != "now" && key != "seed":
			into = part("set")
		}
		into.Members = append(into.Members, document.Member{Key: key, KeyNode: cell, Value: cell})
	}
	return whole
}

// spread returns the cases of a test with its shared fields; a test without cases is one case.
func (r *caseReader) spread(spec *caseSpec) []*caseSpec {
	if spec.casesAt == nil {
		if spec.expect == nil && spec.node.Get("expect") == nil && spec.node.Kind == document.Map {
			r.Add(spec.node.Problem("a test has no expect"))
		}
		return []*caseSpec{spec}
	}
	all := make([]*caseSpec, 0, len(spec.cases))
	for i, c := range spec.cases {
		one := *c
		one.hook, one.hookAt, one.input = spec.hook, spec.hookAt, spec.input
		one.set = append(slices.Clone(spec.set), c.set...)
		if c.fixed.Now.IsZero() {
			one.fixed.Now = spec.fixed.Now
		}
		if c.fixed.Seed == ([32]byte{}) {
			one.fixed.Seed = spec.fixed.Seed
		}
		one.expect, one.expectAt = c.expect.withDefaults(spec.expect), overlay(c.expectAt, spec.expectAt)
		if one.expect == nil && c.node.Kind == document.Map {
			r.Add(c.node.Problem("a case has no expect, nor has its test"))
		}
		if one.nameAt == nil {
			one.name, one.nameAt = fmt.Sprintf("%s: %d", spec.name, i+1), c.node
		} else {
			one.name = spec.name + ": " + c.name
		}
		all = append(all, &one)
	}
	return all
}

// overlay returns a map with the members of n before those of all. Either may be nil.
func overlay(n, all *document.Node) *document.Node {
	if n == nil || all == nil {
		return cmp.Or(n, all)
	}
	both := *n
	both.Members = append(slices.Clone(n.Members), all.Members...)
	return &both
}

// withDefaults returns the expectation of a case, completed by that of its test.
func (e *expectSpec) withDefaults(all *expectSpec) *expectSpec {
	switch {
	case e == nil:
		return all
	case all == nil:
		return e
	}
	one := *e
	if one.Rules == nil {
		one.Rules, one.rules = all.Rules, all.rules
	}
	if one.Failed == nil {
		one.Failed, one.failed = all.Failed, all.failed
	}
	for _, part := range []struct{ mine, all *[]byte }{
		{&one.Answer, &all.Answer}, {&one.Commands, &all.Commands}, {&one.Error, &all.Error}, {&one.Actions, &all.Actions}, {&one.Claims, &all.Claims},
	} {
		if *part.mine == nil {
			*part.mine = *part.all
		}
	}
	return &one
}
