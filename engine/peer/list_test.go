package peer_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/peer"
)

func TestList(t *testing.T) {
	tests := []struct {
		name, texts string
		in, out     string
		err         string
	}{
		{name: "Empty", out: "192.0.2.1 ::1"},
		{name: "Address", texts: "192.0.2.7", in: "192.0.2.7 ::ffff:192.0.2.7", out: "192.0.2.6 192.0.2.8 ::"},
		{name: "Prefixes", texts: "192.0.2.0/24 10.0.0.0/8", in: "192.0.2.0 192.0.2.255 10.255.255.255", out: "192.0.3.0 11.0.0.0 9.255.255.255"},
		{name: "OneInTheOther", texts: "10.0.0.0/8 10.1.0.0/16", in: "10.0.0.1 10.1.0.1 10.200.0.1", out: "11.0.0.1"},
		{name: "Touching", texts: "192.0.2.0/25 192.0.2.128/25", in: "192.0.2.127 192.0.2.128"},
		{name: "Six", texts: "2001:db8::/32", in: "2001:db8:ffff::1", out: "2001:db9:: 32.1.13.184"},
		{name: "All", texts: "0.0.0.0/0", in: "255.255.255.255 0.0.0.0", out: "::1"},
		{name: "AllOfSix", texts: "::/0 0.0.0.0/0", in: "::1 ffff::1 1.2.3.4"},
		{name: "BitsBeyond", texts: "192.0.2.7/24", err: `want 192.0.2.0/24 or a single address, got "192.0.2.7/24"`},
		{name: "Name", texts: "okta.com", err: `got "okta.com"`},
		{name: "Mapped", texts: "::ffff:192.0.2.0/120", err: "want an address or a prefix"},
		{name: "Zone", texts: "fe80::1%eth0", err: "want an address or a prefix"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l, err := peer.NewList(strings.Fields(test.texts))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v, want %s", err, test.err)
				}
				return
			}
			if err != nil || l.Empty() != (test.texts == "") {
				t.Fatal(err, l.Empty())
			}
			for _, a := range strings.Fields(test.in) {
				if !l.Has(netip.MustParseAddr(a)) {
					t.Errorf("%s is not in it", a)
				}
			}
			for _, a := range strings.Fields(test.out) {
				if l.Has(netip.MustParseAddr(a)) {
					t.Errorf("%s is in it", a)
				}
			}
			if l.Has(netip.Addr{}) {
				t.Error("no address is in it")
			}
		})
	}
}

// TestListAgainstPrefixes compares a List with a loop over its prefixes.
func TestListAgainstPrefixes(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	t.Log("seed", seed)
	address := func() netip.Addr { // few, so that ranges meet
		if r.IntN(2) == 0 {
			return netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(4)), byte(r.IntN(256))})
		}
		return netip.AddrFrom16([16]byte{0x20, 1, 14: byte(r.IntN(4)), 15: byte(r.IntN(256))})
	}
	for range 200 {
		var prefixes []netip.Prefix
		var texts []string
		for range r.IntN(20) {
			a := address()
			p, _ := a.Prefix(a.BitLen() - r.IntN(11))
			prefixes, texts = append(prefixes, p), append(texts, p.String())
		}
		l, err := peer.NewList(texts)
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			a, want := address(), false
			for _, p := range prefixes {
				want = want || p.Contains(a)
			}
			if l.Has(a) != want {
				t.Fatalf("%v in %v: got %v", a, texts, !want)
			}
		}
	}
}

const parseOktaRanges = `{"us_cell_1":{"ip_ranges":["192.0.2.0/24","198.51.100.7/32"]},"preview_cell_1":{"ip_ranges":["203.0.113.0/24"]}}`

