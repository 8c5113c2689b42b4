package wasm

import (
	goruntime "runtime"
	"sync"
	"time"
)

// semaphore are the places at which guests run: a few, handed on whenever a guest yields. Native code cannot be preempted, so with
// no more guests than processors everything else has its turn at every yield.
//
// Who comes for the first time and who has yielded wait in a queue each, first come first served, and the first have the
// right of way but for every fourth turn: a short run waits for one slice of somebody else's, however many long ones there
// are, and however many short ones there are the long ones go on. Runs that nobody waits for go behind all of these, but for
// every sixteenth turn.
type semaphore struct {
	mu              sync.Mutex // guards what follows and the links of the tickets
	free            int
	newRuns         queue
	yielded         queue // of those who have yielded
	newTurns        int   // turns in a row that the first queue had
	background      queue // of runs that nobody waits for
	foregroundTurns int   // turns in a row that were not theirs while they waited

	size int // of all
}

const (
	maxNewTurns        = 3
	maxForegroundTurns = 15
)

func newSemaphore(n int) *semaphore { return &semaphore{free: n, size: n} }

// waiter is a guest's place in a queue. It is made once and used again.
type waiter struct {
	granted    chan struct{} // holds one: the slot is handed over
	timer      *time.Timer
	background bool // of a run that nobody waits for
	next       *waiter
	in         *queue
}

func newWaiter() *waiter {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &waiter{granted: make(chan struct{}, 1), timer: t}
}

// acquire waits for a slot, and is false when the deadline comes first.
func (s *semaphore) acquire(t *waiter, deadline time.Time) bool {
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return true
	}
	s.queueFor(t, &s.newRuns).push(t)
	s.mu.Unlock()
	return s.wait(t, deadline)
}

// yield hands the slot on to whose turn it is and waits for another; it is false when the deadline comes first, and the
// slot is gone then. When nobody waits, other goroutines have a turn.
func (s *semaphore) yield(t *waiter, deadline time.Time) bool {
	s.mu.Lock()
	next := s.popNext()
	if next == nil {
		s.mu.Unlock()
		goruntime.Gosched()
		return true
	}
	s.queueFor(t, &s.yielded).push(t)
	s.mu.Unlock()
	next.granted <- struct{}{}
	return s.wait(t, deadline)
}

// release gives the slot back.
func (s *semaphore) release() {
	s.mu.Lock()
	next := s.popNext()
	if next == nil {
		s.free++
	}
	s.mu.Unlock()
	if next != nil {
		next.granted <- struct{}{}
	}
}

func (s *semaphore) wait(t *waiter, deadline time.Time) bool {
	t.timer.Reset(time.Until(deadline))
	defer t.timer.Stop()
	select {
	case <-t.granted:
		return true
	case <-t.timer.C:
	}
	s.mu.Lock()
	left := t.in.remove(t)
	s.mu.Unlock()
	if !left { // it was handed over meanwhile
		<-t.granted
	}
	return !left
}

// queueFor is the queue that t waits in, where others wait in q.
func (s *semaphore) queueFor(t *waiter, q *queue) *queue {
	if t.background {
		return &s.background
	}
	return q
}

// popNext takes whose turn it is out of the queues; nil when nobody waits.
func (s *semaphore) popNext() *waiter {
	if s.background.first == nil {
		return s.popForeground()
	}
	if s.foregroundTurns < maxForegroundTurns {
		if t := s.popForeground(); t != nil {
			s.foregroundTurns++
			return t
		}
	}
	s.foregroundTurns = 0
	return s.background.pop()
}

// popForeground is pop of those that somebody waits for.
func (s *semaphore) popForeground() *waiter {
	if s.newTurns < maxNewTurns || s.yielded.first == nil {
		if t := s.newRuns.pop(); t != nil {
			s.newTurns++
			return t
		}
	}
	s.newTurns = 0
	return s.yielded.pop()
}

// queue is a list of tickets.
type queue struct {
	first, last *waiter
	size        int
}

func (q *queue) push(t *waiter) {
	t.next, t.in = nil, q
	if q.last == nil {
		q.first = t
	} else {
		q.last.next = t
	}
	q.last = t
	q.size++
}

func (q *queue) pop() *waiter {
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

// remove takes t out of the queue it is in, which is q, and is false when that is none.
func (q *queue) remove(t *waiter) bool {
	if q == nil {
		return false
	}
	var before *waiter
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
