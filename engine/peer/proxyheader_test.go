package peer_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	proxyproto "github.com/pires/go-proxyproto"

	"github.com/tenterhook/tenterhook/engine/peer"
)

const v2Signature = "\r\n\r\n\x00\r\nQUIT\n"

const ports = "\x12\x34\x01\xbb"

func TestReadHeader(t *testing.T) {
	v4 := "\xc0\x00\x02\x01\x0a\x00\x00\x01" + ports
	v6 := "\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x07" + strings.Repeat("\x00", 15) + "\x01" + ports
	none := "invalid IP"
	tests := []struct {
		name, bytes, want string
		err               error
	}{
		{"V1TCP4", "PROXY TCP4 192.0.2.1 10.0.0.1 4660 443\r\n", "192.0.2.1", nil},
		{"V1TCP6", "PROXY TCP6 2001:db8::7 ::1 4660 443\r\n", "2001:db8::7", nil},
		{"V1Unknown", "PROXY UNKNOWN\r\n", none, nil},
		{"V1UnknownWithMore", "PROXY UNKNOWN ffff:f::1 ffff::1 65535 65535\r\n", none, nil},
		{"V2TCP4", v2Signature + "\x21\x11\x00\x0c" + v4, "192.0.2.1", nil},
		{"V2TCP6", v2Signature + "\x21\x21\x00\x24" + v6, "2001:db8::7", nil},
		{"V2WithMore", v2Signature + "\x21\x11\x00\x10" + v4 + "\x04\x00\x01x", "192.0.2.1", nil},
		{"V2Local", v2Signature + "\x20\x00\x00\x00", none, nil},
		{"V2LocalWithAddresses", v2Signature + "\x20\x11\x00\x0c" + v4, none, nil},

		{"Request", "POST /hooks/a HTTP/1.1\r\n", none, peer.ErrProxyHeader},
		{"Hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03xxxxx", none, peer.ErrProxyHeader},
		{"V1OtherFamily", "PROXY UDP4 192.0.2.1 10.0.0.1 4660 443\r\n", none, peer.ErrProxyHeader},
		{"V1WrongFamily", "PROXY TCP6 192.0.2.1 10.0.0.1 4660 443\r\n", none, peer.ErrProxyHeader},
		{"V1MixedFamilies", "PROXY TCP4 192.0.2.1 ::1 4660 443\r\n", none, peer.ErrProxyHeader},
		{"V1Zone", "PROXY TCP6 fe80::1%eth0 ::1 4660 443\r\n", none, peer.ErrProxyHeader},
		{"V1SignedPort", "PROXY TCP4 192.0.2.1 10.0.0.1 +4660 443\r\n", none, peer.ErrProxyHeader},
		{"V1LongPort", "PROXY TCP4 192.0.2.1 10.0.0.1 04660 443\r\n", none, peer.ErrProxyHeader},
		{"V1LargePort", "PROXY TCP4 192.0.2.1 10.0.0.1 4660 65536\r\n", none, peer.ErrProxyHeader},
		{"V1TwoSpaces", "PROXY TCP4  192.0.2.1 10.0.0.1 4660 443\r\n", none, peer.ErrProxyHeader},
		{"V1MoreWords", "PROXY TCP4 192.0.2.1 10.0.0.1 4660 443 5\r\n", none, peer.ErrProxyHeader},
		{"V1LF", "PROXY TCP4 192.0.2.1 10.0.0.1 4660 443\n", none, peer.ErrProxyHeader},
		{"V1Endless", "PROXY UNKNOWN " + strings.Repeat("x", 200), none, peer.ErrProxyHeader},
		{"V1Truncated", "PROXY TCP4 192.0.2.1 10", none, io.EOF},
		{"V2Version3", v2Signature + "\x31\x11\x00\x0c" + v4, none, peer.ErrProxyHeader},
		{"V2Command", v2Signature + "\x22\x11\x00\x0c" + v4, none, peer.ErrProxyHeader},
		{"V2UDP", v2Signature + "\x21\x12\x00\x0c" + v4, none, peer.ErrProxyHeader},
		{"V2Unix", v2Signature + "\x21\x31\x00\xd8" + strings.Repeat("x", 216), none, peer.ErrProxyHeader},
		{"V2Unspecified", v2Signature + "\x21\x00\x00\x00", none, peer.ErrProxyHeader},
		{"V2Short", v2Signature + "\x21\x11\x00\x0b" + v4, none, peer.ErrProxyHeader},
		{"V2Huge", v2Signature + "\x21\x11\xff\xff" + strings.Repeat("x", 65535), none, peer.ErrProxyHeader},
		{"V2Truncated", v2Signature + "\x21\x11\x00\x0c" + v4[:5], none, io.ErrUnexpectedEOF},
		{"Nothing", "", none, io.EOF},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			const behind = "what follows"
			text := test.bytes
			if test.err == nil {
				text += behind
			}
			r := strings.NewReader(text)
			got, err := peer.ReadProxyHeader(r)
			if !errors.Is(err, test.err) || got.String() != test.want {
				t.Fatalf("got %v, %v; want %s, %v", got, err, test.want, test.err)
			}
			if rest, _ := io.ReadAll(r); test.err == nil && string(rest) != behind {
				t.Errorf("%q is left", rest)
			}
		})
	}
}

