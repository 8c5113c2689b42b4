package dispatch

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/engine/outlet"
)

// metrics are the counters and histograms of a Dispatch.
type metrics struct {
	events, attempts, steps        *prometheus.CounterVec
	eventLag                       prometheus.Histogram
	attemptDuration, stepLag       *prometheus.HistogramVec
	running                        *prometheus.GaugeVec
	dropped                        prometheus.Counter
	planned, withoutPlan, failures prometheus.Counter // of events
}

// buckets are in seconds: an attempt is fast, and a step may wait for days.
var buckets = []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 60, 300, 1800, 3600, 21600, 86400}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tenterhook_" + name, Help: help}, labels)
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		o := prometheus.HistogramOpts{Name: "tenterhook_" + name, Help: help, Buckets: buckets}
		return prometheus.NewHistogramVec(o, labels)
	}
	m := &metrics{
		events:   counter("events_run_total", "Recorded events whose rules have run, by result.", "outcome"),
		attempts: counter("attempts_total", "Attempts at steps, by result.", "destination", "outcome"),
		steps:    counter("steps_total", "Steps recorded in the ledger, by outcome.", "destination", "outcome"),
		stepLag: histogram("step_lag_seconds", "Time from the recording of an event to a delivered step.",
			"destination"),
		attemptDuration: histogram("attempt_duration_seconds", "Duration of an attempt at a step.", "destination"),
		running: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tenterhook_attempts_running",
			Help: "Attempts in flight."}, []string{"destination"}),
		eventLag: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tenterhook_event_lag_seconds",
			Help: "Time from an event's recording to its plan.", Buckets: buckets}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "tenterhook_actions_lost_total",
			Help: "Actions of inline calls that did not reach the ledger."}),
	}
	m.planned = m.events.WithLabelValues("planned")
	m.withoutPlan = m.events.WithLabelValues("nothing")
	m.failures = m.events.WithLabelValues("failed")
	return m
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{
		m.events, m.attempts, m.steps, m.stepLag, m.attemptDuration, m.running, m.eventLag, m.dropped,
	}
}

func (m *metrics) countEvent(err error, actions int, lag time.Duration) {
	switch {
	case err != nil:
		m.failures.Inc()
	case actions == 0:
		m.withoutPlan.Inc()
	default:
		m.planned.Inc()
	}
	m.eventLag.Observe(lag.Seconds())
}

// laneMetrics are one destination's series, looked up once.
type laneMetrics struct {
	attempts                 [3]prometheus.Counter // by outlet.Verdict
	outcomes                 [kinds]prometheus.Counter
	attemptDuration, stepLag prometheus.Observer
	running                  prometheus.Gauge
}

func (m *metrics) ofLane(name string) *laneMetrics {
	l := &laneMetrics{
		attemptDuration: m.attemptDuration.WithLabelValues(name),
		stepLag:         m.stepLag.WithLabelValues(name),
		running:         m.running.WithLabelValues(name),
	}
	for v := range l.attempts {
		l.attempts[v] = m.attempts.WithLabelValues(name, outlet.Verdict(v).String())
	}
	l.outcomes[release] = prometheus.NewCounter(prometheus.CounterOpts{}) // not shown
	for k := done; k < kinds; k++ {
		l.outcomes[k] = m.steps.WithLabelValues(name, kindNames[k])
	}
	return l
}

func (l *laneMetrics) countAttempt(r outlet.Result) {
	if !r.Attempted {
		return
	}
	l.attempts[r.Verdict].Inc()
	l.attemptDuration.Observe(r.Elapsed.Seconds())
}

func (l *laneMetrics) countOutcome(k kind, lag time.Duration) {
	l.outcomes[k].Inc()
	if k == done {
		l.stepLag.Observe(lag.Seconds())
	}
}

var (
	openDesc    = describe("steps_open", "Unfinished steps.")
	breakerDesc = describe("destination_breaker", "The destination's breaker: 0 closed, 1 half-open, 2 open.")
	absentDesc  = describe("destination_absent", "1 for a destination with open steps that the policy does not have.")
)

func describe(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("tenterhook_"+name, help, []string{"destination"}, nil)
}

// collector exports the metrics of a Dispatch. It reads the state of the destinations at each
// scrape; everything else is in vectors.
type collector struct{ d *Dispatch }

// Describe lists the metrics.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range c.d.metrics.all() {
		m.Describe(out)
	}
	for _, d := range []*prometheus.Desc{openDesc, breakerDesc, absentDesc} {
		out <- d
	}
}

// Collect reads the metrics.
func (c collector) Collect(out chan<- prometheus.Metric) {
	for _, m := range c.d.metrics.all() {
		m.Collect(out)
	}
	gauge := func(d *prometheus.Desc, v float64, name string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, name)
	}
	open := c.d.o.Ledger.Destinations()
	for _, l := range c.d.sortedLanes() {
		s := l.status()
		gauge(openDesc, float64(open[l.name]), l.name)
		gauge(breakerDesc, map[string]float64{"half-open": 1, "open": 2}[s.Breaker], l.name)
		absent := 0.0
		if s.Absent && open[l.name] > 0 {
			absent = 1
		}
		gauge(absentDesc, absent, l.name)
	}
}
