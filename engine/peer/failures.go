package peer

import (
	"hash/maphash"
	"net/netip"
	"time"
)

// An address may fail failureBurst times at once, then once every failureInterval.
const (
	failureBurst    = 32
	failureInterval = time.Second
)

// Failures counts failed authentications by address. The count does not affect callers with a right
// secret.
type Failures struct{ addrTable }

// NewFailures makes an empty table.
func NewFailures() *Failures { return &Failures{addrTable{seed: maphash.MakeSeed()}} }

// Add counts a failure, and reports whether the address has too many.
func (f *Failures) Add(a netip.Addr, now time.Time) (many bool) {
	f.update(a, now, func(p *entry) {
		if many = p.expires.Sub(now) > (failureBurst-1)*failureInterval; !many {
			p.expires = p.expires.Add(failureInterval) // further failures are not added, so one per interval passes
		}
	})
	return many
}

// TooMany reports whether an address has too many failures.
func (f *Failures) TooMany(a netip.Addr, now time.Time) bool {
	return f.remaining(a, now) > (failureBurst-1)*failureInterval
}

// trustDuration is how long an address is trusted after it sent a right secret.
const trustDuration = 24 * time.Hour

// TrustedAddrs are the addresses that have sent a right secret.
type TrustedAddrs struct{ addrTable }

// NewTrustedAddrs makes an empty table.
func NewTrustedAddrs() *TrustedAddrs { return &TrustedAddrs{addrTable{seed: maphash.MakeSeed()}} }

// Add notes that an address has sent a right secret.
func (f *TrustedAddrs) Add(a netip.Addr, now time.Time) {
	f.update(a, now, func(p *entry) { p.expires = now.Add(trustDuration) })
}

// Has reports whether an address has sent a right secret in the last day.
func (f *TrustedAddrs) Has(a netip.Addr, now time.Time) bool { return f.remaining(a, now) > 0 }
