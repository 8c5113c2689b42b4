package engine

import (
	"math/bits"
	"net/netip"
	"sync/atomic"
	"time"
)

// secretStats is how often one secret was shown, and when last. It outlives Sets that still have a secret of its name.
type secretStats struct {
	name  string
	calls atomic.Uint64
	last  atomic.Int64 // in Unix time; 0: never
}

// CountUnauthorized counts a request without a right secret, and logs one a minute. The hint says
// what is wrong with the secret, if that is known.
func (h *Hook) CountUnauthorized(from netip.Addr, hint string) {
	h.stats.unauthorized.Add(1)
	h.e.log.logUnauthorized(h, from, hint)
}

// CountForeign counts a call that names a host of another org, and has the log tell of it now and then.
func (h *Hook) CountForeign(event, host string, from netip.Addr) {
	h.stats.foreign.Add(1)
	h.e.log.logForeign(h, event, host, from)
}

// CountSecrets counts the secrets that a call was let in by: a bit for each, by its Place.
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

// adoptSecrets gives the counters of a hook's secrets, by place. Secrets that are gone lose theirs.
func (t *hookStats) adoptSecrets(names []string) []*secretStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, list := make(map[string]*secretStats, len(names)), make([]*secretStats, len(names))
	for i, name := range names {
		u := t.secrets[name]
		if u == nil {
			u = &secretStats{name: name}
		}
		now[name], list[i] = u, u
	}
	t.secrets = now
	return list
}
