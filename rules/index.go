package rules

import (
	"cmp"
	"slices"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
)

// An index takes work to ask, and is there only where it saves more.
const (
	fewRules    = 16 // that look at a member do so themselves
	mostMembers = 8  // that one index looks at
	mostLengths = 8  // of beginnings, for one member: those in between are cut to the next one below
)

// index finds the rules whose conditions can be true, by what the event has where many conditions look for one text: a look
// and a hash for each such member, however many rules there are. Rules that it leaves out would have been false without failing.
type index struct {
	sorted []sorting
	always []int // rules that it knows nothing of, ascending
}

// sorting is the rules of an index by one member.
type sorting struct {
	member     expr.Member
	texts      map[string][]int
	longest    int // of texts
	beginnings map[string][]int
	lengths    []int // of beginnings, ascending
	missing    []int // rules to look at when the member is missing: those that take that for a match
	odd        []int // rules to look at when it is no text: they may fail
}

// choice is the one Need of a rule that it is found by.
type choice struct {
	needs []expr.Need
	at    int
}

func (c choice) need() *expr.Need { return &c.needs[c.at] }

// newIndex sorts rules, of which among are the places; nil when there is nothing to gain.
func newIndex(rules []rule, among []int) *index {
	if len(among) < fewRules {
		return nil
	}
	common := tally(rules, among)
	allowed := func(string) bool { return true }
	choices := choose(rules, among, common, allowed)
	users := map[string]int{}
	for _, c := range choices {
		for i := range c.needs {
			users[c.needs[i].Member.Name()]++
		}
	}
	names := make([]string, 0, len(users))
	for name, n := range users {
		if n >= fewRules {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(users[b]-users[a], cmp.Compare(a, b)) })
	names = names[:min(len(names), mostMembers)]
	allowed = func(name string) bool { return slices.Contains(names, name) }
	choices = choose(rules, among, common, allowed)
	if len(choices) < fewRules {
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
	for i := range x.sorted {
		x.sorted[i].cut()
	}
	return x
}

// wanted is a text of a Need, or a beginning.
type wanted struct {
	member, text string
	beginning    bool
}

// each calls f with all that a Need asks for.
func each(n *expr.Need, f func(w wanted)) {
	for _, text := range n.Texts {
		f(wanted{n.Member.Name(), text, false})
	}
	for _, text := range n.Beginnings {
		f(wanted{n.Member.Name(), text, true})
	}
}

// tally counts how many rules ask for the same.
func tally(rules []rule, among []int) map[wanted]int {
	common := map[wanted]int{}
	for _, i := range among {
		for j := range rules[i].needs() {
			each(&rules[i].needs()[j], func(w wanted) { common[w]++ })
		}
	}
	return common
}

// needs are those the rule can be found by. The small budget of a rule may run out in its condition, which then fails.
func (r *rule) needs() []expr.Need {
	if r.when == nil || r.limited {
		return nil
	}
	return r.when.Needs()
}

// choose takes for each rule the Need that it has in common with the fewest, if the members it stands behind are allowed.
func choose(rules []rule, among []int, common map[wanted]int, allowed func(string) bool) map[int]choice {
	choices := map[int]choice{}
	for _, i := range among {
		best, least := -1, 0
		needs := rules[i].needs()
		for j := range needs {
			if !allowed(needs[j].Member.Name()) {
				break
			}
			most := 0
			each(&needs[j], func(w wanted) { most = max(most, common[w]) })
			if most > 0 && (best < 0 || most < least) {
				best, least = j, most
			}
		}
		if best >= 0 {
			choices[i] = choice{needs[:best+1], best}
		}
	}
	return choices
}

// sorting is that of a member, which is there from now on.
func (x *index) sorting(m expr.Member) *sorting {
	at := slices.IndexFunc(x.sorted, func(s sorting) bool { return s.member.Name() == m.Name() })
	if at < 0 {
		at = len(x.sorted)
		x.sorted = append(x.sorted, sorting{member: m, texts: map[string][]int{}, beginnings: map[string][]int{}})
	}
	return &x.sorted[at]
}

// add sorts rule i in. Whatever it looks at before may make it fail.
func (x *index) add(i int, c choice, missing bool) {
	for j := range c.needs {
		s := x.sorting(c.needs[j].Member)
		s.odd = once(s.odd, i)
	}
	need := c.need()
	s := x.sorting(need.Member)
	if missing {
		s.missing = append(s.missing, i)
	}
	for _, text := range need.Texts {
		s.texts[text] = once(s.texts[text], i)
		s.longest = max(s.longest, len(text))
	}
	for _, text := range need.Beginnings {
		s.beginnings[text] = once(s.beginnings[text], i)
	}
}

// once adds i at the end, if it is not there.
func once(list []int, i int) []int {
	if n := len(list); n > 0 && list[n-1] == i {
		return list
	}
	return append(list, i)
}

// cut leaves beginnings of a few lengths: what begins with a text begins with less of it too.
func (s *sorting) cut() {
	seen := map[int]bool{}
	for text := range s.beginnings {
		seen[len(text)] = true
	}
	var lengths []int
	for n := range seen {
		lengths = append(lengths, n)
	}
	slices.Sort(lengths)
	for i := range min(len(lengths), mostLengths) {
		s.lengths = append(s.lengths, lengths[i*len(lengths)/min(len(lengths), mostLengths)])
	}
	whole := s.beginnings
	s.beginnings = make(map[string][]int, len(whole))
	for text, list := range whole {
		at, exact := slices.BinarySearch(s.lengths, len(text))
		if !exact {
			at--
		}
		short := text[:s.lengths[at]]
		s.beginnings[short] = append(s.beginnings[short], list...)
	}
}

// mark marks the rules whose conditions can be true, or fail. It is false when the Meter has said no: then nobody knows.
func (x *index) mark(r *runtime.Run, p *picker) bool {
	for i := range x.sorted {
		s := &x.sorted[i]
		v, err := s.member.Read(r)
		switch {
		case r.Meter.Err() != nil:
			return false
		case err != nil || v.Kind() != runtime.Null && v.Kind() != runtime.String:
			p.mark(s.odd)
		case v.Kind() == runtime.Null:
			p.mark(s.missing)
		default:
			s.mark(v.Text(), p)
		}
	}
	p.mark(x.always)
	return true
}

// mark marks the rules that ask for a text.
func (s *sorting) mark(text string, p *picker) {
	if len(text) <= s.longest {
		p.mark(s.texts[text])
	}
	for _, n := range s.lengths {
		if n > len(text) {
			return
		}
		p.mark(s.beginnings[text[:n]])
	}
}
