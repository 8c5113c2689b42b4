package outlet_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/outlet"
)

// until waits for what another goroutine brings about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in 10 s", what)
		}
	}
}

func TestBreaker(t *testing.T) {
	var broken atomic.Bool
	var calls atomic.Int64
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		if broken.Load() {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	var log strings.Builder
	o := open(t, map[string]outlet.Spec{"there": {URL: url, AllowPrivate: loopback,
		Breaker: outlet.Breaker{Failures: 3, Rest: 300 * time.Millisecond}}}, outlet.Options{Log: logTo(&log)})
	breaker := func(want string) {
		t.Helper()
		if got := o.States()[0].Breaker; got != want {
			t.Fatalf("the breaker is %s, want %s", got, want)
		}
	}
	broken.Store(true)
	for range 3 {
		breaker("closed")
		is(t, deliver(t, o, step("{}")), outlet.Retry, outlet.ErrStatus)
	}
	breaker("open")
	before := calls.Load()
	r := deliver(t, o, step("{}"))
	is(t, r, outlet.Retry, outlet.ErrResting)
	if r.Attempted || r.After <= 0 || r.After > 300*time.Millisecond || calls.Load() != before || o.States()[0].Rest <= 0 {
		t.Errorf("while open: %+v", r)
	}
	until(t, "a probe", func() bool { return deliver(t, o, step("{}")).Attempted })
	breaker("open") // the probe has failed
	broken.Store(false)
	until(t, "a probe that is answered", func() bool { return deliver(t, o, step("{}")).Kind == outlet.Done })
	breaker("closed")
	is(t, deliver(t, o, step("{}")), outlet.Done, nil)
	for _, line := range []string{"from=closed to=open", "from=open to=half-open", "from=half-open to=open", "from=half-open to=closed", "destination=there"} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log lacks %q: %s", line, log.String())
		}
	}
}

// TestBreakerIgnores shows what says nothing about the destination, or speaks for it.
func TestBreakerIgnores(t *testing.T) {
	for _, status := range []int{302, 400, 401, 404, 429} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
			o := one(t, outlet.Spec{URL: url, Breaker: outlet.Breaker{Failures: 1}})
			for range 3 {
				if r := deliver(t, o, step("{}")); r.Status != status {
					t.Fatalf("got %+v", r)
				}
				unfit := step("{}")
				unfit.Key = ""
				is(t, deliver(t, o, unfit), outlet.Never, outlet.ErrStep)
			}
		})
	}
}

// TestProbe shows that one attempt at a time finds out whether a destination is back, and that one which finds out nothing
// does not keep it away.
func TestProbe(t *testing.T) {
	var mode atomic.Int64 // 0 down, 1 stalls
	release := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if mode.Load() == 1 {
			<-release
			return
		}
		w.WriteHeader(500)
	})
	o := one(t, outlet.Spec{URL: url, Breaker: outlet.Breaker{Failures: 1, Rest: 10 * time.Millisecond}})
	is(t, deliver(t, o, step("{}")), outlet.Retry, outlet.ErrStatus)
	mode.Store(1)
	until(t, "half-open", func() bool { return o.States()[0].Breaker == "half-open" })
	ctx, cancel := context.WithCancel(context.Background())
	probe := make(chan outlet.Result)
	go func() { probe <- o.Deliver(ctx, step("{}")) }()
	until(t, "the probe", func() bool { return o.States()[0].InFlight == 1 })
	r := deliver(t, o, step("{}"))
	is(t, r, outlet.Retry, outlet.ErrResting)
	if r.Attempted || r.After <= 0 {
		t.Errorf("beside the probe: %+v", r)
	}
	cancel()
	is(t, <-probe, outlet.Retry, outlet.ErrStopped)
	close(release)
	is(t, deliver(t, o, step("{}")), outlet.Done, nil)
}

func TestBusy(t *testing.T) {
	release := make(chan struct{})
	url := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	o := one(t, outlet.Spec{URL: url, Concurrency: 2})
	results := make(chan outlet.Result, 2)
	for range 2 {
		go func() { results <- deliver(t, o, step("{}")) }()
	}
	until(t, "two under way", func() bool { return o.States()[0].InFlight == 2 })
	r := deliver(t, o, step("{}"))
	is(t, r, outlet.Retry, outlet.ErrBusy)
	if r.Attempted || r.After <= 0 {
		t.Errorf("got %+v", r)
	}
	close(release)
	for range 2 {
		is(t, <-results, outlet.Done, nil)
	}
	if o.Concurrency("there") != 2 || o.Concurrency("nobody") != 0 {
		t.Error("the concurrency is not what was configured")
	}
}

