package peer

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// A table has a fixed size: sets of a few places, in one of which an address may stand.
const (
	sets   = 1024
	places = 4
)

// table remembers addresses for a time, and does not grow: who is forgotten first makes room. The whole of a /64 counts as one
// address, because it is one subscriber's.
type table struct {
	seed maphash.Seed
	sets [sets]struct {
		mu     sync.Mutex // guards places
		places [places]place
	}
}

// place is where an address stands.
type place struct {
	addr netip.Addr
	till time.Time // when it is forgotten
}

// with calls f with the address's place, which is a new one where it has none; f changes till.
func (t *table) with(a netip.Addr, now time.Time, f func(*place)) {
	a = Subscriber(a)
	set := &t.sets[maphash.Comparable(t.seed, a)%sets]
	set.mu.Lock()
	defer set.mu.Unlock()
	at := &set.places[0]
	for i := range set.places {
		if p := &set.places[i]; p.addr == a {
			at = p
			break
		} else if p.till.Before(at.till) {
			at = p
		}
	}
	if at.addr != a || at.till.Before(now) {
		*at = place{a, now}
	}
	f(at)
}

// left is how long an address is still remembered.
func (t *table) left(a netip.Addr, now time.Time) time.Duration {
	a = Subscriber(a)
	set := &t.sets[maphash.Comparable(t.seed, a)%sets]
	set.mu.Lock()
	defer set.mu.Unlock()
	for _, p := range set.places {
		if p.addr == a {
			return p.till.Sub(now)
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
