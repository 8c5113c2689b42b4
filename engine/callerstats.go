package engine

import (
	"math/bits"
	"net/netip"
	"sync/atomic"
	"time"
)

// secretStats counts the calls that presented one secret. It outlives Sets that still have a secret
// of its name.
type secretStats struct {
	name  string
	calls atomic.Uint64
	last  atomic.Int64 // Unix time of the last call; 0 if never
}

// CountUnauthorized counts a request without a right secret and logs one per minute. hint is the
// known fault of the secret, or "".
func (h *Hook) CountUnauthorized(from netip.Addr, hint string) {
	h.stats.unauthorized.Add(1)
	h.e.log.logUnauthorized(h, from, hint)
}

// CountForeign counts a call that names a host of another org, and logs it now and then.
func (h *Hook) CountForeign(event, host string, from netip.Addr) {
	h.stats.foreign.Add(1)
	h.e.log.logForeign(h, event, host, from)
}

// CountSecrets counts the secrets that authenticated a call: a bit for each, by its place.
func (h *Hook) CountSecrets(secrets uint64) {
	if secrets == 0 {
		return
	}
	now := time.Now().Unix()
	for ; secrets != 0; secrets &= secrets - 1 {
		at := bits.TrailingZeros64(secrets)
		if at >= len(h.secretStats) {
			return
		}
		u := h.secretStats[at]
		u.calls.Add(1)
		if u.last.Load() != now {
			u.last.Store(now)
		}
	}
}

// adoptSecrets returns the counters of a hook's secrets, by place. It drops the counters of removed
// secrets.
func (s *hookStats) adoptSecrets(names []string) []*secretStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, list := make(map[string]*secretStats, len(names)), make([]*secretStats, len(names))
	for i, name := range names {
		u := s.secrets[name]
		if u == nil {
			u = &secretStats{name: name}
		}
		now[name], list[i] = u, u
	}
	s.secrets = now
	return list
}
