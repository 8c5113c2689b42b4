package expr

import (
	"strconv"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Misses says which member of a path a call of the type does not have, with a suggestion; "" when it may have all of them. A
// number is an element of a list. known is as in Options. An event hook's call is its delivery: its events are in data.events.
func Misses(t hook.Type, known []string, path []string) string {
	s := shapeOf(t, known)
	if t == hook.EventHook {
		root := s
		s, _ = root.member("delivery")
		if len(path) > 2 && path[0] == "data" && path[1] == "events" {
			s, _ = root.member("event")
			path = path[min(len(path), 3):]
		} else if len(path) > 1 && path[0] == "data" {
			s, path = &shape{types: object, members: map[string]*shape{"events": nil}}, path[1:]
		}
	}
	for _, name := range path {
		if _, err := strconv.Atoi(name); err == nil && s.kinds()&list != 0 {
			if s == nil || s.element == nil {
				return ""
			}
			s = s.element
			continue
		}
		if s.kinds()&(object|list) == 0 {
			return "there is nothing inside " + s.kinds().words() + ": unknown field " + name
		}
		next, ok := s.member(name)
		if !ok {
			text := "unknown field " + name
			if word, near := hook.Suggest(name, s.names()); near {
				text += ", did you mean " + word + "?"
			}
			return text
		}
		s = next
	}
	return ""
}
