package expr

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// types is a set of kinds a value may have; null is kept apart.
type types uint8

const (
	boolean types = 1 << iota
	number
	text
	list
	object
	anything = boolean | number | text | list | object
)

// words are what messages call the kinds.
func (t types) words() string {
	if t == anything {
		return "anything"
	}
	var all []string
	for i, word := range []string{"a boolean", "a number", "a text", "a list", "an object"} {
		if t&(1<<i) != 0 {
			all = append(all, word)
		}
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, " or ")
}

// shape is what is known of a value before there is one: the kinds it may have, and an object's members. A payload need
// not keep to it: at run time every value's kind is looked at. A nil shape is anything.
type shape struct {
	types   types
	members map[string]*shape // nil: not known, any name will do
	rest    rest              // what other members it may have
	element *shape            // of a list
	words   *words            // what its texts can be, nil: anything
	secret  bool              // it is a secret member, or has one inside
}

// rest is what other members an object may have beside those that are known.
type rest uint8

const (
	none    rest = iota
	orgs         // any: an org names them as it likes
	growing      // any that are no slip of the pen: Okta names them
)

func (s *shape) kinds() types {
	if s == nil {
		return anything
	}
	return s.types
}

// closed reports whether the shape knows its members.
func (s *shape) closed() bool { return s != nil && s.members != nil }

func (s *shape) member(name string) (*shape, bool) {
	if !s.closed() {
		return nil, true
	}
	m, ok := s.members[name]
	if ok || s.rest == none {
		return m, ok
	}
	return nil, s.rest == orgs || !slices.ContainsFunc(s.names(), func(known string) bool { return slipped(name, known) })
}

func (s *shape) names() []string { return slices.Sorted(maps.Keys(s.members)) }

// add puts a member at the path, with what is needed on the way there.
func (s *shape) add(path []string, leaf *shape) {
	for i, name := range path {
		if s.members == nil {
			return // open already
		}
		next, ok := s.members[name]
		switch {
		case i == len(path)-1:
			if !ok {
				s.members[name] = leaf
			}
			return
		case !ok:
			next = &shape{types: object, members: map[string]*shape{}}
			s.members[name] = next
		case next == nil:
			return
		}
		s = next
	}
}

func (s *shape) clone() *shape {
	if s == nil {
		return nil
	}
	c := *s
	if s.members != nil {
		c.members = make(map[string]*shape, len(s.members))
		for name, m := range s.members {
			c.members[name] = m.clone()
		}
	}
	return &c
}

// leaves are the words of the lists in okta.go that are no parts.
var leaves = map[string]shape{
	"text":   {types: text},
	"number": {types: number},
	"scalar": {types: number | text},
	"bool":   {types: boolean},
	"list":   {types: list},
	"texts":  {types: list, element: &shape{types: text}},
	"open":   {types: object},
	"more":   {types: object, rest: orgs},
	"grows":  {types: object, rest: growing},
	"any":    {types: anything},
}

// shapes holds what an event of each type looks like, read once from the lists.
var shapes = sync.OnceValue(func() map[hook.Type]*shape {
	all := make(map[hook.Type]*shape)
	for t, lists := range members {
		all[t] = read(lists)
		all[t].say(closedWords[t], true)
		all[t].say(openWords[t], false)
		all[t].typed(t)
		for _, path := range t.Secrets() {
			all[t].hide(path)
		}
	}
	return all
})

// read makes a shape of lists of members.
func read(lists []string) *shape {
	s := &shape{types: object, members: map[string]*shape{}}
	for _, one := range lists {
		for line := range strings.Lines(one) {
			fields := strings.Fields(line)
			for _, path := range fields[min(1, len(fields)):] {
				leaf := leafOf(fields[0])
				s.add(strings.Split(path, "."), &leaf)
			}
		}
	}
	return s
}

// leafOf is what a word of the lists stands for: one of leaves, or of parts.
func leafOf(word string) shape {
	switch word {
	case "targets", "hops":
		return shape{types: list, element: read([]string{parts[word]})}
	case "place":
		return *read([]string{parts[word]})
	case "profile":
		s := *read([]string{parts[word]})
		s.rest = orgs
		return s
	}
	leaf := leaves[word]
	if leaf.rest != none {
		leaf.members = map[string]*shape{}
	}
	return leaf
}

// shapeOf is what an event of the type looks like, with the paths that the policy says are known too: one that is known here
// already is then anything. Those of an event hook begin with event or delivery: any other is an inline hook's, or a type of
// event.
func shapeOf(t hook.Type, known []string) *shape {
	s := shapes()[t]
	if s == nil {
		return nil
	}
	s = s.clone()
	for _, path := range known {
		steps := strings.Split(path, ".")
		if _, ok := s.member(steps[0]); !ok && t == hook.EventHook {
			continue
		}
		s.add(steps, &shape{types: anything})
		s.free(steps)
	}
	return s
}
