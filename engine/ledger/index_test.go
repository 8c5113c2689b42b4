package ledger

import (
	"math/rand/v2"
	"testing"
)

// TestIndex holds an index against a map, with fingerprints that crowd together and some that are
// the same.
func TestIndex(t *testing.T) {
	for _, test := range []struct {
		name  string
		print func(*rand.Rand) uint64
	}{
		{"spread", func(r *rand.Rand) uint64 { return r.Uint64() }},
		{"crowded at the end", func(r *rand.Rand) uint64 { return ^uint64(0) - r.Uint64N(1<<40) }},
		{"few", func(r *rand.Rand) uint64 { return r.Uint64N(100) << 50 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			seed := rand.Uint64()
			r := rand.New(rand.NewPCG(seed, 0))
			var x index
			want := make(map[uint64][]uint32)
			for n := range uint32(3000) {
				print := test.print(r) | 1
				x.add(print, n)
				want[print] = append(want[print], n)
				if n%1000 == 999 {
					x.trim()
				}
			}
			for print, numbers := range want {
				found := make(map[uint32]bool)
				x.find(print, func(n uint32) bool {
					found[n] = true
					return false
				})
				if len(found) != len(numbers) {
					t.Fatalf("seed %d: %x: found %v, want %v", seed, print, found, numbers)
				}
				for _, n := range numbers {
					if !found[n] {
						t.Fatalf("seed %d: %x: found %v, want %v", seed, print, found, numbers)
					}
				}
			}
			for range 3000 {
				print := r.Uint64() | 1
				if got := x.find(print, func(uint32) bool { return true }); got != (want[print] != nil) {
					t.Fatalf("seed %d: %x: found %v", seed, print, got)
				}
			}
		})
	}
}
