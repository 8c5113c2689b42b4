package issuer

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/rules/credential"
)

// counters are the counters of all issuers. The counters of an issuer are deleted when no Set names
// it any more.
type counters struct {
	tokens, fetches, failures *prometheus.CounterVec
}

func newCounters() counters {
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tenterhook_" + name, Help: help}, labels)
	}
	return counters{
		tokens:   vec("tokens_total", "Access tokens of calls, by verdict.", "issuer", "verdict"),
		fetches:  vec("issuer_fetches_total", "Fetches of an issuer's keys, including failed ones.", "issuer"),
		failures: vec("issuer_fetch_failures_total", "Failed fetches of an issuer's keys.", "issuer"),
	}
}

func (c *counters) delete(issuer string) {
	for _, vec := range []*prometheus.CounterVec{c.tokens, c.fetches, c.failures} {
		vec.DeletePartialMatch(prometheus.Labels{"issuer": issuer})
	}
}

// refresherStats are the counters of one refresher, looked up once: a call touches no label.
// Refreshers of one issuer share them.
type refresherStats struct {
	tokens            [verdictCount]prometheus.Counter
	fetches, failures prometheus.Counter         // nil for keys of the policy
	warned            [verdictCount]atomic.Int64 // minutes of the last log line about a rejected token, in Unix time
}

func (s *refresherStats) init(c *counters, at source) {
	for v := range verdictCount {
		s.tokens[v] = c.tokens.WithLabelValues(at.issuer, v.String())
	}
	if at.set == "" {
		s.fetches, s.failures = c.fetches.WithLabelValues(at.issuer), c.failures.WithLabelValues(at.issuer)
	}
}

// Note counts the verdict on a token for a hook. It logs the reason for a rejection once a minute
// for each issuer and reason, without any part of the token. A request with several credentials is
// counted once.
func (r *Keyring) Note(o *credential.OAuth, v Verdict, hook string) {
	k := (*r.live.Load())[o]
	if k == nil {
		return
	}
	k.stats.tokens[v].Inc()
	if v == Accepted {
		return
	}
	minute := time.Now().Unix() / 60
	if last := &k.stats.warned[v]; last.Load() != minute && last.Swap(minute) != minute {
		r.o.Log.Warn("a token was rejected", "hook", hook, "issuer", o.Issuer, "reason", v.String())
	}
}

func describe(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("tenterhook_"+name, help, []string{"issuer"}, nil)
}

var (
	keysDesc = describe("issuer_keys", "Usable keys of an issuer.")
	ageDesc  = describe("issuer_keys_age_seconds", "Time since the last successful fetch of an issuer's keys.")
)

// collector exports the state of a Keyring's keys to Prometheus.
type collector struct{ r *Keyring }

// Describe lists the metrics.
func (c collector) Describe(out chan<- *prometheus.Desc) { out <- keysDesc; out <- ageDesc }

// Collect reads the keys. An issuer may have several sources: their keys are added up, and the age
// is that of the oldest.
func (c collector) Collect(out chan<- prometheus.Metric) {
	keys, age, now := make(map[string]int), make(map[string]int64), c.r.o.Now().Unix()
	for _, f := range c.r.sortedRefreshers() {
		issuer := f.source.issuer
		keys[issuer] += 0
		if set := f.keys.Load(); set != nil {
			keys[issuer] += len(set.list)
		}
		if f.source.set == "" {
			age[issuer] += 0
			if at := f.fetched.Load(); at > 0 {
				age[issuer] = max(age[issuer], now-at)
			}
		}
	}
	for issuer, n := range keys {
		out <- prometheus.MustNewConstMetric(keysDesc, prometheus.GaugeValue, float64(n), issuer)
	}
	for issuer, seconds := range age {
		out <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, float64(seconds), issuer)
	}
}