// TestStalledForGood keeps every slot of one destination occupied and shows that another takes all its steps meanwhile.
func TestStalledForGood(t *testing.T) {
	fine := serve(t, func(http.ResponseWriter, *http.Request) {})
	r, w := io.Pipe() // a standard output that nobody reads
	defer r.Close()
	o := open(t, map[string]outlet.Spec{
		"stalled": {URL: raw(t, stall), AllowPrivate: loopback, Timeout: 30 * time.Second, Concurrency: 4},
		"full":    {Stdout: true, Timeout: 30 * time.Second, Concurrency: 4},
		"there":   {URL: fine, AllowPrivate: loopback},
		"file":    {File: t.TempDir() + "/x"},
	}, outlet.Options{Stdout: w})
	ctx, cancel := context.WithCancel(context.Background())
	var stuck, sent sync.WaitGroup
	for _, name := range []string{"stalled", "full"} {
		for range 4 {
			stuck.Go(func() {
				o.Deliver(ctx, outlet.Step{Destination: name, Key: "k", Attempt: 1, Body: []byte("{}")})
			})
		}
		until(t, name, func() bool { return inFlight(o, name) == 4 })
	}
	for _, name := range []string{"there", "file"} {
		for range 4 {
			sent.Go(func() {
				for range 50 {
					s := step("{}")
					s.Destination = name
					is(t, deliver(t, o, s), outlet.Done, nil)
				}
			})
		}
	}
	sent.Wait()
	if inFlight(o, "stalled") != 4 || inFlight(o, "full") != 4 {
		t.Error("they were not stalled meanwhile")
	}
	cancel()
	stuck.Wait()
}

func inFlight(o *outlet.Outlet, name string) int {
	for _, s := range o.States() {
		if s.Destination == name {
			return s.InFlight
		}
	}
	return -1
}

func TestClose(t *testing.T) {
	release := make(chan struct{})
	url := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	o := one(t, outlet.Spec{URL: url})
	result := make(chan outlet.Result, 1)
	go func() { result <- deliver(t, o, step("{}")) }()
	until(t, "one under way", func() bool { return o.States()[0].InFlight == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := o.Close(ctx); err == nil {
		t.Fatal("it did not wait")
	}
	r := deliver(t, o, step("{}"))
	is(t, r, outlet.Retry, outlet.ErrClosed)
	if r.Attempted {
		t.Error("it counts as attempted")
	}
	close(release)
	is(t, <-result, outlet.Done, nil)
	is(t, deliver(t, o, outlet.Step{Destination: "nobody", Key: "k"}), outlet.Never, outlet.ErrUnknown)
}

// TestHammer delivers from many goroutines to destinations of every kind and behaviour while states are read, and closes in
// the midst of it.
func TestHammer(t *testing.T) {
	var n atomic.Int64
	url := raw(t, func(c net.Conn, _ *http.Request) {
		switch n.Add(1) % 5 {
		case 0:
			c.Close()
		case 1:
			_, _ = io.WriteString(c, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
		case 2:
			time.Sleep(30 * time.Millisecond)
			fallthrough
		default:
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	o := open(t, map[string]outlet.Spec{
		"web":  {URL: url, AllowPrivate: loopback, Timeout: 20 * time.Millisecond, Breaker: outlet.Breaker{Failures: 3, Rest: time.Millisecond}},
		"file": {File: t.TempDir() + "/x", Rotate: outlet.Rotate{Size: 2 << 10, Keep: 2}},
		"out":  {Stdout: true},
	}, outlet.Options{Stdout: io.Discard})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 60 {
				s := outlet.Step{Destination: []string{"web", "file", "out"}[j%3], Key: fmt.Sprintf("%d-%d", i, j), Attempt: 1, Body: []byte(`{"a":1}`)}
				r := deliver(t, o, s)
				if (r.Err == nil) != (r.Kind == outlet.Done) {
					t.Errorf("got %+v", r)
				}
				o.States()
				if i == 0 && j == 50 {
					if err := o.Close(context.Background()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	for _, s := range o.States() {
		if s.InFlight != 0 {
			t.Errorf("%s has %d under way", s.Destination, s.InFlight)
		}
	}
}
