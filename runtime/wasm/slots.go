package wasm

import (
	goruntime "runtime"
	"sync"
	"time"
)

// slots are the places at which guests run: a few, first come first served, handed on whenever a guest yields. Native code
// cannot be preempted, so with no more guests than processors everything else has its turn at every yield.
type slots struct {
	mu          sync.Mutex // guards what follows and the links of the tickets
	free        int
	first, last *ticket
	waiting     int

	size int // of all
}

func newSlots(n int) *slots { return &slots{free: n, size: n} }

// ticket is a guest's place in the queue. It is made once and used again.
type ticket struct {
	turn   chan struct{} // holds one: the slot is handed over
	timer  *time.Timer
	next   *ticket
	queued bool
}

func newTicket() *ticket {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &ticket{turn: make(chan struct{}, 1), timer: t}
}

// take waits for a slot, and is false when the deadline comes first.
func (s *slots) take(t *ticket, deadline time.Time) bool {
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return true
	}
	s.push(t)
	s.mu.Unlock()
	return s.wait(t, deadline)
}

// pass hands the slot on to who waits longest and waits for another; it is false when the deadline comes first, and the
// slot is gone then. When nobody waits, other goroutines have a turn.
func (s *slots) pass(t *ticket, deadline time.Time) bool {
	s.mu.Lock()
	next := s.pop()
	if next == nil {
		s.mu.Unlock()
		goruntime.Gosched()
		return true
	}
	s.push(t)
	s.mu.Unlock()
	next.turn <- struct{}{}
	return s.wait(t, deadline)
}

// give gives the slot back.
func (s *slots) give() {
	s.mu.Lock()
	next := s.pop()
	if next == nil {
		s.free++
	}
	s.mu.Unlock()
	if next != nil {
		next.turn <- struct{}{}
	}
}

func (s *slots) wait(t *ticket, deadline time.Time) bool {
	t.timer.Reset(time.Until(deadline))
	defer t.timer.Stop()
	select {
	case <-t.turn:
		return true
	case <-t.timer.C:
	}
	s.mu.Lock()
	left := s.drop(t)
	s.mu.Unlock()
	if !left { // it was handed over meanwhile
		<-t.turn
	}
	return !left
}

func (s *slots) push(t *ticket) {
	t.next, t.queued = nil, true
	if s.last == nil {
		s.first = t
	} else {
		s.last.next = t
	}
	s.last = t
	s.waiting++
}

func (s *slots) pop() *ticket {
	t := s.first
	if t == nil {
		return nil
	}
	if s.first = t.next; s.first == nil {
		s.last = nil
	}
	t.next, t.queued = nil, false
	s.waiting--
	return t
}

// drop takes t out of the queue, and is false when it is not in it.
func (s *slots) drop(t *ticket) bool {
	if !t.queued {
		return false
	}
	var before *ticket
	for at := s.first; at != t; at = at.next {
		before = at
	}
	if before == nil {
		s.first = t.next
	} else {
		before.next = t.next
	}
	if s.last == t {
		s.last = before
	}
	t.next, t.queued = nil, false
	s.waiting--
	return true
}
