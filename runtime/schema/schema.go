package schema

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Kinds is a set of kinds that a value may have. Null is not among them: any member may be missing.
type Kinds uint8

// The kinds.
const (
	Boolean Kinds = 1 << iota
	Number
	Text
	List
	Object
	Any = Boolean | Number | Text | List | Object
)

// String is the kinds' name in messages, such as "a number or a text".
func (k Kinds) String() string {
	if k == Any {
		return "anything"
	}
	var all []string
	for i, name := range []string{"a boolean", "a number", "a text", "a list", "an object"} {
		if k&(1<<i) != 0 {
			all = append(all, name)
		}
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, " or ")
}

// Schema describes a value beforehand: its kinds, and an object's members or a list's
// elements. It serves messages and the compiler. A payload may deviate from it, so the kind of
// every value is checked at run time. A nil Schema allows anything.
type Schema struct {
	kinds   Kinds
	members map[string]*Schema // nil: not known, any name is allowed
	others  others
	element *Schema // of a list
	note    string  // why an unknown member cannot be there; "": nothing to say
	values  *Values // nil: any text
	secret  bool    // it is a secret member or contains one
}

// others says which members an object may have beside the known ones.
type others uint8

const (
	noOthers    others = iota
	anyOthers          // an org chooses their names
	otherUnlike        // Okta adds some: any name except a typing error of a known one
)

// New is a schema of which only the kinds are known.
func New(k Kinds) *Schema { return &Schema{kinds: k} }

// ListOf is a list of such elements.
func ListOf(element *Schema) *Schema { return &Schema{kinds: List, element: element} }

// ObjectOf is an object with these members and no others.
func ObjectOf(members map[string]*Schema) *Schema { return &Schema{kinds: Object, members: members} }

// Kinds are the kinds that the value may have.
func (s *Schema) Kinds() Kinds {
	if s == nil {
		return Any
	}
	return s.kinds
}

// HasMembers reports whether the names of an object's members are known.
func (s *Schema) HasMembers() bool { return s != nil && s.members != nil }

// Known is the member of that name, nil when the schema does not list it.
func (s *Schema) Known(name string) *Schema {
	if s == nil {
		return nil
	}
	return s.members[name]
}

// Member is the member of that name. It is false when the object cannot have one, and nil when any
// value is allowed.
func (s *Schema) Member(name string) (*Schema, bool) {
	if !s.HasMembers() {
		return nil, true
	}
	m, ok := s.members[name]
	if ok || s.others == noOthers {
		return m, ok
	}
	return nil, s.others == anyOthers || !slices.ContainsFunc(s.Names(), func(known string) bool { return isTypo(name, known) })
}

// Names are the members that are known, sorted.
func (s *Schema) Names() []string {
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.members))
}

// Note explains why an unknown member cannot be there, and what to read instead; "" if a suggestion
// is all there is to say.
func (s *Schema) Note() string {
	if s == nil {
		return ""
	}
	return s.note
}

// Element is the schema of a list's elements, nil when any value is allowed.
func (s *Schema) Element() *Schema {
	if s == nil {
		return nil
	}
	return s.element
}

// Values are the texts that the value can be, nil when any text is allowed.
func (s *Schema) Values() *Values {
	if s == nil {
		return nil
	}
	return s.values
}

// Secret reports whether the value is a secret member or contains one.
func (s *Schema) Secret() bool { return s != nil && s.secret }

// add puts a member at the path, with the objects on the way there. A member that is there already
// stays.
func (s *Schema) add(path []string, leaf *Schema) {
	for i, name := range path {
		if s.members == nil {
			return // any member is allowed
		}
		next, ok := s.members[name]
		switch {
		case i == len(path)-1:
			if !ok {
				s.members[name] = leaf
			}
			return
		case !ok:
			next = ObjectOf(map[string]*Schema{})
			s.members[name] = next
		case next == nil:
			return
		}
		s = next
	}
}

// at is the member at a path, nil when it is not known.
func (s *Schema) at(path []string) *Schema {
	for _, name := range path {
		s = s.Known(name)
	}
	return s
}

// allowAny lets the member at the path have any kind and any members.
func (s *Schema) allowAny(path []string) {
	if s = s.at(path); s != nil {
		s.kinds, s.others, s.element, s.values = Any, anyOthers, nil, nil
	}
}

func (s *Schema) clone() *Schema {
	if s == nil {
		return nil
	}
	c := *s
	if s.members != nil {
		c.members = make(map[string]*Schema, len(s.members))
		for name, m := range s.members {
			c.members[name] = m.clone()
		}
	}
	return &c
}

// byType holds the schema of an event of each type, parsed once.
var byType = sync.OnceValue(func() map[hook.Type]*Schema {
	all := make(map[hook.Type]*Schema)
	for t, lists := range members {
		s := Parse(lists...)
		s.setValues(closedValues[t], true)
		s.setValues(openValues[t], false)
		s.setTypes(t)
		for _, path := range t.Secrets() {
			s.markSecret(path)
		}
		all[t] = s
	}
	return all
})

// Of is the schema of an event of the type. known lists paths that the policy adds; a path that the
// schema has already then allows anything. The paths of an event hook begin with event or delivery;
// others, such as an inline hook's or an event type, are skipped. It is nil for a type without
// known members.
func Of(t hook.Type, known []string) *Schema {
	s := byType()[t].clone()
	if s == nil {
		return nil
	}
	for _, path := range known {
		steps := strings.Split(path, ".")
		if _, ok := s.Member(steps[0]); !ok && t == hook.EventHook {
			continue
		}
		s.add(steps, New(Any))
		s.allowAny(steps)
	}
	return s
}
