package wasm

import (
	goruntime "runtime"
	"sync"
	"time"
)

// semaphore limits the guests that run at the same time. Native code cannot be preempted, so with
// at most as many guests as processors, other goroutines run at each yield.
//
// New runs and runs that have yielded wait in a FIFO queue each. New runs go first, except every
// fourth turn: a short run waits for one slice of another guest, and long runs still make progress.
// Background runs go last, except every sixteenth turn.
//
// It is not the server's generic fair limiter, which shares by key (an address, a hook). Guests
// have no key but a phase of their run, the holder gives up its slot in the middle of a call, and
// slices of some 50 µs change hands here without an allocation. That limiter also belongs to
// engine, which this package cannot import.
type semaphore struct {
	mu              sync.Mutex // guards the fields below and the links of the waiters
	free            int
	newRuns         queue
	yielded         queue // runs that have yielded
	newTurns        int   // consecutive turns of newRuns
	background      queue
	foregroundTurns int // consecutive turns of other runs while background runs waited

	size int // all slots
}

const (
	maxNewTurns        = 3
	maxForegroundTurns = 15
)

func newSemaphore(n int) *semaphore { return &semaphore{free: n, size: n} }

// waiter is a guest's place in a queue. It is reused for every wait of an instance.
type waiter struct {
	granted    chan struct{} // has capacity one
	timer      *time.Timer
	background bool
	next       *waiter
	in         *queue
}

func newWaiter() *waiter {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &waiter{granted: make(chan struct{}, 1), timer: t}
}

// acquire waits for a slot. It returns false at the deadline.
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

// yield hands the slot to the next waiter and waits for another. It returns false at the deadline,
// without a slot. If there is no waiter, other goroutines run.
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

// release returns the slot.
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
	if !left { // granted in the meantime
		<-t.granted
	}
	return !left
}

// queueFor returns the background queue for a background run, else q.
func (s *semaphore) queueFor(t *waiter, q *queue) *queue {
	if t.background {
		return &s.background
	}
	return q
}

// popNext removes the next waiter from the queues, nil if there is none.
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

// popForeground is popNext without the background runs.
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

// queue is a linked list of waiters.
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

// remove removes t from q. It returns false if q is nil: t was removed before.
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
