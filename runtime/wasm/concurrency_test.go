package wasm_test

import (
	"context"
	"errors"
	"os"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Programs are closed and opened during runs: each run is answered by the Program it began with, or
// gets ErrClosed.
func TestReload(t *testing.T) {
	reloads := 80
	if testing.Short() {
		reloads = 20
	}
	r := newRuntime(t, wasm.Options{})
	variant := func(i int) []byte {
		b := newBuilder(1).addABIExports()
		b.addData(0, strconv.Itoa(i%10))
		b.addFunction("decide", "", "I", 0, draft(i32(0), i32(1)))
		return b.build()
	}
	type live struct {
		*wasm.Program
		answer string
	}
	load := func(i int) *live {
		p, err := openProgram(t, r, variant(i), wasm.ProgramOptions{})
		if err != nil {
			t.Error(err)
		}
		return &live{p, strconv.Itoa(i % 10)}
	}
	var now atomic.Pointer[live]
	now.Store(load(0))
	stop := make(chan struct{})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			e := newEvent(t, body)
			for {
				select {
				case <-stop:
					return
				default:
				}
				p := now.Load()
				got, _, err := e.run(p.Program, runtime.Budget{})
				if err != nil && !errors.Is(err, wasm.ErrClosed) || err == nil && got != p.answer {
					t.Errorf("got %q, %v; want %q", got, err, p.answer)
					return
				}
			}
		})
	}
	for i := range reloads {
		if err := now.Swap(load(i + 1)).Close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	group.Wait()
	now.Load().Close()
	if s := r.Stats(); s != (wasm.Stats{}) {
		t.Errorf("after all: %+v", s)
	}
}

// Loading and closing leaks neither memory nor goroutines.
func TestNoLeak(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 50
	}
	r := newRuntime(t, wasm.Options{})
	cycle := func() {
		p, err := openProgram(t, r, counterModule(), wasm.ProgramOptions{Sample: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := newEvent(t, body).run(p, runtime.Budget{}); err != nil {
			t.Fatal(err)
		}
		p.Close()
	}
	held := func() uint64 {
		goruntime.GC()
		goruntime.GC() // for finalizers
		var m goruntime.MemStats
		goruntime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for range 20 {
		cycle()
	}
	before, pages, routines := held(), countMappedPages(t), goruntime.NumGoroutine()
	for range rounds {
		cycle()
	}
	if after := countMappedPages(t); after > pages+512<<20>>12 {
		t.Errorf("after %d rounds %d pages are mapped, before %d", rounds, after, pages)
	}
	if after := held(); after > before+1<<20 {
		t.Errorf("after %d rounds %d bytes are held, before %d", rounds, after, before)
	}
	after := goruntime.NumGoroutine()
	for end := time.Now().Add(time.Minute); after > routines && time.Now().Before(end); after = goruntime.NumGoroutine() {
		time.Sleep(time.Millisecond) // a goroutine may still exist shortly after it called Done
	}
	if after > routines {
		t.Errorf("%d goroutines, before %d", after, routines)
	}
}

// countMappedPages returns the pages of the process on Linux: linear memory is not on Go's heap.
func countMappedPages(t *testing.T) int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil || goruntime.GOOS != "linux" {
		return 0
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[0])
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// Concurrent loads of one module validate it once, and a canceled load does not affect the others.
func TestLoadTogether(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	var group sync.WaitGroup
	for i := range 32 {
		group.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if i%4 == 0 {
				cancel()
			}
			m, err := r.Load(ctx, echoModule())
			if err != nil {
				if i%4 != 0 {
					t.Error(err)
				}
				return
			}
			defer m.Close()
			p, err := m.Program(ctx, wasm.ProgramOptions{Type: hook.Registration})
			if err != nil {
				t.Error(err)
				return
			}
			if got, _, err := newEvent(t, body).run(p, runtime.Budget{}); got != body || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			p.Close()
		})
	}
	group.Wait()
}

// When all instances are in use, runs wait until their deadline.
func TestWaiting(t *testing.T) {
	r := newRuntime(t, wasm.Options{Slots: 1})
	p := newProgramIn(t, r, counterModule(), wasm.ProgramOptions{})
	for p.Stats().Waited == 0 && !t.Failed() { // on a busy machine runs may not overlap
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				_, _, err := newEvent(t, `{"data":{"do":"l"}}`).run(p, runtime.Budget{Time: 100 * time.Millisecond, Fuel: runtime.Max.Fuel})
				if !errors.Is(err, runtime.ErrTime) {
					t.Errorf("got %v", err)
				}
			})
		}
		group.Wait()
	}
	if s := p.Stats(); s.Instances > 2 {
		t.Errorf("%+v", s)
	}
	if got, _, err := newEvent(t, `{"data":{}}`).run(p, runtime.Budget{}); got != "1110" || err != nil {
		t.Errorf("afterwards: %q, %v", got, err)
	}
}
