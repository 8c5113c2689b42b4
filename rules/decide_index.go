package rules

import (
	"cmp"
	"slices"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
)

// Limits of an index. Reading an index costs time, so it exists only where it saves more.
const (
	minRules   = 16 // minimum number of rules per member
	maxMembers = 8  // maximum number of members per index
	maxLengths = 8  // maximum number of prefix lengths per member: other lengths are rounded down
)

// index finds the rules whose conditions can be true by the values of a few members that many
// conditions compare with constant texts. It costs one read and one hash per member, independent of
// the number of rules. The conditions of omitted rules would be false without failing.
type index struct {
	members []memberIndex
	always  []int // rules outside the index, ascending
}

// memberIndex maps the values of one member to rules.
type memberIndex struct {
	member    expr.Member
	texts     map[string][]int
	longest   int // length of the longest text
	prefixes  map[string][]int
	lengths   []int // lengths of the prefixes, ascending
	onMissing []int // rules to run if the member is missing: those with `missing: match`
	onOther   []int // rules to run if the member is no text: they may fail
}

// needChoice is the Need by which the index finds a rule.
type needChoice struct {
	needs []expr.Need
	at    int
}

func (c needChoice) need() *expr.Need { return &c.needs[c.at] }

// newIndex builds an index of the rules with the given indexes, or returns nil if it would save
// nothing.
func newIndex(rules []rule, among []int) *index {
	if len(among) < minRules {
		return nil
	}
	common := countTexts(rules, among)
	allowed := func(string) bool { return true }
	choices := chooseNeeds(rules, among, common, allowed)
	users := map[string]int{}
	for _, c := range choices {
		for i := range c.needs {
			users[c.needs[i].Member.Name()]++
		}
	}
	names := make([]string, 0, len(users))
	for name, n := range users {
		if n >= minRules {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(users[b]-users[a], cmp.Compare(a, b)) })
	names = names[:min(len(names), maxMembers)]
	allowed = func(name string) bool { return slices.Contains(names, name) }
	choices = chooseNeeds(rules, among, common, allowed)
	if len(choices) < minRules {
		return nil
	}
	x := &index{}
	for _, i := range among {
		if c, ok := choices[i]; ok {
			x.add(i, c, rules[i].missing)
		} else {
			x.always = append(x.always, i)
		}
	}
	for i := range x.members {
		x.members[i].limitLengths()
	}
	return x
}

// searchText is a text or a prefix of a Need.
type searchText struct {
	member, text string
	beginning    bool
}

// eachText calls f with each text and prefix of a Need.
func eachText(n *expr.Need, f func(w searchText)) {
	for _, text := range n.Texts {
		f(searchText{n.Member.Name(), text, false})
	}
	for _, text := range n.Beginnings {
		f(searchText{n.Member.Name(), text, true})
	}
}

// countTexts counts the rules per text and prefix.
func countTexts(rules []rule, among []int) map[searchText]int {
	common := map[searchText]int{}
	for _, i := range among {
		for j := range rules[i].needs() {
			eachText(&rules[i].needs()[j], func(w searchText) { common[w]++ })
		}
	}
	return common
}

// needs returns the Needs by which the rule can be found. A rule with a budget of its own has none,
// because its condition may fail by that budget.
func (r *rule) needs() []expr.Need {
	if r.when == nil || r.limited {
		return nil
	}
	return r.when.Needs()
}

// chooseNeeds chooses for each rule the most selective Need, provided that the members read before
// it are allowed.
func chooseNeeds(rules []rule, among []int, common map[searchText]int, allowed func(string) bool) map[int]needChoice {
	choices := map[int]needChoice{}
	for _, i := range among {
		best, least := -1, 0
		needs := rules[i].needs()
		for j := range needs {
			if !allowed(needs[j].Member.Name()) {
				break
			}
			most := 0
			eachText(&needs[j], func(w searchText) { most = max(most, common[w]) })
			if most > 0 && (best < 0 || most < least) {
				best, least = j, most
			}
		}
		if best >= 0 {
			choices[i] = needChoice{needs[:best+1], best}
		}
	}
	return choices
}

// memberIndex returns the index of a member and creates it if needed.
func (x *index) memberIndex(m expr.Member) *memberIndex {
	at := slices.IndexFunc(x.members, func(s memberIndex) bool { return s.member.Name() == m.Name() })
	if at < 0 {
		at = len(x.members)
		x.members = append(x.members, memberIndex{member: m, texts: map[string][]int{}, prefixes: map[string][]int{}})
	}
	return &x.members[at]
}

// add adds rule i. A member that it reads before may make it fail.
func (x *index) add(i int, c needChoice, missing bool) {
	for j := range c.needs {
		s := x.memberIndex(c.needs[j].Member)
		s.onOther = appendUnique(s.onOther, i)
	}
	need := c.need()
	s := x.memberIndex(need.Member)
	if missing {
		s.onMissing = append(s.onMissing, i)
	}
	for _, text := range need.Texts {
		s.texts[text] = appendUnique(s.texts[text], i)
		s.longest = max(s.longest, len(text))
	}
	for _, text := range need.Beginnings {
		s.prefixes[text] = appendUnique(s.prefixes[text], i)
	}
}

// appendUnique appends i unless it is the last element.
func appendUnique(list []int, i int) []int {
	if n := len(list); n > 0 && list[n-1] == i {
		return list
	}
	return append(list, i)
}

// limitLengths reduces the prefixes to a few lengths: a text with a prefix also has each shorter
// part of it.
func (s *memberIndex) limitLengths() {
	seen := map[int]bool{}
	for text := range s.prefixes {
		seen[len(text)] = true
	}
	var lengths []int
	for n := range seen {
		lengths = append(lengths, n)
	}
	slices.Sort(lengths)
	for i := range min(len(lengths), maxLengths) {
		s.lengths = append(s.lengths, lengths[i*len(lengths)/min(len(lengths), maxLengths)])
	}
	whole := s.prefixes
	s.prefixes = make(map[string][]int, len(whole))
	for text, list := range whole {
		at, exact := slices.BinarySearch(s.lengths, len(text))
		if !exact {
			at--
		}
		short := text[:s.lengths[at]]
		s.prefixes[short] = append(s.prefixes[short], list...)
	}
}

// mark marks the rules whose conditions can be true or fail. It returns false if the Meter is
// exhausted.
func (x *index) mark(r *runtime.Run, p *ruleSet) bool {
	for i := range x.members {
		s := &x.members[i]
		v, err := s.member.Read(r)
		switch {
		case r.Meter.Err() != nil:
			return false
		case err != nil || v.Kind() != runtime.Null && v.Kind() != runtime.String:
			p.mark(s.onOther)
		case v.Kind() == runtime.Null:
			p.mark(s.onMissing)
		default:
			s.mark(v.Text(), p)
		}
	}
	p.mark(x.always)
	return true
}

// mark marks the rules that compare with a text.
func (s *memberIndex) mark(text string, p *ruleSet) {
	if len(text) <= s.longest {
		p.mark(s.texts[text])
	}
	for _, n := range s.lengths {
		if n > len(text) {
			return
		}
		p.mark(s.prefixes[text[:n]])
	}
}
