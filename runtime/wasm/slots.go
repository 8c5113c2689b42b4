package wasm

import (
	goruntime "runtime"
	"sync"
	"time"
)

// slots are the places at which guests run: a few, handed on whenever a guest yields. Native code cannot be preempted, so with
// no more guests than processors everything else has its turn at every yield.
//
// Who comes for the first time and who has yielded wait in a queue each, first come first served, and the first have the
// right of way but for every fourth turn: a short run waits for one slice of somebody else's, however many long ones there
// are, and however many short ones there are the long ones go on. Runs that nobody waits for go behind all of these, but for
// every sixteenth turn.
type slots struct {
	mu     sync.Mutex // guards what follows and the links of the tickets
	free   int
	fresh  queue
	spent  queue // of those who have yielded
	streak int   // turns in a row that the first queue had
	behind queue // of runs that nobody waits for
	passed int   // turns in a row that were not theirs while they waited

	size int // of all
}

const (
	rightOfWay = 3
	before     = 15
)

func newSlots(n int) *slots { return &slots{free: n, size: n} }

// ticket is a guest's place in a queue. It is made once and used again.
type ticket struct {
	turn   chan struct{} // holds one: the slot is handed over
	timer  *time.Timer
	behind bool // of a run that nobody waits for
	next   *ticket
	in     *queue
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
	s.line(t, &s.fresh).push(t)
	s.mu.Unlock()
	return s.wait(t, deadline)
}

// pass hands the slot on to whose turn it is and waits for another; it is false when the deadline comes first, and the
// slot is gone then. When nobody waits, other goroutines have a turn.
func (s *slots) pass(t *ticket, deadline time.Time) bool {
	s.mu.Lock()
	next := s.pop()
	if next == nil {
		s.mu.Unlock()
		goruntime.Gosched()
		return true
	}
	s.line(t, &s.spent).push(t)
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
	left := t.in.drop(t)
	s.mu.Unlock()
	if !left { // it was handed over meanwhile
		<-t.turn
	}
	return !left
}

// line is the queue that t waits in, where others wait in q.
func (s *slots) line(t *ticket, q *queue) *queue {
	if t.behind {
		return &s.behind
	}
	return q
}

// pop takes whose turn it is out of the queues; nil when nobody waits.
func (s *slots) pop() *ticket {
	if s.behind.first == nil {
		return s.first()
	}
	if s.passed < before {
		if t := s.first(); t != nil {
			s.passed++
			return t
		}
	}
	s.passed = 0
	return s.behind.pop()
}

// first is pop of those that somebody waits for.
func (s *slots) first() *ticket {
	if s.streak < rightOfWay || s.spent.first == nil {
		if t := s.fresh.pop(); t != nil {
			s.streak++
			return t
		}
	}
	s.streak = 0
	return s.spent.pop()
}

// queue is a list of tickets.
type queue struct {
	first, last *ticket
	size        int
}

func (q *queue) push(t *ticket) {
	t.next, t.in = nil, q
	if q.last == nil {
		q.first = t
	} else {
		q.last.next = t
	}
	q.last = t
	q.size++
}

func (q *queue) pop() *ticket {
	t := q.first
	if t == nil {
		return nil
	}
	if q.first = t.next; q.first == nil {
		q.last = nil
	}
	t.next, t.in = nil, nil
	q.size--
	return t
}

// drop takes t out of the queue it is in, which is q, and is false when that is none.
func (q *queue) drop(t *ticket) bool {
	if q == nil {
		return false
	}
	var before *ticket
	for at := q.first; at != t; at = at.next {
		before = at
	}
	if before == nil {
		q.first = t.next
	} else {
		before.next = t.next
	}
	if q.last == t {
		q.last = before
	}
	t.next, t.in = nil, nil
	q.size--
	return true
}
