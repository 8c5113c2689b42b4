package peer

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// A table has a fixed size: sets of a few places, in one of which an address may stand.
const (
	bucketCount = 1024
	bucketSize  = 4
)

// addrTable remembers addresses for a time, and does not grow: who is forgotten first makes room. The whole of a /64 counts as one
// address, because it is one subscriber's.
type addrTable struct {
	seed    maphash.Seed
	buckets [bucketCount]struct {
		mu     sync.Mutex // guards places
		places [bucketSize]entry
	}
}

// entry is where an address stands.
type entry struct {
	addr    netip.Addr
	expires time.Time // when it is forgotten
}

// update calls f with the address's place, which is a new one where it has none; f changes till.
func (t *addrTable) update(a netip.Addr, now time.Time, f func(*entry)) {
	a = Subscriber(a)
	set := &t.buckets[maphash.Comparable(t.seed, a)%bucketCount]
	set.mu.Lock()
	defer set.mu.Unlock()
	at := &set.places[0]
	for i := range set.places {
		if p := &set.places[i]; p.addr == a {
			at = p
			break
		} else if p.expires.Before(at.expires) {
			at = p
		}
	}
	if at.addr != a || at.expires.Before(now) {
		*at = entry{a, now}
	}
	f(at)
}

// remaining is how long an address is still remembered.
func (t *addrTable) remaining(a netip.Addr, now time.Time) time.Duration {
	a = Subscriber(a)
	set := &t.buckets[maphash.Comparable(t.seed, a)%bucketCount]
	set.mu.Lock()
	defer set.mu.Unlock()
	for _, p := range set.places {
		if p.addr == a {
			return p.expires.Sub(now)
		}
	}
	return 0
}

// Subscriber is what an address is counted as: the whole of its /64, where there is one.
func Subscriber(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a
	}
	p, _ := a.Prefix(64) // which every such address has
	return p.Addr()
}
