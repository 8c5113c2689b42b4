package engine

import (
	"math/bits"
	"net/netip"
	"sync/atomic"
	"time"
)

// usage is how often one secret was shown, and when last. It outlives Sets that still have a secret of its name.
type usage struct {
	name string
	n    atomic.Uint64
	last atomic.Int64 // in Unix time; 0: never
}

// Unauthorized counts a request that did not show what the hook asks for, and has the log tell of it now and then.
func (h *Hook) Unauthorized(from netip.Addr) {
	h.tally.strangers.Add(1)
	h.e.log.stranger(h, from)
}

// Foreign counts a call that names a host of another org, and has the log tell of it now and then.
func (h *Hook) Foreign(event, host string, from netip.Addr) {
	h.tally.foreign.Add(1)
	h.e.log.foreign(h, event, host, from)
}

// Used counts the secrets that a call was let in by: a bit for each, by its Place.
func (h *Hook) Used(secrets uint64) {
	if secrets == 0 {
		return
	}
	now := time.Now().Unix()
	for ; secrets != 0; secrets &= secrets - 1 {
		at := bits.TrailingZeros64(secrets)
		if at >= len(h.used) {
			return
		}
		u := h.used[at]
		u.n.Add(1)
		if u.last.Load() != now {
			u.last.Store(now)
		}
	}
}

// secretsOf gives the counters of a hook's secrets, by place. Secrets that are gone lose theirs.
func (t *tally) secretsOf(names []string) []*usage {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, list := make(map[string]*usage, len(names)), make([]*usage, len(names))
	for i, name := range names {
		u := t.secrets[name]
		if u == nil {
			u = &usage{name: name}
		}
		now[name], list[i] = u, u
	}
	t.secrets = now
	return list
}
