package dispatch

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/engine/outlet"
)

var (
	runsDesc     = describe("events_run_total", "Recorded events whose rules have run, by what followed.", "outcome")
	eventLagDesc = describe("event_lag_seconds", "Time from an event's recording to its plan.")
	triesDesc    = describe("attempts_total", "Attempts at steps, by what became of them.", "destination", "outcome")
	tryTimeDesc  = describe("attempt_duration_seconds", "Time an attempt at a step took.", "destination")
	stepsDesc    = describe("steps_total", "Steps settled in the ledger, by outcome.", "destination", "outcome")
	lagDesc      = describe("step_lag_seconds", "Time from the recording of an event to a step done.", "destination")
	openDesc     = describe("steps_open", "Steps that are not carried out.", "destination")
	underDesc    = describe("attempts_running", "Attempts under way.", "destination")
	breakerDesc  = describe("destination_breaker", "The destination's breaker: 0 closed, 1 half-open, 2 open.", "destination")
	absentDesc   = describe("destination_absent", "1 for a destination that steps wait for and the policy does not have.", "destination")
	lostDesc     = describe("actions_lost_total", "Actions of inline calls that did not reach the ledger.")

	unplannedDesc = describe("ledger_events_unplanned", "Recorded events whose rules have not run.")
	ageDesc       = describe("ledger_oldest_seconds", "Age of the oldest event that is not finished.")
	deadDesc      = describe("ledger_dead_letters", "Dead letters.")
	acceptedDesc  = describe("ledger_events_total", "Events recorded.")
	repeatsDesc   = describe("ledger_duplicates_total", "Deliveries, and events of others, that were recorded before.")
	notedDesc     = describe("ledger_ids_noted_total", "Ids of inline calls recorded.")
	unnotedDesc   = describe("ledger_ids_dropped_total", "Ids of inline calls that were not recorded, because the ledger was behind.")
	refusedDesc   = describe("ledger_refused_total", "Calls the ledger refused.", "reason")
	commitsDesc   = describe("ledger_commits_total", "Commits.")
	commitDesc    = describe("ledger_commit_seconds", "Time the last commit took.")
	queueDesc     = describe("ledger_queue", "Calls that wait for a commit.")
	sizeDesc      = describe("ledger_bytes", "Size of the ledger's file.")
	usedDesc      = describe("ledger_used_bytes", "Of that, in use.")
	idsDesc       = describe("ledger_ids", "Ids in memory.")
	brokenDesc    = describe("ledger_broken", "1 when the ledger has stopped after a write that did not succeed.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("tenterhook_"+name, help, labels, nil)
}

// bounds are the upper bounds of the histograms, in seconds: an attempt is fast, and a step may wait for days.
var bounds = [...]float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 60, 300, 1800, 3600, 21600, 86400}

// spread counts times.
type spread struct {
	n   [len(bounds) + 1]atomic.Uint64
	sum atomic.Int64
}

func (s *spread) add(t time.Duration) {
	i, seconds := 0, t.Seconds()
	for i < len(bounds) && seconds > bounds[i] {
		i++
	}
	s.n[i].Add(1)
	s.sum.Add(int64(t))
}

func (s *spread) metric(d *prometheus.Desc, labels ...string) prometheus.Metric {
	buckets, total := make(map[float64]uint64, len(bounds)), uint64(0)
	for i, b := range bounds {
		total += s.n[i].Load()
		buckets[b] = total
	}
	return prometheus.MustNewConstHistogram(d, total+s.n[len(bounds)].Load(), time.Duration(s.sum.Load()).Seconds(), buckets, labels...)
}

// tallies counts events.
type tallies struct {
	planned, nothing, failed atomic.Uint64
	lag                      spread
}

func (t *tallies) ran(err error, actions int, lag time.Duration) {
	switch {
	case err != nil:
		t.failed.Add(1)
	case actions == 0:
		t.nothing.Add(1)
	default:
		t.planned.Add(1)
	}
	t.lag.add(lag)
}

