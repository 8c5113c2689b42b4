package rules

import (
	"math/bits"
	"strings"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// maxSegments is the number of segments of an event type that select rules. Okta's types have at
// most ten.
const maxSegments = 15

// selection finds the rules for a call without evaluating the others.
type selection struct {
	byType   map[string]*group // by event type
	byPrefix map[string]*group // by the text before a *, such as "user.session."; "": the rules for every call
	rules    int
}

// group holds the rules with the same event type or prefix.
type group struct {
	rules []int // rule indexes, ascending
	index *index
}

// add adds the next rule with its `on` patterns; rules of inline hooks have none.
func (s *selection) add(patterns []hook.EventPattern) {
	if s.byType == nil {
		s.byType, s.byPrefix = map[string]*group{}, map[string]*group{}
	}
	if len(patterns) == 0 {
		s.addToGroup(s.byPrefix, "")
	}
	for _, p := range patterns {
		if prefix, ok := p.Prefix(); ok {
			s.addToGroup(s.byPrefix, prefix)
		} else {
			s.addToGroup(s.byType, string(p))
		}
	}
	s.rules++
}

func (s *selection) addToGroup(groups map[string]*group, key string) {
	g := groups[key]
	if g == nil {
		g = new(group)
		groups[key] = g
	}
	g.rules = appendUnique(g.rules, s.rules)
}

// buildIndexes builds the index of each group after all rules are added.
func (s *selection) buildIndexes(rules []rule) {
	for _, groups := range []map[string]*group{s.byType, s.byPrefix} {
		for _, g := range groups {
			g.index = newIndex(rules, g.rules)
		}
	}
}

// selectInline selects the rules of an inline hook; whole: also rules whose conditions cannot be
// true.
func (s *selection) selectInline(r *runtime.Run, p *ruleSet, whole bool) {
	g := s.byPrefix[""]
	if g == nil || g.index == nil || whole {
		p.markAll(s.rules)
		return
	}
	p.reset(s.rules)
	g.selectInto(r, p, false)
}

// selectEvent selects the rules for an event type; whole as in selectInline.
func (s *selection) selectEvent(eventType string, r *runtime.Run, p *ruleSet, whole bool) {
	p.reset(s.rules)
	s.byType[eventType].selectInto(r, p, whole)
	s.byPrefix[""].selectInto(r, p, whole)
	i := 0
	for range maxSegments {
		dot := strings.IndexByte(eventType[i:], '.')
		if dot < 0 || i+dot == len(eventType)-1 {
			return
		}
		i += dot + 1
		s.byPrefix[eventType[:i]].selectInto(r, p, whole)
	}
}

func (g *group) selectInto(r *runtime.Run, p *ruleSet, whole bool) {
	switch {
	case g == nil:
	case g.index == nil || whole || !g.index.mark(r, p):
		p.mark(g.rules)
	}
}

// ruleSet is a set of rule indexes, iterated in order.
type ruleSet struct {
	marks []uint64 // a bit for each rule
	at    int      // the next rule
	rules int
	whole bool // all rules are in the set
}

func (p *ruleSet) reset(rules int) {
	p.at, p.rules, p.whole = 0, rules, false
	n := (rules + 63) / 64
	if cap(p.marks) < n {
		p.marks = make([]uint64, n)
	}
	p.marks = p.marks[:n]
	clear(p.marks)
}

func (p *ruleSet) markAll(rules int) { p.at, p.rules, p.whole = 0, rules, true }

func (p *ruleSet) mark(rules []int) {
	for _, i := range rules {
		p.marks[i>>6] |= 1 << (i & 63)
	}
}

// next returns the index of the next rule, or -1.
func (p *ruleSet) next() int {
	if p.whole {
		if p.at == p.rules {
			return -1
		}
		p.at++
		return p.at - 1
	}
	for word := p.at >> 6; word < len(p.marks); word++ {
		if left := p.marks[word] >> (p.at & 63); left != 0 {
			i := p.at + bits.TrailingZeros64(left)
			p.at = i + 1
			return i
		}
		p.at = (word + 1) << 6
	}
	return -1
}
