package suite

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules"
)

// HookCoverage is the test coverage of a hook.
type HookCoverage struct {
	Hook  string         `json:"hook"`
	Rules []RuleCoverage `json:"rules"`
	Lets  []LetCoverage  `json:"lets,omitempty"`
}

// LetCoverage is the test coverage of the conditions in a let.
type LetCoverage struct {
	Let string `json:"let"`
	rules.Place
	Clauses []ClauseCoverage `json:"clauses"`
}

// RuleCoverage is the test coverage of a rule.
type RuleCoverage struct {
	Rule      string `json:"rule"`
	Evaluated int    `json:"seen"`    // tests that evaluated its condition
	Matched   int    `json:"matched"` // tests in which it matched
	*Branches
}

// Branches are the possible results of a rule's condition, with counts.
type Branches struct {
	rules.Place
	Conditional bool             `json:"picks"`   // the rule has a condition
	Skipped     int              `json:"skipped"` // tests that evaluated its condition without a match
	Clauses     []ClauseCoverage `json:"clauses,omitempty"`
}

// ClauseCoverage counts the results of a part of a condition.
type ClauseCoverage struct {
	rules.Place
	Text  string `json:"text"`
	True  int64  `json:"true"`
	False int64  `json:"false"`
}

// coverageCounter counts the decisions of a suite by hook and rule.
type coverageCounter map[string][]RuleCoverage

func newCoverageCounter(s *rules.Set) coverageCounter {
	counter := coverageCounter{}
	for _, h := range s.Hooks() {
		places := h.Places()
		for i, name := range h.RuleNames() {
			c := RuleCoverage{Rule: name}
			if places != nil {
				c.Branches = &Branches{Place: places[i].Place, Conditional: places[i].Picks}
			}
			counter[h.Name] = append(counter[h.Name], c)
		}
	}
	return counter
}

func (c coverageCounter) add(h *rules.Hook, t *rules.Trace) {
	all, at := c[h.Name], 0
	for i := range t.Rules {
		rule := &t.Rules[i]
		for all[at].Rule != rule.Rule { // both are in the order of the hook
			at++
		}
		all[at].Evaluated++
		if rule.Matched {
			all[at].Matched++
		} else if rule.Err == nil && all[at].Branches != nil {
			all[at].Skipped++
		}
	}
}

func (c coverageCounter) coverage(set *rules.Set) (all []HookCoverage) {
	for _, h := range set.Hooks() {
		for i, p := range h.Places() {
			c[h.Name][i].Branches.Clauses = clauseCoverage(p.Clauses)
		}
		one := HookCoverage{Hook: h.Name, Rules: c[h.Name]}
		for _, l := range h.LetPlaces() {
			one.Lets = append(one.Lets, LetCoverage{l.Let, l.Place, clauseCoverage(l.Clauses)})
		}
		all = append(all, one)
	}
	return all
}

func clauseCoverage(clauses []rules.Clause) (all []ClauseCoverage) {
	for _, c := range clauses {
		yes, no := c.Counts()
		all = append(all, ClauseCoverage{c.Place, c.Text, yes, no})
	}
	return all
}

// Share returns the number of covered and of all possible results: the match of each rule, its not
// matching if it has a condition, and true and false of each part of a condition, a let or a
// verify. A Set loaded without Options.Clauses counts only the matches.
func (r *Report) Share() (covered, all int) {
	count := func(n int64) {
		all++
		if n > 0 {
			covered++
		}
	}
	for _, h := range r.Coverage {
		for _, rule := range h.Rules {
			count(int64(rule.Matched))
			if rule.Branches == nil {
				continue
			}
			if rule.Conditional {
				count(int64(rule.Skipped))
			}
			for _, c := range rule.Clauses {
				count(c.True)
				count(c.False)
			}
		}
		for _, l := range h.Lets {
			for _, c := range l.Clauses {
				count(c.True)
				count(c.False)
			}
		}
	}
	return covered, all
}

// Percent returns the Share in whole percent, rounded down: 100 means complete.
func (r *Report) Percent() int {
	covered, all := r.Share()
	if all == 0 {
		return 100
	}
	return 100 * covered / all
}

// branches reports whether the Set was loaded with Options.Clauses.
func (r *Report) branches() bool {
	return slices.ContainsFunc(r.Coverage, func(h HookCoverage) bool {
		return len(h.Rules) > 0 && h.Rules[0].Branches != nil
	})
}

// writeBranches writes a line with the place of each result that no test covers.
func (r *Report) writeBranches(w io.Writer) {
	covered, all := r.Share()
	fmt.Fprintf(w, "coverage: %d%%, %d of %d\n", r.Percent(), covered, all)
	for _, h := range r.Coverage {
		for _, l := range h.Lets {
			writeClauses(w, h.Hook+": let "+l.Let, l.Clauses)
		}
		for i := range h.Rules {
			h.Rules[i].write(w, h.Hook)
		}
	}
}

func (c *RuleCoverage) write(w io.Writer, hook string) {
	subject := hook + ": " + c.Rule
	switch {
	case c.Evaluated == 0:
		writeUncovered(w, c.Place, subject, "never evaluated")
		return // so no test evaluated its parts
	case c.Matched == 0:
		writeUncovered(w, c.Place, subject, "never matched")
	case c.Conditional && c.Skipped == 0:
		writeUncovered(w, c.Place, subject, "never failed to match")
	}
	writeClauses(w, subject, c.Clauses)
}

func writeClauses(w io.Writer, subject string, all []ClauseCoverage) {
	for _, c := range all {
		text := strings.Join(strings.Fields(c.Text), " ")
		switch {
		case c.True+c.False == 0:
			writeUncovered(w, c.Place, subject, "never evaluated: "+text)
		case c.True == 0:
			writeUncovered(w, c.Place, subject, "never true: "+text)
		case c.False == 0:
			writeUncovered(w, c.Place, subject, "never false: "+text)
		}
	}
}

func writeUncovered(w io.Writer, p rules.Place, subject, what string) {
	fmt.Fprintf(w, "  %s:%d:%d: %s: %s\n", p.File, p.Line, p.Column, subject, what)
}

// coverageReport is the JSON of WriteCoverage.
type coverageReport struct {
	Revision string         `json:"revision"`
	Percent  int            `json:"percent"`
	Covered  int            `json:"seen"`
	All      int            `json:"all"`
	Hooks    []HookCoverage `json:"hooks"`
}

// WriteCoverage writes the coverage as JSON, with all counts.
func (r *Report) WriteCoverage(w io.Writer) error {
	covered, all := r.Share()
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(coverageReport{r.Revision, r.Percent(), covered, all, r.Coverage})
}
