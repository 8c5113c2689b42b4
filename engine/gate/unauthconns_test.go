package gate

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// TestEvictionOrder: of the address with most connections the oldest one is evicted, and
// connections of trusted addresses last.
func TestEvictionOrder(t *testing.T) {
	var s unauthConns
	in := func(addr string, friend bool) *conn {
		c := &conn{peerAddr: netip.MustParseAddr(addr)}
		s.add(c, friend)
		return c
	}
	friend := in("192.0.2.1", true)
	in("192.0.2.1", true)
	honest := in("192.0.2.2", false)
	crowd := []*conn{in("192.0.2.3", false), in("192.0.2.3", false), in("192.0.2.3", false)}
	net := []*conn{in("2001:db8::1", false), in("2001:db8::2", false)}
	s.remove(crowd[1])
	s.remove(crowd[1])
	for i, want := range []*conn{net[0], crowd[0], honest, net[1], crowd[2], friend} {
		if got := s.evict(); got != want {
			t.Fatalf("%d: %v, want %v", i, got.peerAddr, want.peerAddr)
		}
	}
	if s.evict() == nil || s.evict() != nil || len(s.others.groups)+len(s.trusted.groups) > 0 {
		t.Error("want one left, and then none")
	}
}

// TestUnauthConnsAtRandom compares unauthConns with a plain count.
func TestUnauthConnsAtRandom(t *testing.T) {
	var s unauthConns
	in, count := map[*conn]bool{}, map[netip.Addr]int{}
	for range 20_000 {
		switch rand.IntN(4) {
		case 0, 1:
			c := &conn{peerAddr: netip.AddrFrom4([4]byte{192, 0, 2, byte(rand.IntN(20))})}
			s.add(c, false)
			in[c] = true
			count[c.peerAddr]++
		case 2:
			for c := range in {
				s.remove(c)
				delete(in, c)
				count[c.peerAddr]--
				break
			}
		case 3:
			most := 0
			for _, n := range count {
				most = max(most, n)
			}
			c := s.evict()
			if c == nil {
				if most > 0 {
					t.Fatal("none is found")
				}
				continue
			}
			if !in[c] || count[c.peerAddr] != most {
				t.Fatalf("one of %d makes room, where another has %d", count[c.peerAddr], most)
			}
			delete(in, c)
			count[c.peerAddr]--
		}
	}
}
