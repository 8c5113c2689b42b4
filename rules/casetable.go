package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// itemFields is what each of a test's cases has.
var itemFields = append([]field[caseSpec]{
	{key: "name", doc: "What the case shows; its number when left out.", schema: textSchema,
		read: func(d *decoder, c *caseSpec, n *node) { c.name, c.nameAt = d.text(n), n }},
}, sharedFields...)

func readCases(d *decoder, c *caseSpec, n *node) {
	c.many(d, n)
	for _, item := range d.items(n, "cases") {
		one := &caseSpec{node: item}
		decode(d, item, "a case", itemFields, one)
		c.cases = append(c.cases, one)
	}
}

// many notes where a test's cases stand.
func (c *caseSpec) many(d *decoder, n *node) {
	if c.manyAt != nil {
		d.add(n.problem("a test has cases or a table: want one of them"))
	}
	c.manyAt = n
	if n.kind == listNode && len(n.items) == 0 {
		d.add(n.problem("no cases here: want one or more"))
	}
}

// readTable reads rows of values below a row of what they are. A row may end early: what it leaves out says nothing.
func readTable(d *decoder, c *caseSpec, n *node) {
	c.many(d, n)
	rows := d.items(n, "table")
	if len(rows) == 0 {
		return
	}
	if len(rows) == 1 {
		d.add(n.problem("no cases here: want rows below the first, which names what stands in them"))
	}
	heads := d.heads(rows[0])
	for _, row := range rows[1:] {
		cells := d.items(row, "a row")
		if len(cells) > len(heads) && heads != nil {
			d.add(cells[len(heads)].problem("want at most %d values in a row, as the first row has names", len(heads)))
			continue
		}
		one := &caseSpec{node: row}
		decode(d, d.caseOf(row, heads, cells), "a case", itemFields, one)
		c.cases = append(c.cases, one)
	}
}

// heads reads a table's first row.
func (d *decoder) heads(row *node) (heads []*node) {
	seen := map[string]bool{}
	for _, h := range d.items(row, "the first row") {
		key, inside := strings.CutPrefix(h.text, "expect.")
		switch {
		case h.kind != textNode || h.text == "":
			d.add(h.problem("want a name in a table's first row: name, now, seed, expect.KEY, or a path to set; got %s", h.is()))
			return nil
		case seen[h.text]:
			d.add(h.problem("%s is there twice in this row", h.text))
			return nil
		case inside && !slices.Contains(keys(expectFields, 0), key):
			d.add(h.problem("unknown key %q in expect%s", key, suggest(key, keys(expectFields, 0))))
			return nil
		}
		seen[h.text] = true
		heads = append(heads, h)
	}
	return heads
}

// caseOf is a row as the case that it stands for.
func (d *decoder) caseOf(row *node, heads, cells []*node) *node {
	whole := &node{src: row.src, kind: mapNode, line: row.line, column: row.column}
	part := func(key string) *node {
		if whole.get(key) == nil {
			whole.members = append(whole.members, member{key, row, &node{src: row.src, kind: mapNode, line: row.line, column: row.column}})
		}
		return whole.get(key)
	}
	for i, cell := range cells[:min(len(cells), len(heads))] {
		key, into := heads[i].text, whole
		switch name, inside := strings.CutPrefix(key, "expect."); {
		case inside:
			key, into = name, part("expect")
		case key != "name" && key != "now" && key != "seed":
			into = part("set")
		}
		into.members = append(into.members, member{key, cell, cell})
	}
	return whole
}

// spread gives a test's cases, each with what the test says of all; a test without any is its own.
func (r *caseReader) spread(spec *caseSpec) []*caseSpec {
	if spec.manyAt == nil {
		if spec.expect == nil && spec.node.get("expect") == nil && spec.node.kind == mapNode {
			r.add(spec.node.problem("a test has no expect"))
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
		one.expect, one.expectAt = c.expect.over(spec.expect), c.expectAt.over(spec.expectAt)
		if one.expect == nil && c.node.kind == mapNode {
			r.add(c.node.problem("a case has no expect, nor has its test"))
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

// over is a map with another's members behind its own. Either may be nil.
func (n *node) over(all *node) *node {
	if n == nil || all == nil {
		return cmp.Or(n, all)
	}
	both := *n
	both.members = append(slices.Clone(n.members), all.members...)
	return &both
}

// over is what a case expects, and what its test does where the case says nothing.
func (e *expectSpec) over(all *expectSpec) *expectSpec {
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
