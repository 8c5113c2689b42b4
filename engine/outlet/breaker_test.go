package outlet_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/rules/destination"
)

// waitFor waits for a condition that another goroutine fulfils.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in a minute", what)
		}
	}
}

// pipe is a standard output whose reader may have closed it.
type pipe struct{ closed atomic.Bool }

func (p *pipe) Write(text []byte) (int, error) {
	if p.closed.Load() {
		return 0, syscall.EPIPE
	}
	return len(text), nil
}

func TestBreaker(t *testing.T) { synctest.Test(t, testBreaker) }

func testBreaker(t *testing.T) {
	var out pipe
	var log strings.Builder
	o := openOutlet(t, map[string]destination.Spec{"there": {Kind: destination.Stdout, Breaker: destination.Breaker{Failures: 3, Rest: time.Minute}}},
		outlet.Options{Log: newLog(&log), Stdout: &out})
	breaker := func(want string, rest time.Duration) {
		t.Helper()
		if s := o.States()[0]; s.Breaker != want || s.Rest != rest {
			t.Fatalf("the breaker is %s for %v, want %s for %v", s.Breaker, s.Rest, want, rest)
		}
	}
	out.closed.Store(true)
	for range 3 {
		breaker("closed", 0)
		wantResult(t, deliver(t, o, newStep("{}")), outlet.Retry, outlet.ErrWrite)
	}
	breaker("open", time.Minute)
	time.Sleep(20 * time.Second)
	breaker("open", 40*time.Second)
	r := deliver(t, o, newStep("{}"))
	wantResult(t, r, outlet.Retry, outlet.ErrPaused)
	if r.Attempted || r.After != 40*time.Second || r.Elapsed != 0 {
		t.Errorf("while open: %+v", r)
	}
	time.Sleep(40*time.Second + 1)
	breaker("half-open", 0)
	wantResult(t, deliver(t, o, newStep("{}")), outlet.Retry, outlet.ErrWrite)
	breaker("open", time.Minute) // again, from now
	out.closed.Store(false)
	time.Sleep(time.Minute + 1)
	wantResult(t, deliver(t, o, newStep("{}")), outlet.Done, nil)
	breaker("closed", 0)
	wantResult(t, deliver(t, o, newStep("{}")), outlet.Done, nil)
	for _, line := range []string{"WARN msg=\"breaker changed\" destination=there from=closed to=open", "from=open to=half-open", "from=half-open to=open", "from=half-open to=closed"} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log lacks %q: %s", line, log.String())
		}
	}
}

// TestBreakerIgnores: some failures are not counted against the destination.
func TestBreakerIgnores(t *testing.T) {
	for _, status := range []int{302, 400, 401, 404, 429} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			url := startServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
			o := openOne(t, destination.Spec{Kind: destination.HTTP, URL: url, Breaker: destination.Breaker{Failures: 1}})
			for range 3 {
				if r := deliver(t, o, newStep("{}")); r.Status != status {
					t.Fatalf("got %+v", r)
				}
				unfit := newStep("{}")
				unfit.Key = ""
				wantResult(t, deliver(t, o, unfit), outlet.Never, outlet.ErrStep)
			}
		})
	}
}

// TestProbe: one attempt at a time probes a half-open breaker, and a probe without a result does
// not open it again.
func TestProbe(t *testing.T) {
	var mode atomic.Int64 // 0 down, 1 stalls
	release := make(chan struct{})
	url := startServer(t, func(w http.ResponseWriter, r *http.Request) {
		if mode.Load() == 1 {
			<-release
			return
		}
		w.WriteHeader(500)
	})
	o := openOne(t, destination.Spec{Kind: destination.HTTP, URL: url, Breaker: destination.Breaker{Failures: 1, Rest: 10 * time.Millisecond}})
	wantResult(t, deliver(t, o, newStep("{}")), outlet.Retry, outlet.ErrStatus)
	mode.Store(1)
	waitFor(t, "half-open", func() bool { return o.States()[0].Breaker == "half-open" })
	ctx, cancel := context.WithCancel(context.Background())
	probe := make(chan outlet.Result)
	go func() { probe <- o.Deliver(ctx, newStep("{}")) }()
	waitFor(t, "the probe", func() bool { return o.States()[0].InFlight == 1 })
	r := deliver(t, o, newStep("{}"))
	wantResult(t, r, outlet.Retry, outlet.ErrPaused)
	if r.Attempted || r.After <= 0 {
		t.Errorf("beside the probe: %+v", r)
	}
	cancel()
	wantResult(t, <-probe, outlet.Retry, outlet.ErrStopped)
	close(release)
	wantResult(t, deliver(t, o, newStep("{}")), outlet.Done, nil)
}

