package table_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime/table"
)

// slow is the meaning of a table, as a plain loop over its entries.
func slow(as string, entries []table.Entry, key string) string {
	found, best := "", -1
	for _, e := range entries {
		n := -1
		switch as {
		case table.CIDRs:
			n = around(e.Key, key)
		case table.Domains:
			n = above(e.Key, key)
		default:
			if e.Key == key {
				n = 0
			}
		}
		if n > best {
			best, found = n, string(e.Value)
		}
	}
	return found
}

// validEntries are the entries that New accepts.
func validEntries(as string, entries []table.Entry) []table.Entry {
	_, err := table.New(as, entries)
	errs, _ := errors.AsType[table.Errors](err)
	for _, e := range slices.Backward(errs) {
		entries = slices.Delete(entries, e.Entry, e.Entry+1)
	}
	return entries
}

// around is the prefix's length when the address is in it, else -1.
func around(prefix, key string) int {
	ip, err := netip.ParseAddr(key)
	if err != nil {
		return -1
	}
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		only := netip.MustParseAddr(prefix).Unmap()
		p = netip.PrefixFrom(only, only.BitLen())
	}
	if p.Addr().Is4In6() {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if !p.Contains(ip.Unmap()) {
		return -1
	}
	return p.Bits()
}

// above is the number of the name's labels when the key is the name or a subdomain, else -1.
func above(name, key string) int {
	want := strings.Split(strings.TrimSuffix(strings.ToLower(name), "."), ".")
	have := strings.Split(strings.TrimSuffix(strings.ToLower(key), "."), ".")
	if len(have) < len(want) {
		return -1
	}
	for i := range want {
		if have[len(have)-1-i] != want[len(want)-1-i] {
			return -1
		}
	}
	return len(want)
}

// generator makes keys that often collide: few letters, few bits.
type generator struct{ *rand.Rand }

func (r generator) word() string {
	return []string{"a", "b", "ab", "B", "a-b", "xn--a", "ä"}[r.IntN(7)]
}

func (r generator) domain(most int) string {
	labels := make([]string, 1+r.IntN(most))
	for i := range labels {
		labels[i] = r.word()
	}
	return strings.Join(labels, ".") + []string{"", "", "."}[r.IntN(3)]
}

func (r generator) address() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], 0x2001_0db8_0000_0000|r.Uint64N(4)<<30|r.Uint64N(4))
	binary.BigEndian.PutUint64(b[8:], r.Uint64N(4)<<62|r.Uint64N(4))
	if r.IntN(2) == 0 {
		return netip.AddrFrom4([4]byte{10, byte(r.IntN(2) * 128), byte(r.IntN(256)), byte(r.IntN(4))})
	}
	return netip.AddrFrom16(b)
}

func (r generator) prefix() string {
	ip := r.address()
	p := netip.PrefixFrom(ip, r.IntN(ip.BitLen()+1)).Masked()
	switch {
	case p.Bits() == ip.BitLen() && r.IntN(2) == 0:
		return p.Addr().String()
	case ip.Is4() && r.IntN(4) == 0:
		return fmt.Sprintf("::ffff:%s/%d", p.Addr(), p.Bits()+96)
	}
	return p.String()
}

func (r generator) key() string {
	if ip := r.address(); r.IntN(4) > 0 || !ip.Is4() {
		return ip.String()
	} else {
		return "::ffff:" + ip.String()
	}
}

func TestAgainstPlainLoop(t *testing.T) {
	kinds := []struct {
		as         string
		entry, key func(generator) string
	}{
		{table.Map, generator.word, generator.word},
		{table.Domains, func(r generator) string { return r.domain(4) }, func(r generator) string { return r.domain(6) }},
		{table.CIDRs, generator.prefix, generator.key},
	}
	for _, kind := range kinds {
		t.Run(kind.as, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			r := generator{rand.New(rand.NewPCG(seed, 0))}
			found := 0
			for range 300 {
				var all []table.Entry
				for i := range r.IntN(40) {
					all = append(all, table.Entry{Key: kind.entry(r), Value: fmt.Append(nil, i)})
				}
				all = validEntries(kind.as, all)
				made, err := table.New(kind.as, all)
				if err != nil {
					t.Fatal(err)
				}
				for range 100 {
					key := kind.key(r)
					want := slow(kind.as, all, key)
					if got := string(made.Lookup(key).Raw()); got != want {
						t.Fatalf("%q: got %q, want %q in %q", key, got, want, all)
					}
					if want != "" {
						found++
					}
				}
			}
			if found < 3000 {
				t.Errorf("only %d keys found anything", found)
			}
		})
	}
}

func FuzzLookup(f *testing.F) {
	f.Add("example.com\nb.example", "www.example.com.")
	f.Add("10.0.0.0/8\n10.1.0.0/16\n::/0", "::ffff:10.1.2.3")
	f.Add("a\n\nb", "")
	f.Add("1.2.3.4\n01.2.3.4", "1.2.3.4")
	f.Fuzz(func(t *testing.T, lines, key string) {
		for _, as := range []string{table.Set, table.Domains, table.CIDRs} {
			var all []table.Entry
			for line := range strings.SplitSeq(lines, "\n") {
				all = append(all, table.Entry{Key: line, Value: fmt.Append(nil, len(all))})
			}
			all = validEntries(as, all)
			made, err := table.New(as, all)
			if err != nil {
				t.Fatal(err)
			}
			got := string(made.Lookup(key).Raw())
			if as == table.Domains && got == "" {
				continue // an invalid domain is in no table, whatever its labels are
			}
			if want := slow(as, all, key); as == table.Domains && !isASCII(lines+key) {
				continue // strings.ToLower folds more
			} else if got != want && !strings.Contains(key, "%") {
				t.Errorf("%s: %q: got %q, want %q in %q", as, key, got, want, all)
			}
		}
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0
}
