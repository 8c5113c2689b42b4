package password

import (
	"sync"
	"time"
)

// Workers limits how many hashes are computed at once, by cores and by memory. A hash cannot be
// interrupted and keeps its cores busy as long as its parameters say: it runs on a goroutine of its
// own, so that the rest of the program keeps a core and a caller waits no longer than its call has
// time.
//
// A hash whose caller has left is still finished; Close waits for it. Make Workers with NewWorkers.
type Workers struct {
	// held by the caller that is acquiring, so that two never wait for each other
	turn    chan struct{}
	cores   chan struct{} // semaphore
	blocks  chan struct{} // semaphore of memory
	running sync.WaitGroup
}

// Limits of memory.
const (
	MaxMemory = 256 << 20 // bytes of one hash

	blockSize = 16 << 20
	maxBlocks = 32 // of all hashes that run at once
)

// NewWorkers makes Workers for so many cores, one at least. Its caller closes them.
func NewWorkers(cores int) *Workers {
	return &Workers{
		turn:   make(chan struct{}, 1),
		cores:  make(chan struct{}, max(1, cores)),
		blocks: make(chan struct{}, maxBlocks),
	}
}

// Close waits for the hashes that still run. No Verify may run or follow.
func (w *Workers) Close() { w.running.Wait() }

// Verify reports whether plain is the hash's password. done is false when that took longer than
// within. The computation may then continue, so it works on a copy of plain.
func (w *Workers) Verify(h Hash, plain string, within time.Duration) (ok, done bool) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	cores, blocks := min(h.cost.Cores, cap(w.cores)), int(min((h.cost.Memory+blockSize-1)/blockSize, maxBlocks))
	if !w.acquire(timer.C, cores, blocks) {
		return false, false
	}
	own := []byte(plain)
	result, bug := make(chan bool, 1), make(chan any, 1)
	w.running.Go(func() {
		defer func() {
			release(w.cores, cores)
			release(w.blocks, blocks)
			if p := recover(); p != nil {
				bug <- p
			}
		}()
		defer clear(own)
		result <- h.Matches(own)
	})
	select {
	case ok = <-result:
		return ok, true
	case p := <-bug: // the caller's to recover from
		panic(p)
	case <-timer.C:
		return false, false
	}
}

// acquire waits for cores and memory. It is false when there were none in time, and then holds
// none.
func (w *Workers) acquire(end <-chan time.Time, cores, blocks int) bool {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-end:
		return false
	}
	if n := acquireUpTo(end, w.cores, cores); n < cores {
		release(w.cores, n)
		return false
	}
	if n := acquireUpTo(end, w.blocks, blocks); n < blocks {
		release(w.cores, cores)
		release(w.blocks, n)
		return false
	}
	return true
}

// acquireUpTo takes n slots of a semaphore, or as many as there were in time.
func acquireUpTo(end <-chan time.Time, semaphore chan struct{}, n int) int {
	for i := range n {
		select {
		case semaphore <- struct{}{}:
		case <-end:
			return i
		}
	}
	return n
}

func release(semaphore chan struct{}, n int) {
	for range n {
		<-semaphore
	}
}
