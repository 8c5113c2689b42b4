package wasm_test

import (
	"errors"
	goruntime "runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

// BenchmarkOvershoot measures how far endless runs exceed a deadline of 5 ms, with twice as many
// runs as processors and permanent garbage collection. Control is the same in Go alone: goroutines
// that check the clock about every 50 µs. The results are in microseconds.
func BenchmarkOvershoot(b *testing.B) {
	b.Run("Control", func(b *testing.B) {
		measureOvershoot(b, func(int) func() { return spinInGo })
	})
	for _, h := range hostileModules() {
		b.Run(h.name, func(b *testing.B) {
			r := newRuntime(b, wasm.Options{})
			measureOvershoot(b, func(int) func() { return runUntilDeadline(b, r, h.src) })
		})
	}
}

// BenchmarkInnocent measures a call of a tiny module beside them.
func BenchmarkInnocent(b *testing.B) {
	b.Run("Alone", func(b *testing.B) { measureInnocent(b, nil) })
	b.Run("Control", func(b *testing.B) { measureInnocent(b, func(*wasm.Runtime) func() { return spinInGo }) })
	for _, h := range hostileModules() {
		b.Run(h.name, func(b *testing.B) {
			measureInnocent(b, func(r *wasm.Runtime) func() { return runUntilDeadline(b, r, h.src) })
		})
	}
}

type hostileModule struct {
	name string
	src  []byte
}

func hostileModules() []hostileModule {
	calls := newBuilder(1).addABIExports() // calls itself twice, thirty deep: endless without a loop
	at := calls.nImports + calls.nFunctions
	calls.addFunction("", "i", "", 0, get(0), op(0x45), op(0x04, 0x40), op(0x0f), end, get(0), i32(1), op(0x6b), call(at), get(0), i32(1), op(0x6b), call(at))
	calls.addFunction("decide", "", "I", 0, i32(60), call(at), i64(0))
	return []hostileModule{
		{"Loop", decideModule(0, endlessLoop)},
		{"Calls", calls.build()},
		{"Fill", decideModule(0, i32(200), grow, drop, loop, i32(0), i32(1), i32(12<<20), fill, br(0), end, i64(0))},
	}
}

const deadline = 5 * time.Millisecond

// spinInGo runs for the deadline in Go.
func spinInGo() {
	for start := time.Now(); time.Since(start) < deadline; goruntime.Gosched() {
		for look := time.Now(); time.Since(look) < 50*time.Microsecond; {
		}
	}
}

// runUntilDeadline returns a function that runs a module into the deadline.
func runUntilDeadline(b *testing.B, r *wasm.Runtime, src []byte) func() {
	p := newProgramIn(b, r, src, wasm.ProgramOptions{})
	e := newEvent(b, body)
	return func() {
		if _, _, err := e.run(p, runtime.Budget{Time: deadline, Fuel: runtime.Max.Fuel}); !errors.Is(err, runtime.ErrTime) {
			b.Error(err)
		}
	}
}

// measureOvershoot runs each function b.N times concurrently and reports the delays.
func measureOvershoot(b *testing.B, newRun func(int) func()) {
	late := make([][]time.Duration, 2*goruntime.GOMAXPROCS(0))
	runs := make([]func(), len(late))
	for i := range runs {
		runs[i] = newRun(i)
	}
	stop := startCollecting()
	var group sync.WaitGroup
	for i := range runs {
		group.Go(func() {
			for range b.N {
				start := time.Now()
				runs[i]()
				late[i] = append(late[i], time.Since(start)-deadline)
			}
		})
	}
	group.Wait()
	stop()
	reportPercentiles(b, slices.Concat(late...))
}

// measureInnocent reports the time of calls of a tiny module while others run.
func measureInnocent(b *testing.B, other func(*wasm.Runtime) func()) {
	r := newRuntime(b, wasm.Options{})
	p := newProgramIn(b, r, echoModule(), wasm.ProgramOptions{Sample: []byte(body)})
	stop := make(chan struct{})
	var group sync.WaitGroup
	if other != nil {
		for range 2 * goruntime.GOMAXPROCS(0) {
			run := other(r)
			group.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						run()
					}
				}
			})
		}
	}
	e := newEvent(b, body)
	var took []time.Duration
	for b.Loop() {
		time.Sleep(100 * time.Microsecond)
		start := time.Now()
		if _, _, err := e.run(p, runtime.Budget{}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	close(stop)
	group.Wait()
	reportPercentiles(b, took)
}

// startCollecting collects garbage until stop is called.
func startCollecting() (stop func()) {
	end := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
				goruntime.GC()
			}
		}
	})
	return func() { close(end); group.Wait() }
}

func reportPercentiles(b *testing.B, of []time.Duration) {
	slices.Sort(of)
	for name, d := range map[string]time.Duration{"p50-µs": of[len(of)/2], "p99-µs": of[len(of)*99/100], "max-µs": of[len(of)-1]} {
		b.ReportMetric(float64(d.Nanoseconds())/1000, name)
	}
	b.ReportMetric(0, "ns/op")
}
