package certificate

import (
	"crypto/x509"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The Keeper warns of an expiry within warnBefore, or within the last 1/warnFraction of a shorter
// lifetime: a certificate for a week is renewed days before its end.
const (
	warnBefore   = 21 * 24 * time.Hour
	warnFraction = 4
	warnInterval = 24 * time.Hour
)

// expiry is a certificate, for one of its names.
type expiry struct {
	name                string
	notBefore, notAfter time.Time
	acme                bool
}

// isNear reports whether it is time to warn.
func (e expiry) isNear(now time.Time) bool {
	return e.notAfter.Sub(now) < min(warnBefore, e.notAfter.Sub(e.notBefore)/warnFraction)
}

// Status is the state of a certificate for the admin API.
type Status struct {
	Name     string    `json:"name"`
	NotAfter time.Time `json:"notAfter,omitzero"` // time of expiry; zero if there is no certificate yet
	From     string    `json:"from"`              // FromFiles or FromACME
	Near     bool      `json:"near"`              // expires within 21 days, or within a quarter of a shorter lifetime
	Error    string    `json:"error,omitempty"`   // of the last reload
}

// Where certificates come from.
const (
	FromFiles = "files"
	FromACME  = "acme"
)

// Status lists the certificates by name; of two for one name the one that ends first.
func (k *Keeper) Status() []Status {
	var list []Status
	for _, e := range k.expiries() {
		s := Status{Name: e.name, NotAfter: e.notAfter, From: FromFiles, Near: e.isNear(time.Now())}
		if e.acme {
			s.From = FromACME
		}
		list = append(list, s)
	}
	for _, p := range k.pairs {
		if err := p.Err(); err != nil {
			list = append(list, Status{Name: p.Paths()[0], From: FromFiles, Error: err.Error()})
		}
	}
	if k.client == nil {
		return list
	}
	if err := k.client.Err(); err != nil {
		list = append(list, Status{Name: k.o.ClientCA, From: FromFiles, Error: err.Error()})
	}
	return list
}

// expiries lists the certificates in use, each name once.
func (k *Keeper) expiries() []expiry {
	var all []expiry
	for _, s := range k.pairs {
		leaf := s.Value().Leaf
		for _, name := range hostNames(leaf) {
			all = append(all, expiry{name: name, notBefore: leaf.NotBefore, notAfter: leaf.NotAfter})
		}
	}
	if k.acme != nil {
		all = append(all, k.acme.expiries()...)
	}
	at := make(map[string]int)
	var once []expiry
	for _, e := range all {
		i, known := at[e.name]
		switch {
		case !known:
			at[e.name] = len(once)
			once = append(once, e)
		case e.notAfter.Before(once[i].notAfter):
			once[i] = e
		}
	}
	return once
}

// hostNames returns the names that a certificate is for.
func hostNames(leaf *x509.Certificate) []string {
	list := append([]string(nil), leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		list = append(list, ip.String())
	}
	return list
}

// warn logs which certificates end soon or are no use now, each once a day.
func (k *Keeper) warn(now time.Time) {
	for _, e := range k.expiries() {
		if now.Sub(k.warned[e.name]) < warnInterval {
			continue
		}
		switch {
		case now.After(e.notAfter):
			k.o.Log.Error("a certificate has expired: Okta refuses it", "name", e.name, "ended", e.notAfter)
		case now.Before(e.notBefore):
			k.o.Log.Error("a certificate is not valid yet: Okta refuses it", "name", e.name, "from", e.notBefore)
		case e.isNear(now):
			k.o.Log.Warn("a certificate expires soon", "name", e.name, "ends", e.notAfter, "days", int(e.notAfter.Sub(now)/(24*time.Hour)))
		default:
			delete(k.warned, e.name) // the certificate was replaced
			continue
		}
		k.warned[e.name] = now
	}
}

var expiryDesc = prometheus.NewDesc("tenterhook_certificate_expiry_seconds", "Seconds until a certificate expires, by name; negative afterwards.",
	[]string{"name"}, nil)

// collector shows Prometheus when certificates end.
type collector struct{ k *Keeper }

// Describe lists the metric.
func (c collector) Describe(out chan<- *prometheus.Desc) { out <- expiryDesc }

// Collect counts the seconds.
func (c collector) Collect(out chan<- prometheus.Metric) {
	for _, e := range c.k.expiries() {
		out <- prometheus.MustNewConstMetric(expiryDesc, prometheus.GaugeValue, time.Until(e.notAfter).Seconds(), e.name)
	}
}
