package rules

import (
	"fmt"

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

// placed notes where a rule stands. decides are parts of what it decides beside its condition: of its verify.
func (h *Hook) placed(spec *ruleSpec, r *rule, decides []Clause) {
	p := RulePlace{Place: spec.node.at(0), Picks: r.when != nil}
	if spec.nameAt != nil {
		p.Place = spec.nameAt.at(0)
	}
	if r.when != nil {
		p.Clauses = spec.when.clauses(r.when.Clauses())
	}
	p.Clauses = append(p.Clauses, decides...)
	h.places = append(h.places, p)
}

// placedLet notes where a let stands.
func (h *Hook) placedLet(m member, all []*expr.Clause) {
	if len(all) > 0 {
		h.letPlaces = append(h.letPlaces, LetPlace{m.at.at(0), m.key, m.value.clauses(all)})
	}
}

func (n *node) clauses(of []*expr.Clause) (all []Clause) {
	for _, c := range of {
		all = append(all, Clause{n.at(c.Offset), c})
	}
	return all
}

// at is the Place of a byte of the node's text.
func (n *node) at(offset int) Place {
	line, column := n.place(offset)
	return Place{n.src.name, line, column}
}
