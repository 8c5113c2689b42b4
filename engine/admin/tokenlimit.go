package admin

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	freeFailures  = 10          // wrong tokens of an address in a minute that are answered at once
	maxChecks     = 4           // concurrent checks of an address after that
	failureDelay  = time.Second // of the answer to a further wrong token
	countInterval = time.Minute // counts of an address begin anew
	maxAddresses  = 4096        // counted separately
)

// tokenLimiter limits the rate at which an address can guess tokens. After freeFailures it runs few
// checks of the address concurrently and delays the answer to each wrong token: 4 guesses a second.
// A valid token is never delayed. It is rejected only while maxChecks guesses are in progress.
type tokenLimiter struct {
	log          *slog.Logger
	unauthorized *prometheus.CounterVec

	mu        sync.Mutex // guards the fields below
	begun     time.Time  // of the interval
	addresses map[netip.Prefix]*tokenChecks
	wrong     int       // tokens since the start
	logged    time.Time // last line about them
}

// tokenChecks are the checks of one address.
type tokenChecks struct{ failures, running int }

func newTokenLimiter(log *slog.Logger) *tokenLimiter {
	l := &tokenLimiter{log: log, addresses: make(map[netip.Prefix]*tokenChecks)}
	l.unauthorized = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tenterhook_admin_unauthorized_total",
		Help: "Requests to /v1 of the admin listener without a valid token, by reason: missing, wrong, limited.",
	}, []string{"reason"})
	for _, reason := range []string{"missing", "wrong", "limited"} {
		l.unauthorized.WithLabelValues(reason)
	}
	return l
}

func (l *tokenLimiter) count(reason string) { l.unauthorized.WithLabelValues(reason).Inc() }

// begin starts a check, which end must end, or returns nil if too many of the address are running.
func (l *tokenLimiter) begin(from netip.Prefix) *tokenChecks {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.begun) >= countInterval {
		l.begun = now
		clear(l.addresses)
	}
	if l.addresses[from] == nil {
		if len(l.addresses) >= maxAddresses {
			from = netip.Prefix{} // counted together
		}
		if l.addresses[from] == nil {
			l.addresses[from] = new(tokenChecks)
		}
	}
	c := l.addresses[from]
	if c.failures >= freeFailures && c.running >= maxChecks {
		return nil
	}
	c.running++
	return c
}

// end ends a check. It logs and delays a wrong token.
func (l *tokenLimiter) end(ctx context.Context, c *tokenChecks, valid bool, from netip.Prefix, path string) {
	if !valid && l.fail(c, from, path) {
		timer := time.NewTimer(failureDelay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c.running--
}

// fail counts a wrong token, logs one line a minute, and reports whether to delay the answer.
func (l *tokenLimiter) fail(c *tokenChecks, from netip.Prefix, path string) (delay bool) {
	l.count("wrong")
	l.mu.Lock()
	defer l.mu.Unlock()
	c.failures++
	l.wrong++
	if now := time.Now(); now.Sub(l.logged) >= time.Minute {
		l.logged = now
		l.log.Warn("a request to the admin listener has a wrong token", "from", from.Addr().String(), "path", path, "total", l.wrong)
	}
	return c.failures > freeFailures
}

// addressOf returns the network that counts as one address: an IPv4 address, or a /64 of IPv6.
func addressOf(remote string) netip.Prefix {
	host, _, _ := net.SplitHostPort(remote)
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() && !a.IsLoopback() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}
