package peer

import (
	"hash/maphash"
	"net/netip"
	"time"
)

// An address may fail so many times at once, and then once in so long.
const (
	burst = 32
	rest  = time.Second
)

// Failures counts failed authentications by address. What is counted says nothing about who shows a right secret.
type Failures struct{ table }

// NewFailures makes an empty table.
func NewFailures() *Failures { return &Failures{table{seed: maphash.MakeSeed()}} }

// Add counts a failure. It is true when the address has had too many.
func (f *Failures) Add(a netip.Addr, now time.Time) (many bool) {
	f.with(a, now, func(p *place) {
		if many = p.till.Sub(now) > (burst-1)*rest; !many {
			p.till = p.till.Add(rest) // who goes on failing is not counted, and so let off once in rest
		}
	})
	return many
}

// Many reports whether an address has had too many failures.
func (f *Failures) Many(a netip.Addr, now time.Time) bool { return f.left(a, now) > (burst-1)*rest }

// memory is how long an address counts as a friend's after it has shown a secret.
const memory = 24 * time.Hour

// Friends are the addresses that have shown a right secret.
type Friends struct{ table }

// NewFriends makes an empty table.
func NewFriends() *Friends { return &Friends{table{seed: maphash.MakeSeed()}} }

// Add notes that a right secret was shown.
func (f *Friends) Add(a netip.Addr, now time.Time) {
	f.with(a, now, func(p *place) { p.till = now.Add(memory) })
}

// Has reports whether an address has shown a right secret in the last day.
func (f *Friends) Has(a netip.Addr, now time.Time) bool { return f.left(a, now) > 0 }
