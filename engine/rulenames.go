package engine

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/tenterhook/tenterhook/rules"
)

// What a hook remembers of which rules matched together. A hook has few such sets; one with many rules may have any number.
const (
	maxCachedRules = 64 // of a hook whose sets are remembered
	maxCachedSets  = 256
	maxNames       = 20 // of rules that are told
)

// nameSetCache gives the names of rules that matched together, as one slice for each set of rules: calls that are answered
// by the same rules share it. It is read on every call, so a set that is new makes a new map.
type nameSetCache struct {
	sets atomic.Pointer[map[uint64][]string] // by a bit for each rule
	mu   sync.Mutex                          // held while a set is added
}

func (c *nameSetCache) lookup(d *rules.Decision, all []*ruleStats) []string {
	if len(all) > maxCachedRules {
		return matchedNames(d, all)
	}
	var set uint64
	for i := range d.Results {
		if d.Results[i].Matched {
			set |= 1 << d.Results[i].Rule
		}
	}
	if set == 0 {
		return nil
	}
	if known := c.sets.Load(); known != nil {
		if list, ok := (*known)[set]; ok {
			return list
		}
	}
	return c.add(set, matchedNames(d, all))
}

func (c *nameSetCache) add(set uint64, list []string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := map[uint64][]string{set: list}
	if known := c.sets.Load(); known != nil {
		if len(*known) >= maxCachedSets {
			return list
		}
		maps.Copy(next, *known)
	}
	c.sets.Store(&next)
	return list
}

func matchedNames(d *rules.Decision, all []*ruleStats) (list []string) {
	for i := range d.Results {
		if d.Results[i].Matched && len(list) < maxNames {
			list = append(list, all[d.Results[i].Rule].rule)
		}
	}
	return list
}
