package wasm

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1)
		far := time.Now().Add(time.Hour)
		a, b, c := newTicket(), newTicket(), newTicket()
		if !s.take(a, far) {
			t.Fatal("the free slot is not to be had")
		}
		if s.take(b, time.Now().Add(time.Second)) {
			t.Fatal("a slot that is taken is to be had")
		}
		var order []string
		var group sync.WaitGroup
		for name, tk := range map[string]*ticket{"b": b, "c": c} {
			group.Go(func() {
				if name == "c" {
					time.Sleep(time.Second)
				}
				if s.take(tk, far) {
					order = append(order, name)
					s.give()
				}
			})
		}
		time.Sleep(2 * time.Second)
		if !s.pass(a, far) {
			t.Fatal("the slot does not come back")
		}
		order = append(order, "a")
		s.give()
		group.Wait()
		if got := order; len(got) != 3 || got[0] != "b" || got[1] != "c" || got[2] != "a" {
			t.Errorf("served in the order %v", got)
		}
		if s.free != 1 || s.fresh != (queue{}) || s.spent != (queue{}) {
			t.Errorf("after all: %d free, waiting %+v %+v", s.free, s.fresh, s.spent)
		}
	})
}

// Neither queue keeps the other waiting for ever.
func TestRightOfWay(t *testing.T) {
	s := newSlots(0)
	names := make(map[*ticket]string)
	for range 5 {
		fresh, spent := newTicket(), newTicket()
		names[fresh], names[spent] = "f", "s"
		s.fresh.push(fresh)
		s.spent.push(spent)
	}
	order := ""
	for next := s.pop(); next != nil; next = s.pop() {
		order += names[next]
	}
	if order != "fffsffssss" {
		t.Errorf("served in the order %s", order)
	}
}

// Runs that nobody waits for have the slots that nobody else wants, and one turn in sixteen of the others.
func TestBehind(t *testing.T) {
	s := newSlots(0)
	names := make(map[*ticket]string)
	for i := range 40 {
		fresh, behind := newTicket(), newTicket()
		names[fresh], names[behind] = "f", "b"
		s.line(fresh, &s.fresh).push(fresh)
		if behind.behind = true; i < 5 {
			s.line(behind, &s.spent).push(behind)
		}
	}
	order := ""
	for next := s.pop(); next != nil; next = s.pop() {
		order += names[next]
	}
	if fs := strings.Repeat("f", 15); order != fs+"b"+fs+"b"+strings.Repeat("f", 10)+"bbb" {
		t.Errorf("served in the order %s", order)
	}
}

// No more hold a slot than there are, and none is lost, whatever deadlines end.
func TestSlotsHammer(t *testing.T) {
	s := newSlots(3)
	var held, most atomic.Int32
	var group sync.WaitGroup
	for hand := range 16 {
		group.Go(func() {
			tk := newTicket()
			for i := range 2000 {
				if !s.take(tk, time.Now().Add(time.Duration(hand*i%50)*time.Microsecond)) {
					continue
				}
				n := held.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				held.Add(-1)
				if s.pass(tk, time.Now().Add(time.Duration(i%20)*time.Microsecond)) {
					s.give()
				}
			}
		})
	}
	group.Wait()
	if most.Load() > 3 || s.free != 3 || s.fresh != (queue{}) || s.spent != (queue{}) {
		t.Errorf("%d held a slot, %d are free, waiting %+v %+v", most.Load(), s.free, s.fresh, s.spent)
	}
}