// TestReadHeaderOfOthers reads headers that a library writes.
func TestReadHeaderOfOthers(t *testing.T) {
	for version := byte(1); version <= 2; version++ {
		for _, from := range []string{"192.0.2.9", "2001:db8::9"} {
			source := &net.TCPAddr{IP: net.ParseIP(from), Port: 1234}
			to := &net.TCPAddr{IP: net.ParseIP("10.0.0.1"), Port: 443}
			if source.IP.To4() == nil {
				to.IP = net.ParseIP("::1")
			}
			var b bytes.Buffer
			if _, err := proxyproto.HeaderProxyFromAddrs(version, source, to).WriteTo(&b); err != nil {
				t.Fatal(err)
			}
			if got, err := peer.ReadProxyHeader(&b); err != nil || got.String() != from || b.Len() > 0 {
				t.Errorf("version %d, %s: got %v, %v", version, from, got, err)
			}
		}
	}
}

// FuzzReadHeader compares with a library: it must find the same client and the same end in a header
// that is accepted here.
func FuzzReadHeader(f *testing.F) {
	for _, seed := range []string{
		"PROXY TCP4 192.0.2.1 10.0.0.1 4660 443\r\nx", "PROXY TCP6 2001:db8::7 ::1 4660 443\r\n", "PROXY UNKNOWN\r\n", "GET / HTTP/1.1\r\n\r\n",
		v2Signature + "\x21\x11\x00\x0c\xc0\x00\x02\x01\x0a\x00\x00\x01" + ports + "x", v2Signature + "\x20\x00\x00\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		got, err := peer.ReadProxyHeader(r)
		if err != nil || len(b)-r.Len() > 200 { // the library's buffer is limited
			return
		}
		theirs := bufio.NewReader(bytes.NewReader(b))
		h, err := proxyproto.Read(theirs)
		if err != nil {
			if got.IsValid() {
				t.Fatalf("%q: we find %v, the library %v", b, got, err)
			}
			return // it rejects some headers without an address
		}
		var want netip.Addr
		if a, ok := h.SourceAddr.(*net.TCPAddr); ok && !h.Command.IsLocal() {
			want = peer.AddrOf(a)
		}
		if rest, _ := io.ReadAll(theirs); got != want || len(rest) != r.Len() {
			t.Fatalf("%q: we find %v with %d bytes left, the library %v with %d", b, got, r.Len(), want, len(rest))
		}
	})
}
