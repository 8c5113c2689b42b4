package rules

import (
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// maxSegments is how many segments an event type in `on` may have. Okta's have ten at most.
const maxSegments = 15

// selection finds the rules of an event hook that an event is for, without a look at the others.
type selection struct {
	exact map[string][]int // by event type: the places of rules, ascending
	under map[string][]int // by what a * stands behind, such as "user.session."; "" has the rules for every event
}

func (s *selection) add(rule int, patterns []hook.EventPattern) {
	if s.exact == nil {
		s.exact, s.under = map[string][]int{}, map[string][]int{}
	}
	if len(patterns) == 0 {
		s.under[""] = append(s.under[""], rule)
	}
	for _, p := range patterns {
		if prefix, ok := p.Under(); ok {
			s.under[prefix] = append(s.under[prefix], rule)
		} else {
			s.exact[string(p)] = append(s.exact[string(p)], rule)
		}
	}
}

// picker goes through the rules for one event in their order.
type picker struct {
	lists [maxSegments + 1][]int
	n     int
}

// of begins with the rules for an event type.
func (s *selection) of(eventType string, p *picker) {
	p.n = 0
	p.take(s.exact[eventType])
	p.take(s.under[""])
	for i := 0; p.n < len(p.lists); i++ {
		dot := strings.IndexByte(eventType[i:], '.')
		if dot < 0 || i+dot == len(eventType)-1 {
			return
		}
		i += dot
		p.take(s.under[eventType[:i+1]])
	}
}

func (p *picker) take(list []int) {
	if len(list) > 0 {
		p.lists[p.n] = list
		p.n++
	}
}

// next is the next rule's place; -1 when there is none. A rule that is in several lists comes once.
func (p *picker) next() int {
	best := -1
	for i := range p.n {
		if l := p.lists[i]; len(l) > 0 && (best < 0 || l[0] < best) {
			best = l[0]
		}
	}
	for i := range p.n {
		for len(p.lists[i]) > 0 && p.lists[i][0] == best {
			p.lists[i] = p.lists[i][1:]
		}
	}
	return best
}