// tally counts what happens in a lane.
type tally struct {
	tries    [3]atomic.Uint64 // by outlet.Kind
	tryTime  spread
	outcomes [kinds]atomic.Uint64
	lag      spread
}

func (t *tally) tried(r outlet.Result) {
	if !r.Attempted {
		return
	}
	t.tries[r.Verdict].Add(1)
	t.tryTime.add(r.Elapsed)
}

func (t *tally) settled(o outcome, lag time.Duration) {
	t.outcomes[o.kind].Add(1)
	if o.kind == done {
		t.lag.add(lag)
	}
}

// collector shows Prometheus what a Dispatch and its ledger count.
type collector struct{ d *Dispatch }

// Describe lists the metrics.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{runsDesc, eventLagDesc, triesDesc, tryTimeDesc, stepsDesc, lagDesc, openDesc, underDesc, breakerDesc,
		absentDesc, lostDesc, unplannedDesc, ageDesc, deadDesc, acceptedDesc, repeatsDesc, notedDesc, unnotedDesc, refusedDesc,
		commitsDesc, commitDesc, queueDesc, sizeDesc, usedDesc, idsDesc, brokenDesc} {
		out <- d
	}
}

// Collect reads every counter.
func (c collector) Collect(out chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	t := &c.d.eventStats
	count(runsDesc, t.planned.Load(), "planned")
	count(runsDesc, t.nothing.Load(), "nothing")
	count(runsDesc, t.failed.Load(), "failed")
	out <- t.lag.metric(eventLagDesc)
	count(lostDesc, c.d.inline.dropped.Load())
	open := c.d.o.Ledger.Destinations()
	for _, l := range c.d.sortedLanes() {
		l.collect(open[l.name], gauge, count)
		out <- l.stats.tryTime.metric(tryTimeDesc, l.name)
		out <- l.stats.lag.metric(lagDesc, l.name)
	}
	c.ledger(gauge, count)
}

type gauge = func(d *prometheus.Desc, v float64, labels ...string)
type count = func(d *prometheus.Desc, v uint64, labels ...string)

func (l *lane) collect(open int, g gauge, c count) {
	for k := range l.stats.tries {
		c(triesDesc, l.stats.tries[k].Load(), l.name, outlet.Verdict(k).String())
	}
	for k := done; k < kinds; k++ {
		c(stepsDesc, l.stats.outcomes[k].Load(), l.name, kindNames[k])
	}
	g(openDesc, float64(open), l.name)
	s := l.status()
	g(underDesc, float64(s.InFlight), l.name)
	g(breakerDesc, map[string]float64{"half-open": 1, "open": 2}[s.Breaker], l.name)
	g(absentDesc, truth(s.Absent && open > 0), l.name)
}

func (c collector) ledger(g gauge, n count) {
	s := c.d.o.Ledger.Stats()
	g(unplannedDesc, float64(s.Unplanned))
	age := 0.0
	if !s.Oldest.IsZero() {
		age = time.Since(s.Oldest).Seconds()
	}
	g(ageDesc, age)
	g(deadDesc, float64(s.Dead))
	n(acceptedDesc, s.Accepted)
	n(repeatsDesc, s.Duplicates)
	n(notedDesc, s.Noted)
	n(unnotedDesc, s.Dropped)
	n(refusedDesc, s.Full, "full")
	n(refusedDesc, s.Refused, "room")
	n(commitsDesc, s.Commits)
	g(commitDesc, s.CommitTime.Seconds())
	g(queueDesc, float64(s.Queue))
	g(sizeDesc, float64(s.FileSize))
	g(usedDesc, float64(s.FileUsed))
	g(idsDesc, float64(s.IDs))
	g(brokenDesc, truth(c.d.o.Ledger.Broken() != nil))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
