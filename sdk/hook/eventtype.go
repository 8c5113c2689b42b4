package hook

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// eventTypeText is Okta's catalogue, release 2026.08.1: the types with the tag event-hook-eligible
// (hooks.md section 3.2).
//
//go:embed event-types.txt
var eventTypeText string

var eventTypes = sync.OnceValue(func() []string {
	all := strings.Fields(eventTypeText)
	slices.Sort(all)
	return all
})

// EventTypes lists the types of events that Okta delivers to event hooks, sorted. It is a fresh
// copy.
func EventTypes() []string { return slices.Clone(eventTypes()) }

// Subscribable reports whether Okta delivers events of that type to event hooks. Case counts.
func Subscribable(eventType string) bool {
	_, ok := slices.BinarySearch(eventTypes(), eventType)
	return ok
}

// EventPattern selects the events of a rule: an event type, or a prefix with * as its last segment.
// user.session.* matches every type below user.session, * alone every type.
type EventPattern string

// Prefix returns the common prefix of the types that a pattern with a * matches, including the dot;
// false for a plain type.
func (p EventPattern) Prefix() (prefix string, ok bool) {
	prefix, ok = strings.CutSuffix(string(p), "*")
	return prefix, ok && (prefix == "" || strings.HasSuffix(prefix, "."))
}

// Matches reports whether the pattern stands for the type.
func (p EventPattern) Matches(eventType string) bool {
	if prefix, ok := p.Prefix(); ok {
		return strings.HasPrefix(eventType, prefix) && len(eventType) > len(prefix)
	}
	return string(p) == eventType
}

// Check returns the problem of a pattern that matches no type of Okta's, with a suggestion; empty
// if there is no problem. known are types that Okta has added since this release.
func (p EventPattern) Check(known []string) string {
	if star := strings.IndexByte(string(p), '*'); star >= 0 {
		if _, ok := p.Prefix(); !ok || star < len(p)-1 {
			return "want * in the place of the last segment alone, as in user.session.*"
		}
	}
	all := eventTypes()
	if slices.ContainsFunc(all, p.Matches) || slices.ContainsFunc(known, p.Matches) {
		return ""
	}
	return "Okta delivers no events of type " + quote(string(p)) + " to event hooks" + p.suggestion(all)
}

// suggestion is the suggestion: among the types for a type, among their beginnings for a pattern.
func (p EventPattern) suggestion(all []string) string {
	prefix, wild := p.Prefix()
	words := all
	if wild {
		words = wildcardPatterns(all)
	}
	if s, ok := Suggest(string(p), words); ok {
		return ", did you mean " + s + "?"
	}
	if !wild && slices.ContainsFunc(all, EventPattern(string(p)+".*").Matches) {
		return ", did you mean " + string(p) + ".*?"
	}
	if wild {
		prefix = strings.TrimSuffix(prefix, ".")
	} else {
		prefix = string(p)
	}
	for { // types with the same prefix are the likeliest
		at := strings.LastIndexByte(prefix, '.')
		if at < 0 {
			return "; known lists types that it has added since"
		}
		prefix = prefix[:at]
		if near := typesBelow(all, prefix+"."); len(near) > 0 && len(near) <= 6 {
			return "; " + prefix + " has " + OneOf(near)
		}
	}
}

// wildcardPatterns are the patterns with a * that stand for some type.
func wildcardPatterns(all []string) (patterns []string) {
	for _, t := range all {
		for i := range len(t) {
			if t[i] == '.' {
				patterns = append(patterns, t[:i]+".*")
			}
		}
	}
	slices.Sort(patterns)
	return slices.Compact(patterns)
}

func typesBelow(all []string, prefix string) (found []string) {
	for _, t := range all {
		if strings.HasPrefix(t, prefix) {
			found = append(found, t)
		}
	}
	return found
}
