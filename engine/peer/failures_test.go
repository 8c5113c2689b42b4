package peer_test

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/peer"
)

func TestFailures(t *testing.T) {
	f, now := peer.NewFailures(), time.Now()
	bad, good := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for i := range 32 {
		if f.Add(bad, now) {
			t.Fatalf("%d are too many", i+1)
		}
	}
	if !f.Add(bad, now) || !f.TooMany(bad, now) {
		t.Error("33 at once are not too many")
	}
	if f.TooMany(good, now) || f.Add(good, now) {
		t.Error("another address has too many")
	}
	for range 1000 {
		f.Add(bad, now)
	}
	some := 0
	for range 600 { // ten a second, for a minute
		now = now.Add(100 * time.Millisecond)
		if !f.Add(bad, now) {
			some++
		}
	}
	if some < 30 || some > 90 {
		t.Errorf("%d passed in a minute, want about 60", some)
	}
	if now = now.Add(time.Minute); f.TooMany(bad, now) || f.Add(bad, now) {
		t.Error("it is never forgotten")
	}
}

func TestSubscribers(t *testing.T) {
	f, now := peer.NewFailures(), time.Now()
	for i := range 64 {
		f.Add(netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i)}), now)
	}
	if !f.TooMany(netip.MustParseAddr("2001::ffff:1:2:3"), now) || f.TooMany(netip.MustParseAddr("2001:0:0:1::"), now) {
		t.Error("a /64 is not one")
	}
	if !f.TooMany(netip.MustParseAddr("2001::1%eth0"), now) {
		t.Error("a zone makes another")
	}
}

// TestFailuresHammer: while many addresses fail at the same time, the busiest one is not forgotten.
func TestFailuresHammer(t *testing.T) {
	f, now := peer.NewFailures(), time.Now()
	busy := netip.MustParseAddr("192.0.2.1")
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 10_000 {
				f.Add(netip.AddrFrom4([4]byte{10, byte(g), byte(i >> 8), byte(i)}), now)
				f.Add(busy, now)
				f.TooMany(busy, now)
			}
		})
	}
	all.Wait()
	if !f.TooMany(busy, now) {
		t.Error("it is forgotten")
	}
}

func TestFriends(t *testing.T) {
	f, now := peer.NewTrustedAddrs(), time.Now()
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	f.Add(a, now)
	if !f.Has(a, now.Add(23*time.Hour)) || f.Has(a, now.Add(25*time.Hour)) || f.Has(b, now) {
		t.Error("a friend is one for a day, and nobody else is")
	}
}

func BenchmarkFailures(b *testing.B) {
	f, a := peer.NewFailures(), netip.MustParseAddr("192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		f.Add(a, time.Now())
	}
}