func TestAllowed(t *testing.T) {
	dir := t.TempDir()
	okta, plain := filepath.Join(dir, "ip_ranges.json"), filepath.Join(dir, "gateways.txt")
	files := map[string]string{
		okta: parseOktaRanges, plain: "# ours\n10.0.0.0/8   # the office\n\n2001:db8::1\n",
		filepath.Join(dir, "empty"): "# nobody\n", filepath.Join(dir, "half"): parseOktaRanges[:40], filepath.Join(dir, "cell"): `{"us_cell_1":{}}`,
		filepath.Join(dir, "a:b"): "10.0.0.1\n",
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name    string
		texts   []string
		in, out string
		err     string
	}{
		{name: "None", in: "192.0.2.1 ::1"},
		{name: "Okta", texts: []string{okta}, in: "192.0.2.1 203.0.113.1", out: "10.0.0.1"},
		{name: "OneCell", texts: []string{okta + ":us_cell_1"}, in: "192.0.2.1 198.51.100.7", out: "203.0.113.1"},
		{name: "TwoCells", texts: []string{okta + ":us_cell_1", okta + ":preview_cell_1"}, in: "192.0.2.1 203.0.113.1", out: "10.0.0.1"},
		{name: "Lines", texts: []string{plain, "192.0.2.7"}, in: "10.1.2.3 2001:db8::1 192.0.2.7", out: "192.0.2.8"},
		{name: "ColonInTheName", texts: []string{filepath.Join(dir, "a:b")}, in: "10.0.0.1", out: "10.0.0.2"},
		{name: "NoSuchCell", texts: []string{okta + ":us_cell_9"}, err: `want a cell of preview_cell_1, us_cell_1, got "us_cell_9"`},
		{name: "CellOfLines", texts: []string{plain + ":us_cell_1"}, err: "want Okta's JSON"},
		{name: "Empty", texts: []string{filepath.Join(dir, "empty")}, err: "want at least one address"},
		{name: "Half", texts: []string{filepath.Join(dir, "half")}, err: "JSON"},
		{name: "NoRanges", texts: []string{filepath.Join(dir, "cell")}, err: "us_cell_1: want ip_ranges"},
		{name: "NotThere", texts: []string{filepath.Join(dir, "x")}, err: "no such file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, err := peer.OpenAllowList(test.texts)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v, want %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, addr := range strings.Fields(test.in) {
				if !a.Has(netip.MustParseAddr(addr)) {
					t.Errorf("%s is not in it", addr)
				}
			}
			for _, addr := range strings.Fields(test.out) {
				if a.Has(netip.MustParseAddr(addr)) {
					t.Errorf("%s is in it", addr)
				}
			}
		})
	}
}

// TestAllowedFollows: a changed file takes effect, an invalid one does not.
func TestAllowedFollows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("192.0.2.1\n")
	a, err := peer.OpenAllowList([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Run(ctx, slog.New(slog.DiscardHandler))
	}()
	defer func() {
		cancel()
		<-done
	}()
	until := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("never", what)
			}
		}
	}
	write("192.0.2.2\n")
	until("changed", func() bool {
		return a.Has(netip.MustParseAddr("192.0.2.2")) && !a.Has(netip.MustParseAddr("192.0.2.1"))
	})
	write("192.0.2.3/8\n")
	until("told", func() bool { return a.Err() != nil })
	if !a.Has(netip.MustParseAddr("192.0.2.2")) {
		t.Error("what was allowed before does not stay")
	}
}

func TestOf(t *testing.T) {
	for _, test := range []struct {
		addr net.Addr
		want string
	}{
		{&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}, "192.0.2.1"},
		{&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0"}, "fe80::1"},
		{&net.UnixAddr{Name: "x"}, "invalid IP"},
		{nil, "invalid IP"},
	} {
		if got := peer.AddrOf(test.addr).String(); got != test.want {
			t.Errorf("%v: got %s, want %s", test.addr, got, test.want)
		}
	}
}

func BenchmarkHas(b *testing.B) {
	var texts []string
	for i := range 2000 {
		texts = append(texts, fmt.Sprintf("10.%d.%d.0/25", i/256, i%256))
	}
	l, err := peer.NewList(texts)
	if err != nil {
		b.Fatal(err)
	}
	a := netip.MustParseAddr("10.3.9.7")
	b.ReportAllocs()
	for b.Loop() {
		if !l.Has(a) {
			b.Fatal("not there")
		}
	}
}
