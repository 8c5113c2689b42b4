package engine

import (
	"sync"
	"sync/atomic"

	"github.com/tenterhook/tenterhook/rules"
)

// What a hook remembers of which rules matched together. A hook has few such sets; one with many rules may have any number.
const (
	mostRules = 64 // of a hook whose sets are remembered
	mostSets  = 256
	mostNames = 20 // of rules that are told
)

// combinations gives the names of rules that matched together, as one slice for each set of rules: calls that are answered
// by the same rules share it.
type combinations struct {
	known sync.Map // uint64, a bit for each rule, to []string
	n     atomic.Int64
}

func (c *combinations) of(d *rules.Decision, all []*counter) []string {
	if len(all) > mostRules {
		return names(d, all)
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
	if list, ok := c.known.Load(set); ok {
		return list.([]string)
	}
	list := names(d, all)
	if c.n.Add(1) <= mostSets {
		c.known.Store(set, list)
	}
	return list
}

func names(d *rules.Decision, all []*counter) (list []string) {
	for i := range d.Results {
		if d.Results[i].Matched && len(list) < mostNames {
			list = append(list, all[d.Results[i].Rule].rule)
		}
	}
	return list
}
