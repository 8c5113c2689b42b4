package engine

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/tenterhook/tenterhook/rules"
)

// Limits of a hook's cached rule-name sets. A hook usually has few distinct sets; one with many
// rules may have any number.
const (
	maxCachedRules = 64 // a hook with more rules does not cache
	maxCachedSets  = 256
	maxNames       = 20 // in a list
)

// nameSetCache shares the list of the names of matched rules between calls that matched the same
// rules. Every call reads it, so adding a set replaces the map.
type nameSetCache struct {
	sets atomic.Pointer[map[uint64][]string] // key: a bit for each matched rule
	mu   sync.Mutex                          // guards writes of sets
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
