package rules

import "github.com/tenterhook/tenterhook/runtime/expr"

// Place is where something stands in the policy folder.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"` // in characters; both from 1
}

// RulePlace is where a rule stands, and the parts of its condition.
type RulePlace struct {
	Place
	Picks   bool // it has a condition, and may not match
	Clauses []Clause
}

// Clause is a part of a rule's condition, and where it stands.
type Clause struct {
	Place
	*expr.Clause
}

// Places are those of the rules, in their order. There are none unless the Set was loaded with Options.Clauses.
func (h *Hook) Places() []RulePlace { return h.places }

// placed notes where a rule stands.
func (h *Hook) placed(spec *ruleSpec, r *rule) {
	p := RulePlace{Place: spec.node.at(0), Picks: r.when != nil}
	if spec.nameAt != nil {
		p.Place = spec.nameAt.at(0)
	}
	if r.when != nil {
		for _, c := range r.when.Clauses() {
			p.Clauses = append(p.Clauses, Clause{spec.when.at(c.Offset), c})
		}
	}
	h.places = append(h.places, p)
}

// at is the Place of a byte of the node's text.
func (n *node) at(offset int) Place {
	line, column := n.place(offset)
	return Place{n.src.name, line, column}
}
