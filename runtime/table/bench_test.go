package table_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/tenterhook/tenterhook/runtime/table"
)

// many makes n entries of a kind, and keys of which half match.
func many(as string, n int) (all []table.Entry, keys []string) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	for len(all) < n {
		key := fmt.Sprintf("partner-%d.example", r.IntN(10*n))
		hit, miss := "mail.eu."+key, "mail.eu."+key+".invalid"
		switch as {
		case table.CIDRs:
			ip := netip.AddrFrom4([4]byte{byte(1 + r.IntN(200)), byte(r.IntN(256)), byte(r.IntN(256)), 0})
			key, hit, miss = netip.PrefixFrom(ip, 18+r.IntN(7)).Masked().String(), ip.Next().String(), fmt.Sprintf("255.0.0.%d", r.IntN(256))
		case table.Set, table.Rows:
			hit, miss = key, key+".invalid"
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		all = append(all, table.Entry{Key: key})
		keys = append(keys, hit, miss)
	}
	r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return all, keys
}

func BenchmarkHas(b *testing.B) {
	for _, as := range []string{table.Set, table.Domains, table.CIDRs} {
		for _, n := range []int{20, 30_000} {
			b.Run(fmt.Sprintf("%s/%d", as, n), func(b *testing.B) {
				all, keys := many(as, n)
				made, err := table.New(as, all)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				found, i := 0, 0
				for b.Loop() {
					if i++; i == len(keys) {
						i = 0
					}
					if made.Has(keys[i]) {
						found++
					}
				}
				if found < b.N/4 && b.N > 1000 {
					b.Errorf("%d of %d found", found, b.N)
				}
			})
		}
	}
}

func BenchmarkNew(b *testing.B) {
	for _, as := range []string{table.Set, table.Domains, table.CIDRs} {
		b.Run(fmt.Sprintf("%s/30000", as), func(b *testing.B) {
			all, _ := many(as, 30_000)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := table.New(as, all); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
