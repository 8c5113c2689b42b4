package peer

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// The size of a table is fixed: an address belongs to one bucket of a few entries.
const (
	bucketCount = 1024
	bucketSize  = 4
)

// addrTable remembers addresses for a time and does not grow: a new address replaces the entry that
// expires first. All addresses of a /64 count as one, because they belong to one subscriber.
type addrTable struct {
	seed    maphash.Seed
	buckets [bucketCount]struct {
		mu      sync.Mutex // guards entries
		entries [bucketSize]entry
	}
}

// entry is an address and when it is forgotten.
type entry struct {
	addr    netip.Addr
	expires time.Time
}

// update calls f with the address's entry, a new one if it has none. f changes expires.
func (t *addrTable) update(a netip.Addr, now time.Time, f func(*entry)) {
	a = Subscriber(a)
	set := &t.buckets[maphash.Comparable(t.seed, a)%bucketCount]
	set.mu.Lock()
	defer set.mu.Unlock()
	at := &set.entries[0]
	for i := range set.entries {
		if p := &set.entries[i]; p.addr == a {
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

// remaining returns how long an address is still remembered.
func (t *addrTable) remaining(a netip.Addr, now time.Time) time.Duration {
	a = Subscriber(a)
	set := &t.buckets[maphash.Comparable(t.seed, a)%bucketCount]
	set.mu.Lock()
	defer set.mu.Unlock()
	for _, p := range set.entries {
		if p.addr == a {
			return p.expires.Sub(now)
		}
	}
	return 0
}

// Subscriber returns the address that stands for a subscriber: the first of its /64, or an IPv4
// address itself.
func Subscriber(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a
	}
	p, _ := a.Prefix(64) // every IPv6 address has one
	return p.Addr()
}
