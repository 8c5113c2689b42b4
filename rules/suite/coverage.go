package suite

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules"
)

// HookCoverage is what the tests reached of a hook.
type HookCoverage struct {
	Hook  string         `json:"hook"`
	Rules []RuleCoverage `json:"rules"`
}

// RuleCoverage is what the tests reached of a rule.
type RuleCoverage struct {
	Rule    string `json:"rule"`
	Seen    int    `json:"seen"`    // tests that came to its condition
	Matched int    `json:"matched"` // tests in which it matched
	*Branches
}

// Branches are what can come of a rule's condition, and what has.
type Branches struct {
	rules.Place
	Picks   bool             `json:"picks"`   // it may match or not
	Skipped int              `json:"skipped"` // tests that came to its condition and in which it did not match
	Clauses []ClauseCoverage `json:"clauses,omitempty"`
}

// ClauseCoverage is what the tests made of a part of a condition.
type ClauseCoverage struct {
	rules.Place
	Text  string `json:"text"`
	True  int64  `json:"true"`
	False int64  `json:"false"`
}

// sight counts what the decisions of a suite did, by hook and rule.
type sight map[string][]RuleCoverage

func newSight(s *rules.Set) sight {
	seen := sight{}
	for _, h := range s.Hooks() {
		places := h.Places()
		for i, name := range h.RuleNames() {
			c := RuleCoverage{Rule: name}
			if places != nil {
				c.Branches = &Branches{Place: places[i].Place, Picks: places[i].Picks}
			}
			seen[h.Name] = append(seen[h.Name], c)
		}
	}
	return seen
}

func (s sight) add(h *rules.Hook, t *rules.Trace) {
	all := s[h.Name]
	for i := range t.Rules {
		looked := &t.Rules[i]
		at := slices.IndexFunc(all, func(r RuleCoverage) bool { return r.Rule == looked.Rule })
		all[at].Seen++
		if looked.Matched {
			all[at].Matched++
		} else if looked.Err == nil && all[at].Branches != nil {
			all[at].Skipped++
		}
	}
}

func (s sight) coverage(set *rules.Set) (all []HookCoverage) {
	for _, h := range set.Hooks() {
		for i, p := range h.Places() {
			for _, c := range p.Clauses {
				yes, no := c.Seen()
				b := s[h.Name][i].Branches
				b.Clauses = append(b.Clauses, ClauseCoverage{c.Place, c.Text, yes, no})
			}
		}
		all = append(all, HookCoverage{Hook: h.Name, Rules: s[h.Name]})
	}
	return all
}

// Share is how much of what can come of the rules has come of them in the tests: each rule's match, that of a rule with a condition
// failing to come, and each part of a condition true and false. A Set that was not loaded with Options.Clauses has only the matches.
func (r *Report) Share() (seen, all int) {
	count := func(n int64) {
		all++
		if n > 0 {
			seen++
		}
	}
	for _, h := range r.Coverage {
		for _, rule := range h.Rules {
			count(int64(rule.Matched))
			if rule.Branches == nil {
				continue
			}
			if rule.Picks {
				count(int64(rule.Skipped))
			}
			for _, c := range rule.Clauses {
				count(c.True)
				count(c.False)
			}
		}
	}
	return seen, all
}

// Percent is the Share in whole percent, rounded down: 100 is all of it.
func (r *Report) Percent() int {
	seen, all := r.Share()
	if all == 0 {
		return 100
	}
	return 100 * seen / all
}

// branches reports whether the Set was loaded for them to be counted.
func (r *Report) branches() bool {
	return slices.ContainsFunc(r.Coverage, func(h HookCoverage) bool {
		return len(h.Rules) > 0 && h.Rules[0].Branches != nil
	})
}

// writeBranches writes what the tests have never seen, a line for each with its place.
func (r *Report) writeBranches(w io.Writer) {
	seen, all := r.Share()
	fmt.Fprintf(w, "coverage: %d%%, %d of %d\n", r.Percent(), seen, all)
	for _, h := range r.Coverage {
		for i := range h.Rules {
			h.Rules[i].write(w, h.Hook)
		}
	}
}

func (c *RuleCoverage) write(w io.Writer, hook string) {
	line := func(p rules.Place, what string) {
		fmt.Fprintf(w, "  %s:%d:%d: %s: %s: %s\n", p.File, p.Line, p.Column, hook, c.Rule, what)
	}
	switch {
	case c.Seen == 0:
		line(c.Place, "never looked at")
		return // nor were its parts
	case c.Matched == 0:
		line(c.Place, "never matched")
	case c.Picks && c.Skipped == 0:
		line(c.Place, "never failed to match")
	}
	for _, part := range c.Clauses {
		text := strings.Join(strings.Fields(part.Text), " ")
		switch {
		case part.True+part.False == 0:
			line(part.Place, "never looked at: "+text)
		case part.True == 0:
			line(part.Place, "never true: "+text)
		case part.False == 0:
			line(part.Place, "never false: "+text)
		}
	}
}

// coverageReport is the form of WriteCoverage.
type coverageReport struct {
	Revision string         `json:"revision"`
	Percent  int            `json:"percent"`
	Seen     int            `json:"seen"`
	All      int            `json:"all"`
	Hooks    []HookCoverage `json:"hooks"`
}

// WriteCoverage writes the coverage as JSON, with what was seen too.
func (r *Report) WriteCoverage(w io.Writer) error {
	seen, all := r.Share()
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(coverageReport{r.Revision, r.Percent(), seen, all, r.Coverage})
}
