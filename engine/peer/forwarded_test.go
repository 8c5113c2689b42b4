package peer_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/engine/peer"
)

func TestForwarded(t *testing.T) {
	proxies, err := peer.NewList([]string{"10.0.0.0/8", "2001:db8::/32"})
	if err != nil {
		t.Fatal(err)
	}
	const none = "invalid IP"
	tests := []struct{ name, lines, want string }{
		{"NoLine", "", "10.0.0.1"},
		{"Client", "192.0.2.1", "192.0.2.1"},
		{"Spoofed", "198.51.100.1, 192.0.2.1", "192.0.2.1"},
		{"ThroughTwo", "192.0.2.1, 10.0.0.2", "192.0.2.1"},
		{"SpoofedThroughTwo", "10.0.0.9, 192.0.2.1,10.0.0.2", "192.0.2.1"},
		{"Lines", "198.51.100.1|192.0.2.1|10.0.0.2, 10.0.0.3", "192.0.2.1"},
		{"OnlyProxies", "10.0.0.5, 10.0.0.2", "10.0.0.5"},
		{"Port", "192.0.2.1:4711", "192.0.2.1"},
		{"Six", "2001:db9::1", "2001:db9::1"},
		{"SixInBrackets", "[2001:db9::1]", "2001:db9::1"},
		{"SixWithPort", "[2001:db9::1]:4711, 2001:db8::7", "2001:db9::1"},
		{"Mapped", "::ffff:192.0.2.1", "192.0.2.1"},
		{"MappedProxy", "192.0.2.1, ::ffff:10.0.0.2", "192.0.2.1"},
		{"Zone", "fe80::1%eth0", "fe80::1"},
		{"Unknown", "192.0.2.1, unknown", none},
		{"Garbage", "192.0.2.1, 10.0.0.x", none},
		{"EmptyHop", "192.0.2.1, ", none},
		{"EmptyLine", " ", none},
		{"HalfABracket", "[192.0.2.1", none},
		{"GarbageBefore", "<script>, 192.0.2.1", "192.0.2.1"},
		{"TooMany", "192.0.2.1" + strings.Repeat(",10.0.0.2", 40), none},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var lines []string
			if test.lines != "" {
				lines = strings.Split(test.lines, "|")
			}
			if got := peer.ForwardedClient(proxies, netip.MustParseAddr("10.0.0.1"), lines).String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// FuzzForwarded: no text to the left of a trusted proxy's entry changes the result.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"", ",", "1.2.3.4", "[::1]:1, x", "10.0.0.1,10.0.0.2", "a|b", "%", "::ffff:1.2.3.4"} {
		f.Add(seed)
	}
	proxies, err := peer.NewList([]string{"10.0.0.0/8"})
	if err != nil {
		f.Fatal(err)
	}
	from := netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "|")
		peer.ForwardedClient(proxies, from, lines)
		if got := peer.ForwardedClient(proxies, from, append(lines, "192.0.2.1")); got.String() != "192.0.2.1" {
			t.Errorf("got %v", got)
		}
		if got := peer.ForwardedClient(proxies, from, []string{text + ", 192.0.2.1, 10.0.0.7"}); got.String() != "192.0.2.1" {
			t.Errorf("got %v", got)
		}
	})
}