func TestBusy(t *testing.T) {
	release := make(chan struct{})
	url := startServer(t, func(http.ResponseWriter, *http.Request) { <-release })
	o := openOne(t, destination.Spec{Kind: destination.HTTP, URL: url, Concurrency: 2})
	results := make(chan outlet.Result, 2)
	for range 2 {
		go func() { results <- deliver(t, o, newStep("{}")) }()
	}
	waitFor(t, "two under way", func() bool { return o.States()[0].InFlight == 2 })
	r := deliver(t, o, newStep("{}"))
	wantResult(t, r, outlet.Retry, outlet.ErrBusy)
	if r.Attempted || r.After <= 0 {
		t.Errorf("got %+v", r)
	}
	close(release)
	for range 2 {
		wantResult(t, <-results, outlet.Done, nil)
	}
	if o.Concurrency("there") != 2 || o.Concurrency("nobody") != 0 {
		t.Error("the concurrency is not what was configured")
	}
}

// TestStalledDestination: while every slot of one destination is in use, another accepts its steps.
func TestStalledDestination(t *testing.T) {
	fine := startServer(t, func(http.ResponseWriter, *http.Request) {})
	r, w := io.Pipe() // a standard output that nobody reads
	defer r.Close()
	o := openOutlet(t, map[string]destination.Spec{
		"stalled": {Kind: destination.HTTP, URL: startRawServer(t, stall), AllowPrivate: loopback, Timeout: 30 * time.Second, Concurrency: 4},
		"full":    {Kind: destination.Stdout, Timeout: 30 * time.Second, Concurrency: 4},
		"there":   {Kind: destination.HTTP, URL: fine, AllowPrivate: loopback},
		"file":    {Kind: destination.File, File: t.TempDir() + "/x"},
	}, outlet.Options{Stdout: w})
	ctx, cancel := context.WithCancel(context.Background())
	var stuck, sent sync.WaitGroup
	for _, name := range []string{"stalled", "full"} {
		for range 4 {
			stuck.Go(func() {
				o.Deliver(ctx, outlet.Step{Destination: name, Key: "k", Attempt: 1, Body: []byte("{}")})
			})
		}
		waitFor(t, name, func() bool { return inFlight(o, name) == 4 })
	}
	for _, name := range []string{"there", "file"} {
		for range 4 {
			sent.Go(func() {
				for range 50 {
					s := newStep("{}")
					s.Destination = name
					wantResult(t, deliver(t, o, s), outlet.Done, nil)
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
	url := startServer(t, func(http.ResponseWriter, *http.Request) { <-release })
	o := openOne(t, destination.Spec{Kind: destination.HTTP, URL: url})
	result := make(chan outlet.Result, 1)
	go func() { result <- deliver(t, o, newStep("{}")) }()
	waitFor(t, "one under way", func() bool { return o.States()[0].InFlight == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := o.Close(ctx); err == nil {
		t.Fatal("it did not wait")
	}
	r := deliver(t, o, newStep("{}"))
	wantResult(t, r, outlet.Retry, outlet.ErrClosed)
	if r.Attempted {
		t.Error("it counts as attempted")
	}
	close(release)
	wantResult(t, <-result, outlet.Done, nil)
	wantResult(t, deliver(t, o, outlet.Step{Destination: "nobody", Key: "k"}), outlet.Never, outlet.ErrUnknown)
}

// TestCloseLeavesNothing: a closed Outlet leaves no goroutine behind.
func TestCloseLeavesNothing(t *testing.T) {
	fine := startServer(t, func(http.ResponseWriter, *http.Request) {})
	o := openOutlet(t, map[string]destination.Spec{
		"stalls": {Kind: destination.HTTP, URL: startRawServer(t, stall), AllowPrivate: loopback, Timeout: 20 * time.Millisecond},
		"there":  {Kind: destination.HTTP, URL: fine, AllowPrivate: loopback},
		"file":   {Kind: destination.File, File: t.TempDir() + "/x"},
		"out":    {Kind: destination.Stdout},
	}, outlet.Options{Stdout: io.Discard})
	for _, state := range o.States() {
		for range 3 {
			deliver(t, o, outlet.Step{Destination: state.Destination, Key: "k", Body: []byte("{}")})
		}
	}
	if err := o.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "no goroutine of it", func() bool {
		all := make([]byte, 1<<20)
		all = all[:runtime.Stack(all, true)]
		return !bytes.Contains(all, []byte("outlet.(*")) && !bytes.Contains(all, []byte("http.(*persistConn)"))
	})
}

// TestHammer delivers from many goroutines to destinations of every kind while states are read, and
// closes the Outlet meanwhile.
func TestHammer(t *testing.T) {
	var n atomic.Int64
	url := startRawServer(t, func(c net.Conn, _ *http.Request) {
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
	o := openOutlet(t, map[string]destination.Spec{
		"web":  {Kind: destination.HTTP, URL: url, AllowPrivate: loopback, Timeout: 20 * time.Millisecond, Breaker: destination.Breaker{Failures: 3, Rest: time.Millisecond}},
		"file": {Kind: destination.File, File: t.TempDir() + "/x", Rotate: destination.Rotate{Size: 2 << 10, Keep: 2}},
		"out":  {Kind: destination.Stdout},
	}, outlet.Options{Stdout: io.Discard})
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 60 {
				s := outlet.Step{Destination: []string{"web", "file", "out"}[j%3], Key: fmt.Sprintf("%d-%d", i, j), Attempt: 1, Body: []byte(`{"a":1}`)}
				r := deliver(t, o, s)
				if (r.Err == nil) != (r.Verdict == outlet.Done) {
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
