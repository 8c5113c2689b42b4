package outlet

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// addressGuard decides which addresses a destination may be reached at. It is asked by the dialer for each socket, with the
// address that is about to be connected to: after the name was resolved, so that a name that leads elsewhere the second
// time it is asked for gains nothing.
type addressGuard struct {
	allow  []netip.Prefix // ranges the destination names
	public bool           // public addresses are allowed too
}

func addressError(format string, args ...any) error {
	return &safeError{ErrAddress, fmt.Sprintf(format, args...)}
}

// control is the dialer's ControlContext.
func (g *addressGuard) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || (network != "tcp4" && network != "tcp6") {
		return addressError("not a TCP address")
	}
	return g.check(at.Addr())
}

// check refuses an address with ErrAddress.
func (g *addressGuard) check(a netip.Addr) error {
	a = a.Unmap().WithZone("")
	if g.allows(a) {
		return nil
	}
	if !g.public {
		return addressError("%s is not in allow_private, and what is not encrypted goes nowhere else", a)
	}
	if is := specialUse(a); is != "" {
		return addressError("%s is %s", a, is)
	}
	return nil
}

// allows reports whether the destination names the address. A cloud's metadata service hands out credentials, and it hides
// inside ranges that are named for other reasons (100.64.0.0/10, fc00::/7): it must be named by itself.
func (g *addressGuard) allows(a netip.Addr) bool {
	inner := embeddedIPv4(a)
	alone := slices.Contains(metadata, a) || slices.Contains(metadata, inner)
	return slices.ContainsFunc(g.allow, func(p netip.Prefix) bool {
		if alone && !p.IsSingleIP() {
			return false
		}
		return p.Contains(a) || (inner.IsValid() && p.Contains(inner))
	})
}

// specialUse is what an address is when it is not one of the public internet's, as IANA's special-purpose registries have
// it; else "". Of IPv6 only 2000::/3 is public, and the well-known NAT64 prefix where the address inside it is.
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

// embeddedIPv4 is the IPv4 address inside a NAT64 or 6to4 address, where the packet goes in the end; else the zero Addr.
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

// metadata lists where clouds hand out credentials to whoever asks from inside.
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
