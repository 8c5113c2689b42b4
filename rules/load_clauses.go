package rules

import (
	"fmt"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime/expr"
)

// Place is a position in a file of the policy folder.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"` // in characters; both from 1
}

// RulePlace is the place of a rule with the parts of its condition and of its verify.
type RulePlace struct {
	Place
	Picks   bool // the rule has a condition
	Clauses []Clause
}

// Clause is a part of a rule's condition or verify with its place. The whole condition is a part
// too.
type Clause struct {
	Place
	*expr.Clause
}

// LetPlace is the place of a let with the parts of its conditions.
type LetPlace struct {
	Place
	Let     string
	Clauses []Clause
}

// LetPlaces lists the places of the lets with conditions, in order, if the Set was loaded with
// Options.Clauses.
func (h *Hook) LetPlaces() []LetPlace { return h.letPlaces }

// RuleAt returns the file and line of a rule, as policy.yaml:12.
func (h *Hook) RuleAt(rule int) string {
	return fmt.Sprintf("%s:%d", h.rules[rule].file, h.rules[rule].line)
}

// Places lists the places of the rules in order, if the Set was loaded with Options.Clauses.
func (h *Hook) Places() []RulePlace { return h.places }

// recordPlaces records the place of a rule. decides lists the parts of its verify.
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

// recordLetPlace records the place of a let.
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

// placeIn returns the Place of a byte offset of the node's text.
func placeIn(n *document.Node, offset int) Place {
	line, column := n.Position(offset)
	return Place{n.Source.Name, line, column}
}
