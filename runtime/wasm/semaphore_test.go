package wasm

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSemaphore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSemaphore(1)
		far := time.Now().Add(time.Hour)
		a, b, c := newWaiter(), newWaiter(), newWaiter()
		if !s.acquire(a, far) {
			t.Fatal("the free slot is not to be had")
		}
		if s.acquire(b, time.Now().Add(time.Second)) {
			t.Fatal("a slot that is taken is to be had")
		}
		var order []string
		var group sync.WaitGroup
		for name, tk := range map[string]*waiter{"b": b, "c": c} {
			group.Go(func() {
				if name == "c" {
					time.Sleep(time.Second)
				}
				if s.acquire(tk, far) {
					order = append(order, name)
					s.release()
				}
			})
		}
		time.Sleep(2 * time.Second)
		if !s.yield(a, far) {
			t.Fatal("the slot does not come back")
		}
		order = append(order, "a")
		s.release()
		group.Wait()
		if got := order; len(got) != 3 || got[0] != "b" || got[1] != "c" || got[2] != "a" {
			t.Errorf("served in the order %v", got)
		}
		if s.free != 1 || s.newRuns != (queue{}) || s.yielded != (queue{}) {
			t.Errorf("after all: %d free, waiting %+v %+v", s.free, s.newRuns, s.yielded)
		}
	})
}

// Neither queue starves the other.
func TestSemaphoreNewRunsFirst(t *testing.T) {
	s := newSemaphore(0)
	names := make(map[*waiter]string)
	for range 5 {
		fresh, spent := newWaiter(), newWaiter()
		names[fresh], names[spent] = "f", "s"
		s.newRuns.push(fresh)
		s.yielded.push(spent)
	}
	order := ""
	for next := s.popNext(); next != nil; next = s.popNext() {
		order += names[next]
	}
	if order != "fffsffssss" {
		t.Errorf("served in the order %s", order)
	}
}

// Background runs get unused slots, and one turn in sixteen otherwise.
func TestSemaphoreBackground(t *testing.T) {
	s := newSemaphore(0)
	names := make(map[*waiter]string)
	for i := range 40 {
		fresh, behind := newWaiter(), newWaiter()
		names[fresh], names[behind] = "f", "b"
		s.queueFor(fresh, &s.newRuns).push(fresh)
		if behind.background = true; i < 5 {
			s.queueFor(behind, &s.yielded).push(behind)
		}
	}
	order := ""
	for next := s.popNext(); next != nil; next = s.popNext() {
		order += names[next]
	}
	if fs := strings.Repeat("f", 15); order != fs+"b"+fs+"b"+strings.Repeat("f", 10)+"bbb" {
		t.Errorf("served in the order %s", order)
	}
}

// The number of holders stays within the limit and no slot is lost, whatever deadlines end.
func TestSemaphoreHammer(t *testing.T) {
	s := newSemaphore(3)
	var held, most atomic.Int32
	var group sync.WaitGroup
	for worker := range 16 {
		group.Go(func() {
			tk := newWaiter()
			for i := range 2000 {
				if !s.acquire(tk, time.Now().Add(time.Duration(worker*i%50)*time.Microsecond)) {
					continue
				}
				n := held.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				held.Add(-1)
				if s.yield(tk, time.Now().Add(time.Duration(i%20)*time.Microsecond)) {
					s.release()
				}
			}
		})
	}
	group.Wait()
	if most.Load() > 3 || s.free != 3 || s.newRuns != (queue{}) || s.yielded != (queue{}) {
		t.Errorf("%d held a slot, %d are free, waiting %+v %+v", most.Load(), s.free, s.newRuns, s.yielded)
	}
}
