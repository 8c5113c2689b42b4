package suite

import (
	"slices"

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
}

// sight counts what the decisions of a suite did, by hook and rule.
type sight map[string][]RuleCoverage

func newSight(s *rules.Set) sight {
	seen := sight{}
	for _, h := range s.Hooks() {
		for _, name := range h.RuleNames() {
			seen[h.Name] = append(seen[h.Name], RuleCoverage{Rule: name})
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
		}
	}
}

func (s sight) coverage(set *rules.Set) (all []HookCoverage) {
	for _, h := range set.Hooks() {
		all = append(all, HookCoverage{Hook: h.Name, Rules: s[h.Name]})
	}
	return all
}
