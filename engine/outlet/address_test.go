package outlet

import (
	"errors"
	"net/netip"
	"testing"
)

func TestGuard(t *testing.T) {
	tests := []struct {
		name    string
		address string
		allow   []string
		closed  bool // http: public addresses are refused too
		allowed bool
	}{
		{name: "public", address: "8.8.8.8", allowed: true},
		{name: "public v6", address: "2606:4700::1111", allowed: true},
		{name: "public, in the clear", address: "8.8.8.8", closed: true},
		{name: "public, in the clear, named", address: "8.8.8.8", closed: true, allow: []string{"8.8.8.8/32"}, allowed: true},
		{name: "this host", address: "0.0.0.0"},
		{name: "this network", address: "0.1.2.3"},
		{name: "ten", address: "10.1.2.3"},
		{name: "ten, named", address: "10.1.2.3", allow: []string{"10.1.0.0/16"}, allowed: true},
		{name: "ten, not the range named", address: "10.2.2.3", allow: []string{"10.1.0.0/16"}},
		{name: "overlay", address: "100.64.0.1"},
		{name: "beside the overlay", address: "100.128.0.1", allowed: true},
		{name: "loopback", address: "127.0.0.1"},
		{name: "far loopback", address: "127.255.255.254"},
		{name: "link-local", address: "169.254.1.1"},
		{name: "172.16", address: "172.16.0.1"},
		{name: "172.31", address: "172.31.255.255"},
		{name: "172.32", address: "172.32.0.1", allowed: true},
		{name: "192.168", address: "192.168.1.1"},
		{name: "protocol assignments", address: "192.0.0.8"},
		{name: "documentation", address: "192.0.2.1"},
		{name: "relay anycast", address: "192.88.99.1"},
		{name: "benchmarks", address: "198.19.0.1"},
		{name: "multicast", address: "224.0.0.1"},
		{name: "reserved", address: "240.0.0.1"},
		{name: "broadcast", address: "255.255.255.255"},

		{name: "v6 unspecified", address: "::"},
		{name: "v6 loopback", address: "::1"},
		{name: "v6 loopback, named", address: "::1", allow: []string{"::1/128"}, allowed: true},
		{name: "v4-compatible", address: "::8.8.8.8"},
		{name: "v4-mapped loopback", address: "::ffff:127.0.0.1"},
		{name: "v4-mapped public", address: "::ffff:8.8.8.8", allowed: true},
		{name: "v4-mapped, named as v4", address: "::ffff:10.0.0.1", allow: []string{"10.0.0.0/8"}, allowed: true},
		{name: "v4-translated", address: "::ffff:0:127.0.0.1"},
		{name: "NAT64 of loopback", address: "64:ff9b::7f00:1"},
		{name: "NAT64 of ten", address: "64:ff9b::a00:1"},
		{name: "NAT64 of ten, named", address: "64:ff9b::a00:1", allow: []string{"10.0.0.0/8"}, allowed: true},
		{name: "NAT64 of public", address: "64:ff9b::808:808", allowed: true},
		{name: "local NAT64", address: "64:ff9b:1::808:808"},
		{name: "6to4 of loopback", address: "2002:7f00:1::1"},
		{name: "6to4 of ten", address: "2002:a00:1::"},
		{name: "6to4 of public", address: "2002:808:808::1", allowed: true},
		{name: "Teredo", address: "2001:0:4136:e378:8000:63bf:3fff:fdd2"},
		{name: "ORCHID", address: "2001:20::1"},
		{name: "v6 documentation", address: "2001:db8::1"},
		{name: "newer documentation", address: "3fff::1"},
		{name: "segment routing", address: "5f00::1"},
		{name: "discard", address: "100::1"},
		{name: "unique local", address: "fd12::1"},
		{name: "v6 link-local", address: "fe80::1"},
		{name: "v6 link-local with a zone", address: "fe80::1%eth0"},
		{name: "site-local", address: "fec0::1"},
		{name: "v6 multicast", address: "ff02::1"},

		{name: "metadata", address: "169.254.169.254"},
		{name: "metadata in a named range", address: "169.254.169.254", allow: []string{"169.254.0.0/16"}},
		{name: "metadata in everything", address: "169.254.169.254", allow: []string{"0.0.0.0/0"}},
		{name: "metadata, named", address: "169.254.169.254", allow: []string{"169.254.169.254/32"}, allowed: true},
		{name: "metadata on a public address", address: "168.63.129.16"},
		{name: "metadata in the overlay's range", address: "100.100.100.200", allow: []string{"100.64.0.0/10"}},
		{name: "metadata v6 in unique local", address: "fd00:ec2::254", allow: []string{"fc00::/7"}},
		{name: "metadata, mapped", address: "::ffff:169.254.169.254", allow: []string{"169.254.0.0/16"}},
		{name: "metadata behind NAT64", address: "64:ff9b::a9fe:a9fe", allow: []string{"64:ff9b::/96"}},
		{name: "metadata behind 6to4", address: "2002:a9fe:a9fe::", allow: []string{"2002::/16"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := addressGuard{Public: !test.closed}
			for _, p := range test.allow {
				g.Private = append(g.Private, netip.MustParsePrefix(p))
			}
			err := g.control(t.Context(), "tcp6", netip.AddrPortFrom(netip.MustParseAddr(test.address), 443).String(), nil)
			if (err == nil) != test.allowed || (err != nil && !errors.Is(err, ErrAddress)) {
				t.Errorf("got %v", err)
			}
		})
	}
	for _, network := range []string{"udp4", "unix", "ip4"} {
		if err := (addressGuard{Public: true}).control(t.Context(), network, "8.8.8.8:443", nil); err == nil {
			t.Errorf("%s is let through", network)
		}
	}
}
