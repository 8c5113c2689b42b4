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
	Lets  []LetCoverage  `json:"lets,omitempty"`
}

// LetCoverage is what the tests made of the conditions in a let.
type LetCoverage struct {
	Let string `json:"let"`
	rules.Place
	Clauses []ClauseCoverage `json:"clauses"`
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
	all, at := s[h.Name], 0
	for i := range t.Rules {
		looked := &t.Rules[i]
		for all[at].Rule != looked.Rule { // they are in the hook's order
			at++
		}
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
			s[h.Name][i].Branches.Clauses = coverageOf(p.Clauses)
		}
		one := HookCoverage{Hook: h.Name, Rules: s[h.Name]}
		for _, l := range h.LetPlaces() {
			one.Lets = append(one.Lets, LetCoverage{l.Let, l.Place, coverageOf(l.Clauses)})
		}
		all = append(all, one)
	}
	return all
}

func coverageOf(clauses []rules.Clause) (all []ClauseCoverage) {
	for _, c := range clauses {
		yes, no := c.Counts()
		all = append(all, ClauseCoverage{c.Place, c.Text, yes, no})
	}
	return all
}

// Share is how much of what can come of the rules has come of them in the tests: each rule's match, that of a rule with a condition
// failing to come, each part of a condition, in a let too, true and false, and so those of a verify and the verify itself. A Set that was not loaded with Options.Clauses has only the matches.
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
		for _, l := range h.Lets {
			for _, c := range l.Clauses {
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
		for _, l := range h.Lets {
			writeClauses(w, h.Hook+": let "+l.Let, l.Clauses)
		}
		for i := range h.Rules {
			h.Rules[i].write(w, h.Hook)
		}
	}
}

func (c *RuleCoverage) write(w io.Writer, hook string) {
	who := hook + ": " + c.Rule
	switch {
	case c.Seen == 0:
		unseen(w, c.Place, who, "never looked at")
		return // nor were its parts
	case c.Matched == 0:
		unseen(w, c.Place, who, "never matched")
	case c.Picks && c.Skipped == 0:
		unseen(w, c.Place, who, "never failed to match")
	}
	writeClauses(w, who, c.Clauses)
}

func writeClauses(w io.Writer, who string, all []ClauseCoverage) {
	for _, c := range all {
		text := strings.Join(strings.Fields(c.Text), " ")
		switch {
		case c.True+c.False == 0:
			unseen(w, c.Place, who, "never looked at: "+text)
		case c.True == 0:
			unseen(w, c.Place, who, "never true: "+text)
		case c.False == 0:
			unseen(w, c.Place, who, "never false: "+text)
		}
	}
}

func unseen(w io.Writer, p rules.Place, who, what string) {
	fmt.Fprintf(w, "  %s:%d:%d: %s: %s\n", p.File, p.Line, p.Column, who, what)
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
