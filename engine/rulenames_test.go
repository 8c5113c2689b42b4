package engine

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
)

// TestCombinations: calls that match the same rules share one list, for any rules and concurrent
// callers, without an allocation.
func TestCombinations(t *testing.T) {
	var all []*ruleStats
	for i := range maxCachedRules {
		all = append(all, &ruleStats{rule: fmt.Sprint("r", i)})
	}
	matched := func(places ...int) *rules.Decision {
		d := &rules.Decision{Results: []rules.RuleResult{{Rule: 1}}} // it failed
		for _, i := range places {
			d.Results = append(d.Results, rules.RuleResult{Rule: i, Matched: true})
		}
		return d
	}
	var c nameSetCache
	if got := c.lookup(matched(), all); got != nil {
		t.Errorf("no rule: %v", got)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 2 * maxCachedSets { // more than are remembered
				a, b := i%maxCachedRules, (i*7+1)%maxCachedRules
				want := []string{fmt.Sprint("r", min(a, b)), fmt.Sprint("r", max(a, b))}
				if a == b {
					want = want[:1]
				}
				if got := c.lookup(matched(slices.Compact([]int{min(a, b), max(a, b)})...), all); !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
			}
		})
	}
	wg.Wait()
	if n := len(*c.sets.Load()); n > maxCachedSets {
		t.Errorf("%d sets are remembered", n)
	}
	var few nameSetCache
	d := matched(9, 63)
	few.lookup(d, all)
	if n := testing.AllocsPerRun(1000, func() { few.lookup(d, all) }); n > 0 {
		t.Errorf("%v allocations for a set that is known", n)
	}
}
