package issuer

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/rules"
)

// refresherStats counts the events of one refresher. It ends when no Set names the source any more.
type refresherStats struct {
	tokens            [verdictCount]atomic.Uint64
	fetches, failures atomic.Uint64
	warned            [verdictCount]atomic.Int64 // minutes of the last log line about a rejected token, in Unix time
}

// Note counts the verdict on a token for a hook. It logs the reason for a rejection once a minute
// for each issuer and reason, without any part of the token. A request with several credentials is
// counted once.
func (r *Keyring) Note(o *rules.OAuth, v Verdict, hook string) {
	k := (*r.live.Load())[o]
	if k == nil {
		return
	}
	k.stats.tokens[v].Add(1)
	if v == Accepted {
		return
	}
	minute := time.Now().Unix() / 60
	if last := &k.stats.warned[v]; last.Load() != minute && last.Swap(minute) != minute {
		r.o.Log.Warn("a token was rejected", "hook", hook, "issuer", o.Issuer, "reason", v.String())
	}
}

var (
	tokensDesc   = describe("tokens_total", "Access tokens of calls, by verdict.", "issuer", "verdict")
	keysDesc     = describe("issuer_keys", "Usable keys of an issuer.", "issuer")
	ageDesc      = describe("issuer_keys_age_seconds", "Time since the last successful fetch of an issuer's keys.", "issuer")
	fetchesDesc  = describe("issuer_fetches_total", "Fetches of an issuer's keys, including failed ones.", "issuer")
	failuresDesc = describe("issuer_fetch_failures_total", "Failed fetches of an issuer's keys.", "issuer")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("tenterhook_"+name, help, labels, nil)
}

// collector exports a Keyring's counters to Prometheus.
type collector struct{ r *Keyring }

// Describe lists the metrics.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{tokensDesc, keysDesc, ageDesc, fetchesDesc, failuresDesc} {
		out <- d
	}
}

// issuerTotals sums the counters of one issuer, whose keys may come from several sources.
type issuerTotals struct {
	tokens                  [verdictCount]uint64
	keys, fetches, failures uint64
	age                     float64
	fetched                 bool
}

// Collect reads every counter.
func (c collector) Collect(out chan<- prometheus.Metric) {
	sums, now := make(map[string]*issuerTotals), c.r.o.Now().Unix()
	for _, k := range c.r.sortedRefreshers() {
		s := sums[k.source.issuer]
		if s == nil {
			s = new(issuerTotals)
			sums[k.source.issuer] = s
		}
		s.add(k, now)
	}
	for issuer, s := range sums {
		for v := range verdictCount {
			out <- prometheus.MustNewConstMetric(tokensDesc, prometheus.CounterValue, float64(s.tokens[v]), issuer, v.String())
		}
		out <- prometheus.MustNewConstMetric(keysDesc, prometheus.GaugeValue, float64(s.keys), issuer)
		if !s.fetched {
			continue
		}
		out <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, s.age, issuer)
		out <- prometheus.MustNewConstMetric(fetchesDesc, prometheus.CounterValue, float64(s.fetches), issuer)
		out <- prometheus.MustNewConstMetric(failuresDesc, prometheus.CounterValue, float64(s.failures), issuer)
	}
}

func (s *issuerTotals) add(k *refresher, now int64) {
	for v := range verdictCount {
		s.tokens[v] += k.stats.tokens[v].Load()
	}
	if set := k.keys.Load(); set != nil {
		s.keys += uint64(len(set.list))
	}
	if k.source.set != "" {
		return
	}
	s.fetched = true
	s.fetches += k.stats.fetches.Load()
	s.failures += k.stats.failures.Load()
	if at := k.fetched.Load(); at > 0 {
		s.age = max(s.age, float64(now-at))
	}
}
