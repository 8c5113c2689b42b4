package schema

import (
	"strconv"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// CheckPath says which step of a path a call of the type cannot have, with a suggestion; "" when it
// may have all of them. A number is an index into a list. known is as in Of. The path into an event
// hook's call is one into its delivery, which has the events in data.events.
func CheckPath(t hook.Type, known []string, path []string) string {
	s := Of(t, known)
	if t == hook.EventHook {
		s, path = deliveryPath(s, path)
	}
	for _, name := range path {
		if _, err := strconv.Atoi(name); err == nil && s.Kinds()&List != 0 {
			if s = s.Element(); s == nil {
				return ""
			}
			continue
		}
		if s.Kinds()&(Object|List) == 0 {
			return "there is nothing inside " + s.Kinds().String() + ": unknown field " + name
		}
		next, ok := s.Member(name)
		if !ok {
			text := "unknown field " + name
			if word, near := hook.Suggest(name, s.Names()); near {
				text += ", did you mean " + word + "?"
			}
			return text
		}
		s = next
	}
	return ""
}

// deliveryPath is where a path into a delivery begins: at the delivery, or at one of its events.
func deliveryPath(root *Schema, path []string) (*Schema, []string) {
	if len(path) > 2 && path[0] == "data" && path[1] == "events" {
		return root.Known("event"), path[3:]
	}
	if len(path) > 1 && path[0] == "data" {
		return ObjectOf(map[string]*Schema{"events": nil}), path[1:]
	}
	return root.Known("delivery"), path
}
