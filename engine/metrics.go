package engine

import (
	goruntime "runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/rules"
)

// The metrics. The counters are in each hook's hookStats and are read at each scrape, so that the
// series of a removed hook disappear.
var (
	callsDesc        = describe("calls_total", "Calls by outcome.", "hook", "outcome")
	durationDesc     = describe("call_duration_seconds", "Time from a call's first byte to its answer.", "hook")
	repeatsDesc      = describe("repeats_total", "Calls answered from the replay cache, with the bytes of an earlier identical call.", "hook")
	twinsDesc        = describe("twins_total", "Calls that waited for an identical call in progress.", "hook")
	unauthorizedDesc = describe("unauthorized_total", "Requests without the credentials of a hook.", "hook")
	foreignDesc      = describe("foreign_calls_total", "Calls rejected because they named a host of another org.", "hook")
	secretUsedDesc   = describe("secret_used_total", "Calls authenticated by a secret.", "hook", "secret")
	lastUsedDesc     = describe("secret_last_used_timestamp_seconds", "Time of the last call authenticated by a secret, in Unix time.", "hook", "secret")
	hookDesc         = describe("hook_info", "The hooks of the live Set; always 1.", "hook", "type", "org")
	orgDesc          = describe("org_calls_running", "Calls of an org that are running rules.", "org")
	orgShedDesc      = describe("org_shed_total", "Calls shed because their org had no free slot.", "org")
	runningDesc      = describe("calls_running", "Calls that are running rules.", "hook")
	conflictsDesc    = describe("rule_conflicts_total", "Values of an earlier rule that a later rule of the same call replaced.", "hook")
	matchesDesc      = describe("rule_matches_total", "Matches of a rule.", "hook", "rule")
	failuresDesc     = describe("rule_failures_total", "Failures of a rule, by reason.", "hook", "rule", "reason")
	setDesc          = describe("set_info", "The live Set of rules; always 1.", "revision")
	loadedDesc       = describe("set_loaded_timestamp_seconds", "Time at which the live Set went live, in Unix time.")
	ageDesc          = describe("set_age_seconds", "Time since the live Set went live.")
	staleDesc        = describe("set_stale", "1 while the policy folder has a newer version that cannot be loaded.")
	unreadyDesc      = describe("modules_unready", "Rules that fail because their module could not be prepared, although it could before.")
	warningsDesc     = describe("policy_warnings", "Warnings about the live policy; /v1/status and check list them.")
	swapsDesc        = describe("set_swaps_total", "Sets that went live.")
	droppedDesc      = describe("log_lines_dropped_total", "Log lines about rules dropped by the rate limit.")
	buildDesc        = describe("build_info", "The program; always 1.", "version", "goversion")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("tenterhook_"+name, help, labels, nil)
}

// collector exports an Engine's counters to Prometheus.
type collector struct {
	e       *Engine
	version string
}

// Describe lists the metrics.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{callsDesc, durationDesc, repeatsDesc, twinsDesc, unauthorizedDesc, foreignDesc, secretUsedDesc, lastUsedDesc, hookDesc,
		orgDesc, orgShedDesc, runningDesc, conflictsDesc, matchesDesc, failuresDesc, setDesc, loadedDesc, ageDesc, staleDesc, unreadyDesc, warningsDesc, swapsDesc, droppedDesc, moduleRunsDesc, moduleFuelDesc, moduleTimeDesc, modulePeakDesc, buildDesc} {
		out <- d
	}
}

// Collect reads every counter.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(buildDesc, 1, c.version, goruntime.Version())
	count(swapsDesc, c.e.swaps.Load())
	count(droppedDesc, c.e.log.dropped.Load())
	stale := 0.0
	if c.e.stale.Load() {
		stale = 1
	}
	gauge(staleDesc, stale)
	l := c.e.live.Load()
	if l == nil {
		return
	}
	gauge(setDesc, 1, l.revision)
	gauge(loadedDesc, float64(l.since.UnixNano())/1e9)
	gauge(ageDesc, time.Since(l.since).Seconds())
	gauge(unreadyDesc, float64(l.unready))
	gauge(warningsDesc, float64(l.warnings))
	for _, h := range l.hooks {
		gauge(hookDesc, 1, h.Rules.Name, h.Rules.Type.String(), orgName(h.Rules))
		h.stats.collect(h.Rules, gauge, count)
		h.stats.collectModules(h.Rules.Name, out)
		out <- h.stats.histogram(h.Rules.Name)
	}
	for _, o := range l.orgs {
		gauge(orgDesc, float64(o.running.Load()), o.name)
		count(orgShedDesc, o.shed.Load(), o.name)
	}
}

type gauge = func(d *prometheus.Desc, v float64, labels ...string)
type count = func(d *prometheus.Desc, v uint64, labels ...string)

func (s *hookStats) collect(r *rules.Hook, g gauge, c count) {
	hook := r.Name
	for o := Outcome(0); o < outcomeCount; o++ {
		if o.possibleFor(r.Type) {
			c(callsDesc, s.outcomes[o].Load(), hook, o.String())
		}
	}
	c(repeatsDesc, s.repeats.Load(), hook)
	c(twinsDesc, s.twins.Load(), hook)
	c(conflictsDesc, s.conflicts.Load(), hook)
	c(unauthorizedDesc, s.unauthorized.Load(), hook)
	c(foreignDesc, s.foreign.Load(), hook)
	g(runningDesc, float64(s.running.Load()), hook)
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, u := range s.secrets {
		c(secretUsedDesc, u.calls.Load(), hook, name)
		if last := u.last.Load(); last > 0 {
			g(lastUsedDesc, float64(last), hook, name)
		}
	}
	for rule, m := range s.rules {
		c(matchesDesc, m.matches.Load(), hook, rule)
	}
	for f, n := range s.failures {
		c(failuresDesc, n, hook, f.rule, f.reason)
	}
}

func (s *hookStats) histogram(hook string) prometheus.Metric {
	buckets, total := make(map[float64]uint64, len(bounds)), uint64(0)
	for i, b := range bounds {
		total += s.buckets[i].Load()
		buckets[b.Seconds()] = total
	}
	total += s.buckets[len(bounds)].Load()
	return prometheus.MustNewConstHistogram(durationDesc, total, time.Duration(s.elapsed.Load()).Seconds(), buckets, hook)
}
