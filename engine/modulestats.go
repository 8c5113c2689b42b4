package engine

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/rules"
)

// moduleStats counts what a rule's module has taken. What it was stopped for is among the rule's failures.
type moduleStats struct {
	runs, fuel atomic.Uint64
	time       atomic.Int64 // nanoseconds
	peak       atomic.Int64 // bytes, of the run that had most
}

var (
	moduleRunsDesc = describe("module_runs_total", "Runs of a rule's module.", "hook", "rule")
	moduleFuelDesc = describe("module_fuel_total", "Fuel that a rule's module has spent.", "hook", "rule")
	moduleTimeDesc = describe("module_seconds_total", "Time that a rule's module has taken, waiting for its turn among it.", "hook", "rule")
	modulePeakDesc = describe("module_memory_peak_bytes", "The most memory that a run of a rule's module had.", "hook", "rule")
)

// record notes a run.
func (g *moduleStats) record(r *rules.RuleResult) {
	g.runs.Add(1)
	g.fuel.Add(uint64(r.Fuel))
	g.time.Add(int64(r.Time))
	for {
		was := g.peak.Load()
		if r.Memory <= was || g.peak.CompareAndSwap(was, r.Memory) {
			return
		}
	}
}

// collectModules shows what the modules of a hook's rules have taken.
func (t *hookStats) collectModules(hook string, out chan<- prometheus.Metric) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for rule, m := range t.rules {
		runs := m.module.runs.Load()
		if runs == 0 { // a rule of expressions, or one that nothing has matched
			continue
		}
		seconds := time.Duration(m.module.time.Load()).Seconds()
		out <- prometheus.MustNewConstMetric(moduleRunsDesc, prometheus.CounterValue, float64(runs), hook, rule)
		out <- prometheus.MustNewConstMetric(moduleFuelDesc, prometheus.CounterValue, float64(m.module.fuel.Load()), hook, rule)
		out <- prometheus.MustNewConstMetric(moduleTimeDesc, prometheus.CounterValue, seconds, hook, rule)
		out <- prometheus.MustNewConstMetric(modulePeakDesc, prometheus.GaugeValue, float64(m.module.peak.Load()), hook, rule)
	}
}
