package peer

import (
	"hash/maphash"
	"net/netip"
	"time"
)

// An address may fail so many times at once, and then once in so long.
const (
	failureBurst    = 32
	failureInterval = time.Second
)

// Failures counts failed authentications by address. What is counted says nothing about who shows a right secret.
type Failures struct{ addrTable }

// NewFailures makes an empty table.
func NewFailures() *Failures { return &Failures{addrTable{seed: maphash.MakeSeed()}} }

// Add counts a failure. It is true when the address has had too many.
func (f *Failures) Add(a netip.Addr, now time.Time) (many bool) {
	f.update(a, now, func(p *entry) {
		if many = p.expires.Sub(now) > (failureBurst-1)*failureInterval; !many {
			p.expires = p.expires.Add(failureInterval) // who goes on failing is not counted, and so let off once in rest
		}
	})
	return many
}

// TooMany reports whether an address has had too many failures.
func (f *Failures) TooMany(a netip.Addr, now time.Time) bool {
	return f.remaining(a, now) > (failureBurst-1)*failureInterval
}

// trustDuration is how long an address counts as a friend's after it has shown a secret.
const trustDuration = 24 * time.Hour

// TrustedAddrs are the addresses that have shown a right secret.
type TrustedAddrs struct{ addrTable }

// NewTrustedAddrs makes an empty table.
func NewTrustedAddrs() *TrustedAddrs { return &TrustedAddrs{addrTable{seed: maphash.MakeSeed()}} }

// Add notes that a right secret was shown.
func (f *TrustedAddrs) Add(a netip.Addr, now time.Time) {
	f.update(a, now, func(p *entry) { p.expires = now.Add(trustDuration) })
}

// Has reports whether an address has shown a right secret in the last day.
func (f *TrustedAddrs) Has(a netip.Addr, now time.Time) bool { return f.remaining(a, now) > 0 }
