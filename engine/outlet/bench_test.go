package outlet_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/rules/destination"
)

// BenchmarkDeliver measures one step, beside http.Client and the bare disk for the same work.
func BenchmarkDeliver(b *testing.B) {
	body := []byte(`{"text":"` + strings.Repeat("x", 1000) + `"}`)
	url := startServer(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	})
	quick := startRawServer(b, func(c net.Conn, _ *http.Request) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	})
	o := openOutlet(b, map[string]destination.Spec{
		"http":   {Kind: destination.HTTP, URL: url, AllowPrivate: loopback, Concurrency: 64},
		"ok":     {Kind: destination.HTTP, URL: url, AllowPrivate: loopback, OK: isAnyOK, Concurrency: 64},
		"quick":  {Kind: destination.HTTP, URL: quick, AllowPrivate: loopback, Concurrency: 64},
		"file":   {Kind: destination.File, File: filepath.Join(b.TempDir(), "x.jsonl"), Concurrency: 1024},
		"stdout": {Kind: destination.Stdout},
	}, outlet.Options{Stdout: io.Discard})
	send := func(b *testing.B, name string) {
		s := outlet.Step{Destination: name, Key: "0123456789abcdef", Attempt: 1, Body: body}
		if r := o.Deliver(context.Background(), s); r.Verdict != outlet.Done {
			b.Fatal(r.Err)
		}
	}
	for _, name := range []string{"http", "ok", "quick", "file", "stdout"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				send(b, name)
			}
		})
	}
	b.Run("client", func(b *testing.B) { // http.Client, to compare
		b.ReportAllocs()
		for b.Loop() {
			post(b, url, body)
		}
	})
	b.Run("file-64", func(b *testing.B) { // 64 at a time share their commits
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				send(b, "file")
			}
		})
	})
}

func post(b *testing.B, url string, body []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), 1e10)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "POST", url, strings.NewReader(string(body)))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", "0123456789abcdef")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
}

// BenchmarkRefused measures a step at a paused destination.
func BenchmarkRefused(b *testing.B) {
	url := startServer(b, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	o := openOne(b, destination.Spec{Kind: destination.HTTP, URL: url, Breaker: destination.Breaker{Failures: 1, Rest: 3600e9}})
	o.Deliver(context.Background(), newStep("{}"))
	b.ReportAllocs()
	for b.Loop() {
		o.Deliver(context.Background(), newStep("{}"))
	}
}
