package gate_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/gate"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
)

// BenchmarkGate measures one call at a time over loopback, beside a fasthttp server that echoes a
// constant. The difference is the cost of this program for a call. tls is a fresh call over TLS.
func BenchmarkGate(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		s := &fasthttp.Server{NoDefaultServerHeader: true, Handler: func(ctx *fasthttp.RequestCtx) {
			ctx.SetContentType("application/json")
			ctx.Response.SetBodyRaw(constant)
		}}
		benchCalls(b, s.Serve, func() { s.Shutdown() }, true, nil)
	})
	for _, bench := range []struct {
		name          string
		fresh, secure bool
	}{{"fresh", true, false}, {"repeat", false, false}, {"tls", true, true}} {
		b.Run(bench.name, func(b *testing.B) {
			e, err := engine.New(engine.Options{Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry()})
			if err != nil {
				b.Fatal(err)
			}
			e.Swap(mustLoad(b, policy))
			var o gate.Options
			_, client := transport{secure: bench.secure}.apply(b, &o)
			g, err := gate.New(e, o)
			if err != nil {
				b.Fatal(err)
			}
			benchCalls(b, g.Serve, func() { g.Shutdown(context.Background()) }, bench.fresh, client)
			if err := e.Close(); err != nil {
				b.Error(err)
			}
		})
	}
}

var constant = []byte(`{"commands":[{"type":"com.okta.user.profile.update","value":{"division":"sales"}}]}`)

// benchCalls sends the same call repeatedly, with a new eventId each time if fresh.
func benchCalls(b *testing.B, serve func(net.Listener) error, shutdown func(), fresh bool, secure *tls.Config) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- serve(l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	if secure != nil {
		c = tls.Client(c, secure)
	}
	call := sample.Of(hook.Registration)
	request := []byte(requestHead(requestLine, fmt.Sprint("Content-Length: ", len(call)), "User-Agent: Okta-Integrations") + string(call))
	at := bytes.Index(request, []byte(`"eventId"`))
	at += bytes.IndexByte(request[at:], ':')
	at += bytes.IndexByte(request[at:], '"') + 1
	id, answer := request[at:at+22], make([]byte, 4096)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if fresh {
			for j, n := 0, i; j < 10; j, n = j+1, n/10 {
				id[j] = '0' + byte(n%10)
			}
		}
		if _, err := c.Write(request); err != nil {
			b.Fatal(err)
		}
		n, err := c.Read(answer)
		if err != nil || !strings.HasPrefix(string(answer[:min(n, 15)]), "HTTP/1.1 200 OK") {
			b.Fatalf("%s %v", answer[:n], err)
		}
	}
	b.StopTimer()
	c.Close()
	shutdown()
	if err := <-served; err != nil && err != io.EOF {
		b.Error(err)
	}
}
