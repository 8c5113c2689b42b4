package rules

import (
	"fmt"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime/expr"
)

// Place is where something stands in the policy folder.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"` // in characters; both from 1
}

// RulePlace is where a rule stands, and the parts of its condition and of its verify.
type RulePlace struct {
	Place
	Picks   bool // it has a condition, and may not match
	Clauses []Clause
}

// Clause is a part of a rule's condition, or of its verify, of which the whole is one too, and where it stands.
type Clause struct {
	Place
	*expr.Clause
}

// LetPlace is where a let stands, and the parts of the conditions in it.
type LetPlace struct {
	Place
	Let     string
	Clauses []Clause
}

// LetPlaces are those of the lets in which there are conditions, in their order, likewise.
func (h *Hook) LetPlaces() []LetPlace { return h.letPlaces }

// RuleAt is the file and line where a rule stands, as policy.yaml:12.
func (h *Hook) RuleAt(rule int) string {
	return fmt.Sprintf("%s:%d", h.rules[rule].file, h.rules[rule].line)
}

// Places are those of the rules, in their order. There are none unless the Set was loaded with Options.Clauses.
func (h *Hook) Places() []RulePlace { return h.places }

// recordPlaces notes where a rule stands. decides are parts of what it decides beside its condition: of its verify.
func (h *Hook) recordPlaces(spec *ruleSpec, r *rule, decides []Clause) {
	p := RulePlace{Place: placeIn(spec.node, 0), Picks: r.when != nil}
	if spec.nameAt != nil {
		p.Place = placeIn(spec.nameAt, 0)
	}
	if r.when != nil {
		p.Clauses = clausesIn(spec.when, r.when.Clauses())
	}
	p.Clauses = append(p.Clauses, decides...)
	h.places = append(h.places, p)
}

// recordLetPlace notes where a let stands.
func (h *Hook) recordLetPlace(m document.Member, all []*expr.Clause) {
	if len(all) > 0 {
		h.letPlaces = append(h.letPlaces, LetPlace{placeIn(m.KeyNode, 0), m.Key, clausesIn(m.Value, all)})
	}
}

func clausesIn(n *document.Node, of []*expr.Clause) (all []Clause) {
	for _, c := range of {
		all = append(all, Clause{placeIn(n, c.Offset), c})
	}
	return all
}

// placeIn is the Place of a byte of the node's text.
func placeIn(n *document.Node, offset int) Place {
	line, column := n.Position(offset)
	return Place{n.Source.Name, line, column}
}
