package engine

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/engine/ledger"
)

var (
	unplannedDesc    = describe("ledger_events_unplanned", "Recorded events whose rules have not run.")
	oldestDesc       = describe("ledger_oldest_seconds", "Age of the oldest unfinished event.")
	deadDesc         = describe("ledger_dead_letters", "Dead letters.")
	acceptedDesc     = describe("ledger_events_total", "Events recorded.")
	duplicatesDesc   = describe("ledger_duplicates_total", "Deliveries, and events of other deliveries, that were recorded before.")
	idsNotedDesc     = describe("ledger_ids_noted_total", "Ids of inline calls recorded.")
	idsDroppedDesc   = describe("ledger_ids_dropped_total", "Ids of inline calls not recorded because the ledger was behind.")
	ledgerRefuseDesc = describe("ledger_refused_total", "Calls the ledger rejected.", "reason")
	commitsDesc      = describe("ledger_commits_total", "Commits.")
	commitTimeDesc   = describe("ledger_commit_seconds", "Duration of the last commit.")
	ledgerQueueDesc  = describe("ledger_queue", "Calls that wait for a commit.")
	ledgerSizeDesc   = describe("ledger_bytes", "Size of the ledger's file.")
	ledgerUsedDesc   = describe("ledger_used_bytes", "Used part of the ledger's file.")
	idsDesc          = describe("ledger_ids", "Ids in memory.")
	ledgerBrokenDesc = describe("ledger_broken", "1 when the ledger has stopped after a failed write.")
)

// ledgerCollector exports a ledger's statistics. The ledger counts for itself, so the metrics are
// read from one snapshot at each scrape.
type ledgerCollector struct{ l *ledger.Ledger }

// Describe lists the metrics.
func (c ledgerCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		unplannedDesc, oldestDesc, deadDesc, acceptedDesc, duplicatesDesc, idsNotedDesc, idsDroppedDesc, ledgerRefuseDesc,
		commitsDesc, commitTimeDesc, ledgerQueueDesc, ledgerSizeDesc, ledgerUsedDesc, idsDesc, ledgerBrokenDesc,
	} {
		out <- d
	}
}

// Collect reads the statistics.
func (c ledgerCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	s := c.l.Stats()
	age := 0.0
	if !s.Oldest.IsZero() {
		age = time.Since(s.Oldest).Seconds()
	}
	broken := 0.0
	if c.l.Broken() != nil {
		broken = 1
	}
	gauge(unplannedDesc, float64(s.Unplanned))
	gauge(oldestDesc, age)
	gauge(deadDesc, float64(s.Dead))
	count(acceptedDesc, s.Accepted)
	count(duplicatesDesc, s.Duplicates)
	count(idsNotedDesc, s.Noted)
	count(idsDroppedDesc, s.Dropped)
	count(ledgerRefuseDesc, s.Full, "full")
	count(ledgerRefuseDesc, s.Refused, "room")
	count(commitsDesc, s.Commits)
	gauge(commitTimeDesc, s.CommitTime.Seconds())
	gauge(ledgerQueueDesc, float64(s.Queue))
	gauge(ledgerSizeDesc, float64(s.FileSize))
	gauge(ledgerUsedDesc, float64(s.FileUsed))
	gauge(idsDesc, float64(s.IDs))
	gauge(ledgerBrokenDesc, broken)
}
