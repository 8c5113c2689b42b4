package issuer

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tenterhook/tenterhook/rules"
)

// refresherStats is what happened at one keeper. It goes when no Set names the source any more.
type refresherStats struct {
	tokens            [verdictCount]atomic.Uint64
	fetches, failures atomic.Uint64
	warned            [verdictCount]atomic.Int64 // the minutes in which the log told of a refused token, in Unix time
}

// Note counts what came of a token for a hook and, when it was refused, has the log say why: once a minute for each issuer
// and reason, and nothing of the token. Whoever shows several credentials is counted for one.
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
		r.o.Log.Warn("a token was refused", "hook", hook, "issuer", o.Issuer, "reason", v.String())
	}
}

var (
	tokensDesc   = describe("tokens_total", "Access tokens that were shown, by what came of them.", "issuer", "verdict")
	keysDesc     = describe("issuer_keys", "Keys of an issuer that are here.", "issuer")
	ageDesc      = describe("issuer_keys_age_seconds", "How long ago an issuer's keys were last seen there.", "issuer")
	fetchesDesc  = describe("issuer_fetches_total", "Times an issuer's keys were fetched, or were tried to be.", "issuer")
	failuresDesc = describe("issuer_fetch_failures_total", "Times an issuer's keys could not be fetched.", "issuer")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("tenterhook_"+name, help, labels, nil)
}

// collector shows Prometheus what a Ring counts.
type collector struct{ r *Keyring }

// Describe lists the metrics.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{tokensDesc, keysDesc, ageDesc, fetchesDesc, failuresDesc} {
		out <- d
	}
}

// issuerTotals is what is shown of one issuer, whose keys may come from more than one place.
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
