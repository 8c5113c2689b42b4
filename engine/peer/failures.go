package peer

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// An address may fail so many times at once, and then once in so long.
const (
	burst = 32
	rest  = time.Second
)

// The table of those who failed has a fixed size: sets of a few places, in one of which an address may stand.
const (
	sets   = 1024
	places = 4
)

// Failures counts failed authentications by address, in a table that does not grow. The whole of a /64 counts as one address,
// because it is one subscriber's. What is counted says nothing about who shows a right secret.
type Failures struct {
	seed  maphash.Seed
	table [sets]struct {
		mu     sync.Mutex // guards places
		places [places]failing
	}
}

// failing is an address that failed.
type failing struct {
	addr netip.Addr
	till time.Time // when all of it will be forgotten: one failure lasts for rest
}

// NewFailures makes an empty table.
func NewFailures() *Failures { return &Failures{seed: maphash.MakeSeed()} }

// Add counts a failure. It is true when the address has had too many.
func (f *Failures) Add(a netip.Addr, now time.Time) bool {
	a = subscriber(a)
	set := &f.table[maphash.Comparable(f.seed, a)%sets]
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
		*at = failing{a, now}
	}
	if at.till.Sub(now) > (burst-1)*rest {
		return true // and is not counted: who goes on failing is let off once in rest
	}
	at.till = at.till.Add(rest)
	return false
}

// Many reports whether an address has had too many failures.
func (f *Failures) Many(a netip.Addr, now time.Time) bool {
	a = subscriber(a)
	set := &f.table[maphash.Comparable(f.seed, a)%sets]
	set.mu.Lock()
	defer set.mu.Unlock()
	for _, p := range set.places {
		if p.addr == a {
			return p.till.Sub(now) > (burst-1)*rest
		}
	}
	return false
}

// subscriber is what an address is counted as.
func subscriber(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a
	}
	p, _ := a.Prefix(64) // which every such address has
	return p.Addr()
}
