package outlet_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/rules/destination"
)

// newResolver asks a name server of the test, which resolves every name to the current addresses.
func newResolver(t *testing.T, addresses *atomic.Pointer[[]netip.Addr]) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		for question := make([]byte, 1500); ; {
			n, from, err := server.ReadFrom(question)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(dnsAnswer(question[:n], *addresses.Load()), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// dnsAnswer renders a message of RFC 1035 section 4.1: the question and addresses of its type.
func dnsAnswer(question []byte, addresses []netip.Addr) []byte {
	end := 12
	for question[end] != 0 {
		end += int(question[end]) + 1
	}
	end += 5
	kind := binary.BigEndian.Uint16(question[end-4:])
	out := append([]byte(nil), question[:end]...)
	out[2], out[3] = 0x81, 0x80
	binary.BigEndian.PutUint16(out[10:], 0) // nothing additional
	count := uint16(0)
	for _, a := range addresses {
		if a.Is4() != (kind == 1) {
			continue
		}
		count++
		raw := a.AsSlice()
		out = append(out, 0xc0, 12, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(raw)))
		out = append(out, raw...)
	}
	binary.BigEndian.PutUint16(out[6:], count)
	return out
}

// TestNameResolvesToPrivate: names resolve to private addresses, at once or from the second query
// on.
func TestNameResolvesToPrivate(t *testing.T) {
	var calls atomic.Int64
	url := startServer(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.Header().Set("Connection", "close") // the name is asked for again
	})
	port := url[strings.LastIndex(url, ":")+1:]
	var led atomic.Pointer[[]netip.Addr]
	lead := func(to ...string) {
		list := make([]netip.Addr, len(to))
		for i := range to {
			list[i] = netip.MustParseAddr(to[i])
		}
		led.Store(&list)
	}
	resolver := newResolver(t, &led)
	to := func(s destination.Spec) *outlet.Outlet {
		s.Breaker.Failures = 1000
		return openOutlet(t, map[string]destination.Spec{"there": s}, outlet.Options{Resolver: resolver})
	}
	for _, inside := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fe80::1"} {
		t.Run(inside, func(t *testing.T) {
			lead(inside)
			r := deliver(t, to(destination.Spec{Kind: destination.HTTP, URL: "https://hook.example:" + port}), newStep("{}"))
			wantResult(t, r, outlet.Retry, outlet.ErrAddress)
		})
	}
	t.Run("rebinding", func(t *testing.T) {
		o := to(destination.Spec{Kind: destination.HTTP, URL: "http://hook.example:" + port, AllowPrivate: prefixes("127.0.0.1/32")})
		lead("127.0.0.1")
		wantResult(t, deliver(t, o, newStep("{}")), outlet.Done, nil)
		before := calls.Load()
		lead("127.0.0.2") // where the server can be reached as well, were it allowed
		wantResult(t, deliver(t, o, newStep("{}")), outlet.Retry, outlet.ErrAddress)
		lead("127.0.0.2", "127.0.0.1") // one of them is allowed, and only that one is used
		wantResult(t, deliver(t, o, newStep("{}")), outlet.Done, nil)
		if calls.Load() != before+1 {
			t.Errorf("it was called %d times", calls.Load()-before)
		}
	})
	t.Run("no such host", func(t *testing.T) {
		lead()
		wantResult(t, deliver(t, to(destination.Spec{Kind: destination.HTTP, URL: "https://hook.example"}), newStep("{}")), outlet.Retry, outlet.ErrConnection)
	})
}
