package gate_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/gate"
)

// crowdSize is how many idle and slow connections BenchmarkBesideCrowd has.
const crowdSize = 10_000

// crowdAt names, in a child's environment, where it is to be a crowd.
const crowdAt = "TENTERHOOK_TEST_CROWD"

// TestCrowdMember is no test, but the crowd: a process of its own, for each connection has two ends, and files are few.
func TestCrowdMember(t *testing.T) {
	addr := os.Getenv(crowdAt)
	if addr == "" {
		t.Skip("a child of BenchmarkBesideCrowd")
	}
	ctx, stop := context.WithCancel(t.Context())
	whole := hello(t, &tls.Config{InsecureSkipVerify: true})
	elsewhere := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}} // not where the honest are
	var all, came sync.WaitGroup
	came.Add(crowdSize)
	for i := range crowdSize {
		all.Go(func() {
			for first := true; ctx.Err() == nil; first = false {
				c, err := elsewhere.Dial("tcp", addr)
				if first {
					came.Done()
				}
				if err == nil {
					loiter(ctx, c, whole, i%20)
					c.Close()
				}
			}
		})
		if i%50 == 0 {
			time.Sleep(5 * time.Millisecond) // or else the backlog is what is measured
		}
	}
	came.Wait()
	fmt.Println("here")
	io.Copy(io.Discard, os.Stdin) // until the parent has seen enough
	stop()
	all.Wait()
}

// loiter stays until it is thrown out: of twenty, ten say nothing, eight say hello slowly, one shakes hands and no more, and one
// sends its head slowly.
func loiter(ctx context.Context, c net.Conn, whole []byte, kind int) {
	defer context.AfterFunc(ctx, func() { c.Close() })()
	dribble := func(c net.Conn, b []byte) {
		for i := range b {
			if _, err := c.Write(b[i : i+1]); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	}
	switch {
	case kind < 10:
	case kind < 18:
		dribble(c, whole)
	default:
		t := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
		if t.Handshake() == nil && kind == 19 {
			dribble(t, []byte(good(body)))
		}
	}
	io.Copy(io.Discard, c)
}

// BenchmarkBesideCrowd is what honest calls take, one every two milliseconds over TLS: alone; beside 10,000 connections that are
// idle or slow; and beside as many that are thrown out as they would be, and come again at once. The 50th and 99th of 100, and the
// memory of it all, are what counts; the crowd is on the same machine, and takes its part of the processors.
func BenchmarkBesideCrowd(b *testing.B) {
	for _, bench := range []struct {
		name    string
		crowded bool
		stay    time.Duration
	}{{"alone", false, 0}, {"beside", true, time.Hour}, {"again", true, 0}} {
		b.Run(bench.name, func(b *testing.B) {
			e, err := engine.New(engine.Options{Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close()
			e.Swap(load(b, policy))
			o := gate.Options{MaxConns: 2*crowdSize + 1000, Handshake: bench.stay, FirstBytes: bench.stay, Read: bench.stay}
			var client *tls.Config
			o.TLS, client = configs(b)
			g, err := gate.New(e, o)
			if err != nil {
				b.Fatal(err)
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			served := make(chan error)
			go func() { served <- g.Serve(l) }()
			c, err := tls.Dial("tcp", l.Addr().String(), client)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			io.WriteString(c, good(body)) // so that it is a friend's address
			if _, err := c.Read(make([]byte, 1)); err != nil {
				b.Fatal(err)
			}
			if bench.crowded {
				defer crowd(b, l.Addr().String())()
			}
			honest(b, l.Addr().String(), client)
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.Sys-m.HeapReleased)/(1<<20), "MB")
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			g.Shutdown(ctx) // the crowd is still there
			<-served
		})
	}
}

// crowd starts a process that is one; what is returned ends it.
func crowd(b *testing.B, addr string) (end func()) {
	cmd := exec.Command(os.Args[0], "-test.run", "^TestCrowdMember$")
	cmd.Env = append(os.Environ(), crowdAt+"="+addr)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	for s := bufio.NewScanner(out); s.Scan() && !strings.HasPrefix(s.Text(), "here"); {
	}
	return func() {
		in.Close()
		io.Copy(io.Discard, out)
		cmd.Wait()
	}
}

// honest sends calls, each with an eventId of its own, and reports how long they took.
func honest(b *testing.B, addr string, client *tls.Config) {
	c, err := tls.Dial("tcp", addr, client)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	r, took := bufio.NewReader(c), make([]time.Duration, 0, b.N)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for i := 0; b.Loop(); i++ {
		<-tick.C
		text := good(strings.Replace(body, `{"eventType"`, `{"eventId":"`+strconv.Itoa(i)+`","eventType"`, 1))
		start := time.Now()
		io.WriteString(c, text)
		line, err := r.ReadString('\n')
		took = append(took, time.Since(start))
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 200") {
			b.Fatalf("%q %v", line, err)
		}
		for length := 0; ; { // the rest of it
			line, err := r.ReadString('\n')
			if err != nil {
				b.Fatal(err)
			}
			if text, ok := strings.CutPrefix(line, "Content-Length: "); ok {
				length, _ = strconv.Atoi(strings.TrimSpace(text))
			}
			if line == "\r\n" {
				r.Discard(length)
				break
			}
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
