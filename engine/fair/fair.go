// Package fair is for sharing a bounded number of slots between callers that compete for them.
package fair

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Limiter is a semaphore that is fair between keys. A slot that is released goes to the keys in
// round robin, and within one key to the waiter that came first. So a key with thousands of waiters
// delays another key's next waiter by one slot. It is safe for concurrent use.
type Limiter[K comparable] struct {
	mu     sync.Mutex // guards the fields below
	free   int        // 0 while anybody waits
	queues map[K][]chan struct{}
	order  []K // the keys of queues, next in line first
}

// New makes a Limiter with a number of slots, all of them free.
func New[K comparable](slots int) *Limiter[K] {
	return &Limiter[K]{free: slots, queues: make(map[K][]chan struct{})}
}

// Acquire waits for a slot until the context ends, and returns the context's error if it ended
// first. A free slot is acquired even if the context has ended already.
func (l *Limiter[K]) Acquire(ctx context.Context, key K) error {
	granted := l.enqueue(key)
	if granted == nil {
		return nil
	}
	select {
	case <-granted:
		return nil
	case <-ctx.Done():
		if l.cancel(key, granted) {
			return nil
		}
		return ctx.Err()
	}
}

// AcquireBefore waits for a slot until a deadline, and reports whether it acquired one.
func (l *Limiter[K]) AcquireBefore(deadline time.Time, key K) bool {
	granted := l.enqueue(key)
	if granted == nil {
		return true
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-granted:
		return true
	case <-timer.C:
		return l.cancel(key, granted)
	}
}

// AcquireUpTo waits for one slot as Acquire does, then acquires those that are free at that moment,
// up to most in all. It returns their number, which is 0 if the context ended first.
func (l *Limiter[K]) AcquireUpTo(ctx context.Context, key K, most int) (n int) {
	if most < 1 || l.Acquire(ctx, key) != nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	more := min(most-1, l.free)
	l.free -= more
	return 1 + more
}

// Release gives back n slots, acquired in any number of calls.
func (l *Limiter[K]) Release(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ; n > 0 && len(l.order) > 0; n-- {
		l.grant()
	}
	l.free += n
}

// enqueue acquires a free slot and returns nil, or returns a channel that is closed when the slot
// is granted.
func (l *Limiter[K]) enqueue(key K) (granted chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free > 0 {
		l.free--
		return nil
	}
	granted = make(chan struct{})
	if len(l.queues[key]) == 0 {
		l.order = append(l.order, key)
	}
	l.queues[key] = append(l.queues[key], granted)
	return granted
}

// grant hands a slot to the first waiter of the next key, and puts that key last.
func (l *Limiter[K]) grant() {
	key := l.order[0]
	l.order = l.order[1:]
	queue := l.queues[key]
	close(queue[0])
	if len(queue) == 1 {
		delete(l.queues, key)
		return
	}
	l.queues[key] = queue[1:]
	l.order = append(l.order, key)
}

// cancel removes a waiter. It reports true if the slot was granted just before, and is the
// caller's.
func (l *Limiter[K]) cancel(key K, granted chan struct{}) (acquired bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.queues[key]
	i := slices.Index(queue, granted)
	if i < 0 {
		return true
	}
	if len(queue) == 1 {
		at := slices.Index(l.order, key)
		l.order = slices.Delete(l.order, at, at+1)
		delete(l.queues, key)
		return false
	}
	l.queues[key] = slices.Delete(queue, i, i+1)
	return false
}
