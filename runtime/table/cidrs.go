package table

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// address is an IP address as a number; an IPv4 address is in the low 32 bits.
type address struct{ hi, lo uint64 }

func (a address) less(b address) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

func addressOf(ip netip.Addr) address {
	if ip.Is4() {
		b := ip.As4()
		return address{lo: uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := ip.As16()
	return address{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// network is one prefix of a table under construction.
type network struct {
	first, last address
	bits        int
	value       jsondoc.Node
}

// spans divides the addresses of one family where the longest matching prefix changes: values[i]
// holds from starts[i] up to starts[i+1]. Prefixes nest or are disjoint, so n of them make at most
// 2n spans, and a lookup is one binary search.
type spans struct {
	starts []address
	values []jsondoc.Node
}

func (s *spans) find(a address) jsondoc.Node {
	low, high := 0, len(s.starts) // the span begins before high, at low-1 or later
	for low < high {
		mid := int(uint(low+high) >> 1)
		if a.less(s.starts[mid]) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	if low == 0 {
		return jsondoc.Node{}
	}
	return s.values[low-1]
}

func (s *spans) add(at address, v jsondoc.Node) {
	if n := len(s.starts); n > 0 && s.starts[n-1] == at {
		s.values[n-1] = v
		return
	}
	s.starts = append(s.starts, at)
	s.values = append(s.values, v)
}

// build makes the spans of networks, which it sorts, outer before inner.
func (s *spans) build(networks []network, top address) {
	slices.SortFunc(networks, func(a, b network) int {
		return cmp.Or(cmp.Compare(a.first.hi, b.first.hi), cmp.Compare(a.first.lo, b.first.lo), cmp.Compare(a.bits, b.bits))
	})
	var open []network // networks around the current one
	closeBefore := func(next address, all bool) {
		for len(open) > 0 && (all || open[len(open)-1].last.less(next)) {
			last := open[len(open)-1].last
			open = open[:len(open)-1]
			if last == top {
				continue
			}
			var outer jsondoc.Node
			if len(open) > 0 {
				outer = open[len(open)-1].value
			}
			s.add(nextAddress(last), outer)
		}
	}
	for _, n := range networks {
		closeBefore(n.first, false)
		s.add(n.first, n.value)
		open = append(open, n)
	}
	closeBefore(address{}, true)
	s.starts, s.values = slices.Clip(s.starts), slices.Clip(s.values)
}

func nextAddress(a address) address {
	if a.lo++; a.lo == 0 {
		a.hi++
	}
	return a
}

func (t *Table) indexNetworks(entries []Entry, nodes []jsondoc.Node) (errs Errors) {
	var v4, v6 []network
	seen := make(map[netip.Prefix]int, len(entries))
	for i, e := range entries {
		p, err := parsePrefix(e.Key)
		if err != nil {
			errs = append(errs, &EntryError{Entry: i, First: -1, Err: err})
			continue
		}
		if first, ok := seen[p]; ok {
			errs = append(errs, &EntryError{Entry: i, First: first, Err: ErrDuplicate})
			continue
		}
		seen[p] = i
		n := network{first: addressOf(p.Addr()), bits: p.Bits(), value: nodes[i]}
		if p.Addr().Is4() {
			n.last = address{lo: n.first.lo | (1<<(32-p.Bits()) - 1)}
			v4 = append(v4, n)
		} else {
			n.last = setHostBits(n.first, p.Bits())
			v6 = append(v6, n)
		}
	}
	t.v4.build(v4, address{lo: 1<<32 - 1})
	t.v6.build(v6, setHostBits(address{}, 0))
	return errs
}

// setHostBits sets all bits of an IPv6 address behind the prefix.
func setHostBits(a address, bits int) address {
	if bits < 64 {
		return address{a.hi | (1<<(64-bits) - 1), ^uint64(0)}
	}
	return address{a.hi, a.lo | (1<<(128-bits) - 1)}
}

// parsePrefix parses a network, or an address as a network of one. An IPv4 network written in IPv6
// is the IPv4 network.
func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		ip, err := netip.ParseAddr(s)
		if err != nil || ip.Zone() != "" {
			return p, fmt.Errorf("%w: want an address or a prefix such as 192.0.2.0/24", ErrNetwork)
		}
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	if p.Masked() != p {
		return p, fmt.Errorf("%w: the address has bits set after its %d bits: want %s or %s", ErrNetwork, p.Bits(), p.Masked(), p.Addr())
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p, nil
}

// findNetwork finds the longest prefix with the address.
func (t *Table) findNetwork(key string) jsondoc.Node {
	a, is4, ok := parseAddress(key)
	switch {
	case !ok:
		return jsondoc.Node{}
	case is4:
		return t.v4.find(a)
	}
	return t.v6.find(a)
}

// IsAddress reports whether a table of networks can have the key: an IP address without a zone,
// port or brackets, and without leading zeros, which some systems read as octal.
func IsAddress(key string) bool {
	_, _, ok := parseAddress(key)
	return ok
}

// parseAddress parses an address without a zone. An IPv4 address written in IPv6 is the IPv4
// address.
func parseAddress(key string) (a address, is4, ok bool) {
	if strings.IndexByte(key, ':') < 0 {
		a, ok = parseIPv4(key)
		return a, true, ok
	}
	if !mayBeIPv6(key) {
		return address{}, false, false
	}
	ip, err := netip.ParseAddr(key)
	if err != nil {
		return address{}, false, false
	}
	ip = ip.Unmap()
	return addressOf(ip), ip.Is4(), true
}

// parseIPv4 parses an IPv4 address. Unlike netip it does not allocate an error for other texts.
func parseIPv4(key string) (address, bool) {
	all, part, digits, dots := uint64(0), 0, 0, 0
	for i := range len(key) {
		switch c := key[i]; {
		case c == '.' && digits > 0:
			all, part, digits, dots = all<<8|uint64(part), 0, 0, dots+1
		case c-'0' <= 9 && (digits == 0 || part > 0):
			if part, digits = part*10+int(c-'0'), digits+1; part > 255 {
				return address{}, false
			}
		default:
			return address{}, false
		}
	}
	return address{lo: all<<8 | uint64(part)}, dots == 3 && digits > 0
}

// mayBeIPv6 rejects most texts that are not IPv6 addresses before netip allocates an error for
// them.
func mayBeIPv6(key string) bool {
	const longest = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")
	if len(key) < len("::") || len(key) > longest {
		return false
	}
	for i := range len(key) {
		if c := key[i]; c != ':' && c != '.' && c-'0' > 9 && (c|0x20)-'a' > 5 {
			return false
		}
	}
	return true
}
