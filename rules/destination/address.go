package destination

import (
	"fmt"
	"net/netip"
	"slices"
)

// Addresses is the set of addresses that a destination may connect to. The dialer checks each
// connection with the resolved address, so a name that later resolves to another address gains
// nothing.
type Addresses struct {
	Private []netip.Prefix // permitted although they are not public
	Public  bool           // public addresses are permitted, because the connection is encrypted
}

// Check returns why an address is not permitted, or nil.
func (s Addresses) Check(a netip.Addr) error {
	a = a.Unmap().WithZone("")
	if s.permits(a) {
		return nil
	}
	if !s.Public {
		return fmt.Errorf("%s is not in allow_private, and unencrypted deliveries go only there", a)
	}
	if use := specialUse(a); use != "" {
		return fmt.Errorf("%s is %s", a, use)
	}
	return nil
}

// permits reports whether Private has the address. A cloud's metadata service issues credentials
// and is inside ranges that are listed for other reasons (100.64.0.0/10, fc00::/7), so it must be
// listed by itself.
func (s Addresses) permits(a netip.Addr) bool {
	inner := embeddedIPv4(a)
	single := slices.Contains(metadata, a) || slices.Contains(metadata, inner)
	return slices.ContainsFunc(s.Private, func(p netip.Prefix) bool {
		if single && !p.IsSingleIP() {
			return false
		}
		return p.Contains(a) || (inner.IsValid() && p.Contains(inner))
	})
}

// specialUse is the use of an address that is not public, as IANA's special-purpose registries have
// it, or "". Of IPv6 only 2000::/3 is public, and the well-known NAT64 prefix with a public
// address.
func specialUse(a netip.Addr) string {
	if slices.Contains(metadata, a) {
		return "a metadata service"
	}
	inner := embeddedIPv4(a)
	if inner.IsValid() {
		return specialUse(inner)
	}
	for _, r := range specialRanges {
		if r.prefix.Contains(a) {
			return r.is
		}
	}
	if a.Is6() && !global.Contains(a) {
		return "not a public address"
	}
	return ""
}

// embeddedIPv4 is the IPv4 address in a NAT64 or 6to4 address, which receives the packets; or the
// zero Addr.
func embeddedIPv4(a netip.Addr) netip.Addr {
	b := a.As16()
	switch {
	case nat64.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return netip.Addr{}
}

var (
	global    = netip.MustParsePrefix("2000::/3")
	nat64     = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixToFour = netip.MustParsePrefix("2002::/16")    // RFC 3056
)

// metadata lists the addresses where clouds issue credentials to programs inside.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), // AWS, Azure, Google, Oracle, DigitalOcean and others
	netip.MustParseAddr("169.254.170.2"),   // AWS ECS
	netip.MustParseAddr("169.254.170.23"),  // AWS EKS
	netip.MustParseAddr("168.63.129.16"),   // Azure's wire server, on a public address
	netip.MustParseAddr("100.100.100.200"), // Alibaba
	netip.MustParseAddr("192.0.0.192"),     // Oracle Classic
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd00:ec2::23"),    // AWS EKS
	netip.MustParseAddr("fd20:ce::254"),    // Google
	netip.MustParseAddr("fe80::a9fe:a9fe"), // OpenStack
}

var specialRanges = []struct {
	prefix netip.Prefix
	is     string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "this host"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "a carrier's or overlay network's"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved"},
	{netip.MustParsePrefix("192.0.2.0/24"), "for documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "reserved"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), "for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "for documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"}, // and broadcast
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("fc00::/7"), "private"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
	{netip.MustParsePrefix("2001::/23"), "reserved"}, // and Teredo, which hides an IPv4 address
	{netip.MustParsePrefix("2001:db8::/32"), "for documentation"},
	{netip.MustParsePrefix("3fff::/20"), "for documentation"},
}
