package fair_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenterhook/tenterhook/engine/fair"
)

// TestOrder: keys are served in round robin, and the waiters of one key in their order of arrival.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := fair.New[string](1)
		mustAcquire(t, l, "holder")
		var served []string
		var all sync.WaitGroup
		for _, waiter := range []string{"a1", "a2", "a3", "b1", "c1", "b2"} {
			all.Go(func() {
				l.Acquire(t.Context(), waiter[:1])
				served = append(served, waiter)
				l.Release(1)
			})
			synctest.Wait()
		}
		l.Release(1)
		all.Wait()
		if want := []string{"a1", "b1", "c1", "a2", "b2", "a3"}; !slices.Equal(served, want) {
			t.Errorf("served %v, want %v", served, want)
		}
		wantFree(t, l, 1)
	})
}

// TestAcquire: waiting ends with the slot, the context or the deadline.
func TestAcquire(t *testing.T) {
	t.Run("Free", func(t *testing.T) {
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		l := fair.New[int](2)
		if err := l.Acquire(ended, 0); err != nil || !l.AcquireBefore(time.Time{}, 0) {
			t.Errorf("a free slot is not acquired: %v", err)
		}
	})
	t.Run("ContextEnds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := fair.New[int](0)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := l.Acquire(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			if n := l.AcquireUpTo(ctx, 0, 3); n != 0 {
				t.Errorf("acquired %d of no slots", n)
			}
			l.Release(1)
			wantFree(t, l, 1)
		})
	})
	t.Run("DeadlinePasses", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l, begun := fair.New[int](0), time.Now()
			if l.AcquireBefore(begun.Add(time.Second), 0) || time.Since(begun) != time.Second {
				t.Errorf("acquired, or waited %v", time.Since(begun))
			}
			l.Release(1)
			wantFree(t, l, 1)
		})
	})
	t.Run("OneOfManyGivesUp", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := fair.New[int](0)
			var acquired atomic.Int32
			for i := range 3 {
				go func() {
					if l.AcquireBefore(time.Now().Add(time.Duration(3-i)*time.Second), 7) {
						acquired.Add(1)
					}
				}()
			}
			time.Sleep(1500 * time.Millisecond)
			l.Release(2)
			synctest.Wait()
			if acquired.Load() != 2 {
				t.Errorf("%d of the remaining 2 waiters have a slot", acquired.Load())
			}
		})
	})
}

// TestAcquireUpTo: several free slots are acquired at once, but none that another waiter needs.
func TestAcquireUpTo(t *testing.T) {
	l := fair.New[string](5)
	for _, want := range []int{3, 2} {
		if n := l.AcquireUpTo(t.Context(), "a", 3); n != want {
			t.Errorf("acquired %d, want %d", n, want)
		}
	}
	if n := l.AcquireUpTo(t.Context(), "a", 0); n != 0 {
		t.Errorf("acquired %d, want none", n)
	}
	l.Release(5)
	wantFree(t, l, 5)
}

// TestHammer: slots are neither lost nor made, and never more in use than there are, while many
// waiters give up.
func TestHammer(t *testing.T) {
	const slots = 2
	l := fair.New[int](slots)
	var all sync.WaitGroup
	var inUse, most atomic.Int32
	for g := range 20 {
		all.Go(func() {
			for i := range 200 {
				wait := time.Duration(rand.IntN(200)) * time.Microsecond
				n := 0
				if i%2 == 0 {
					ctx, cancel := context.WithTimeout(t.Context(), wait)
					n = l.AcquireUpTo(ctx, g%5, 1+i%3)
					cancel()
				} else if l.AcquireBefore(time.Now().Add(wait), g%5) {
					n = 1
				}
				now := inUse.Add(int32(n))
				for was := most.Load(); now > was && !most.CompareAndSwap(was, now); was = most.Load() {
				}
				inUse.Add(int32(-n))
				l.Release(n)
			}
		})
	}
	all.Wait()
	if most.Load() > slots {
		t.Errorf("%d slots were in use at one time", most.Load())
	}
	wantFree(t, l, slots)
}

func mustAcquire(t *testing.T, l *fair.Limiter[string], key string) {
	t.Helper()
	if err := l.Acquire(t.Context(), key); err != nil {
		t.Fatal(err)
	}
}

// wantFree checks the number of free slots, and leaves none.
func wantFree[K comparable](t *testing.T, l *fair.Limiter[K], want int) {
	t.Helper()
	var key K
	if n := l.AcquireUpTo(t.Context(), key, 1000); n != want {
		t.Errorf("%d slots are free, want %d", n, want)
	}
}
