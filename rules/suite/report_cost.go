package suite

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules"
)

// RuleCost is the cost of a rule in the tests that evaluated it.
type RuleCost struct {
	Hook    string        `json:"hook"`
	Rule    string        `json:"rule"`
	Runs    int           `json:"runs"`
	FuelP50 int64         `json:"fuelP50"`
	FuelMax int64         `json:"fuelMax"`
	Memory  int64         `json:"memory"`  // peak memory of its module in bytes; 0 without one
	TimeP50 time.Duration `json:"timeP50"` // nanoseconds
}

// ruleRun is the cost of one evaluation of a rule.
type ruleRun struct {
	hook, rule   string
	fuel, memory int64
	time         time.Duration
}

// recordCosts records the cost of each rule in a decision.
func (c *Result) recordCosts(h *rules.Hook, t *rules.Trace) {
	for i := range t.Rules {
		r := &t.Rules[i]
		c.runs = append(c.runs, ruleRun{h.Name, r.Rule, r.Fuel, r.Memory, r.Time})
	}
}

// costs sums the costs of the cases per rule, in the order of the Set.
func costs(s *rules.Set, cases []Result) (all []RuleCost) {
	fuel, times := map[[2]string][]int64{}, map[[2]string][]time.Duration{}
	memory := map[[2]string]int64{}
	for i := range cases {
		for _, one := range cases[i].runs {
			k := [2]string{one.hook, one.rule}
			fuel[k], times[k], memory[k] = append(fuel[k], one.fuel), append(times[k], one.time), max(memory[k], one.memory)
		}
	}
	for _, h := range s.Hooks() {
		for _, name := range h.RuleNames() {
			k := [2]string{h.Name, name}
			c := RuleCost{Hook: h.Name, Rule: name, Runs: len(fuel[k]), Memory: memory[k]}
			if c.Runs > 0 {
				c.FuelP50, c.FuelMax, c.TimeP50 = median(fuel[k]), slices.Max(fuel[k]), median(times[k])
			}
			all = append(all, c)
		}
	}
	return all
}

// median returns the median; for an even number of values, the lower one.
func median[T int64 | time.Duration](all []T) T {
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// WriteCosts writes a tab-separated table with the cost of each rule, to compare two commits. All
// columns except the last, the time in microseconds, are the same on every machine.
func (r *Report) WriteCosts(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, "hook\trule\truns\tfuel p50\tfuel max\tmemory max\ttime p50\n")
	for _, c := range r.Costs {
		name := strings.Join(strings.Fields(c.Rule), " ")
		fmt.Fprintf(out, "%s\t%s\t%d\t%d\t%d\t%d\t%.1f\n", c.Hook, name, c.Runs, c.FuelP50, c.FuelMax, c.Memory, float64(c.TimeP50)/1000)
	}
	return out.Flush()
}
