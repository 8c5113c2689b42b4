// Package peer is for the addresses of callers: allow lists, proxies, and counts of failures.
package peer

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// List is an immutable set of addresses, safe for concurrent use. The zero List is empty.
type List struct {
	ranges []span // sorted, with gaps between them
}

// span is a range of addresses, with both ends.
type span struct{ first, last netip.Addr }

// NewList makes a List of addresses and prefixes such as 192.0.2.7, 192.0.2.0/24 and 2001:db8::/32.
func NewList(texts []string) (List, error) {
	var all []span
	for _, text := range texts {
		p, err := parsePrefix(text)
		if err != nil {
			return List{}, err
		}
		all = append(all, span{p.Addr(), lastAddr(p)})
	}
	return List{mergeSpans(all)}, nil
}

// parsePrefix parses an address or a prefix. A prefix with bits beyond its length is an error,
// because it could mean the address or the network.
func parsePrefix(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return p, fmt.Errorf("want an address or a prefix such as 192.0.2.0/24, got %q", text)
	}
	if p != p.Masked() {
		return p, fmt.Errorf("want %v or a single address, got %q", p.Masked(), text)
	}
	return p, nil
}

// lastAddr returns the last address of a prefix.
func lastAddr(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// mergeSpans sorts spans and joins those that touch.
func mergeSpans(all []span) []span {
	slices.SortFunc(all, func(a, b span) int { return cmp.Or(a.first.Compare(b.first), a.last.Compare(b.last)) })
	var out []span
	for _, s := range all {
		if n := len(out); n > 0 && s.first.BitLen() == out[n-1].last.BitLen() && s.first.Compare(nextAddr(out[n-1].last)) <= 0 {
			if out[n-1].last.Less(s.last) {
				out[n-1].last = s.last
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// nextAddr returns the next address, or the same if it is the last.
func nextAddr(a netip.Addr) netip.Addr {
	if n := a.Next(); n.IsValid() {
		return n
	}
	return a
}

// Has reports whether an address is in the list.
func (l List) Has(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	i, exact := slices.BinarySearchFunc(l.ranges, a, func(s span, a netip.Addr) int { return s.first.Compare(a) })
	if exact {
		return true
	}
	return i > 0 && a.Compare(l.ranges[i-1].last) <= 0
}

// Empty reports whether the list has no address.
func (l List) Empty() bool { return len(l.ranges) == 0 }

// AddrOf returns the address of a connection's end, which is invalid if it has none.
func AddrOf(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap().WithZone("")
	case nil:
		return netip.Addr{}
	}
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}
