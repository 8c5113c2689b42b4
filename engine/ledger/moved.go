package ledger

import (
	"slices"
	"strings"
)

// Moved is the state of a step whose dead letter is no longer there: it was redriven, under an entry of its own, or dropped.
const Moved State = "moved"

// resolveMoved calls dead only those steps that still have a dead letter: redriving or dropping one leaves its event's rows as they are.
func (l *Ledger) resolveMoved(entries []Entry) error {
	dead := func(s EntryStep) bool { return s.State == Dead }
	origins := make(map[string]*EntryStep)
	for i := range entries {
		e := &entries[i]
		ref, ok := parseRef(e.ID)
		if !ok || strings.HasPrefix(e.ID, deadPrefix) || !slices.ContainsFunc(e.Steps, dead) {
			continue
		}
		for n := range e.Steps {
			if dead(e.Steps[n]) {
				origins[StepID{Ref: ref, Step: uint32(n)}.String()] = &e.Steps[n]
			}
		}
	}
	if len(origins) == 0 {
		return nil
	}
	err := l.scanDead(Filter{}, 0, false, func(letter Entry) bool {
		delete(origins, letter.Origin)
		return len(origins) > 0
	})
	if err != nil {
		return err
	}
	for _, s := range origins {
		s.State = Moved
	}
	for i := range entries {
		if e := &entries[i]; e.State == Dead && e.Origin == "" && !slices.ContainsFunc(e.Steps, dead) {
			e.State = Moved
		}
	}
	return nil
}
