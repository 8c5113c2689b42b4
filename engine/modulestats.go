package engine

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/rules"
)

// moduleStats counts the consumption of a rule's module. Its aborted runs are counted as the rule's
// failures.
type moduleStats struct {
	runs, fuel atomic.Uint64
	time       atomic.Int64 // nanoseconds
	peak       atomic.Int64 // bytes
}

var (
	moduleRunsDesc = describe("module_runs_total", "Runs of a rule's module.", "hook", "rule")
	moduleFuelDesc = describe("module_fuel_total", "Fuel used by a rule's module.", "hook", "rule")
	moduleTimeDesc = describe("module_seconds_total", "Time used by a rule's module, including the wait for a slot.", "hook", "rule")
	modulePeakDesc = describe("module_memory_peak_bytes", "Peak memory of a run of a rule's module.", "hook", "rule")
)

// record adds a run.
func (m *moduleStats) record(r *rules.RuleResult) {
	m.runs.Add(1)
	m.fuel.Add(uint64(r.Fuel))
	m.time.Add(int64(r.Time))
	for {
		was := m.peak.Load()
		if r.Memory <= was || m.peak.CompareAndSwap(was, r.Memory) {
			return
		}
	}
}

// collectModules exports the consumption of the modules of a hook's rules.
func (s *hookStats) collectModules(hook string, out chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for rule, m := range s.rules {
		runs := m.module.runs.Load()
		if runs == 0 { // a rule without a module, or one that never matched
			continue
		}
		seconds := time.Duration(m.module.time.Load()).Seconds()
		out <- prometheus.MustNewConstMetric(moduleRunsDesc, prometheus.CounterValue, float64(runs), hook, rule)
		out <- prometheus.MustNewConstMetric(moduleFuelDesc, prometheus.CounterValue, float64(m.module.fuel.Load()), hook, rule)
		out <- prometheus.MustNewConstMetric(moduleTimeDesc, prometheus.CounterValue, seconds, hook, rule)
		out <- prometheus.MustNewConstMetric(modulePeakDesc, prometheus.GaugeValue, float64(m.module.peak.Load()), hook, rule)
	}
}
