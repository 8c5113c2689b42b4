package expr

import (
	"sync"
	"time"
)

// Workers are how many password hashes may be computed at once. A hash takes a core for as long as it was made to take and
// cannot be stopped half way: each is computed on a goroutine of its own that takes its turn here, so that hashes leave a
// core to everything else, and whoever waits for one waits no longer than the call has time.
//
// A caller that has gone leaves its hash to be finished; Close waits for those. The zero Workers is of no use: see
// NewWorkers.
type Workers struct {
	turn   chan struct{} // held by the one that is taking what it needs, so that two never wait for each other
	cores  chan struct{}
	blocks chan struct{} // of memory
	under  sync.WaitGroup
}

// What hashes may take together, and one of them.
const (
	blockSize   = 16 << 20
	mostBlocks  = 32
	mostHashing = 256 << 20 // bytes for one hash
)

// NewWorkers makes Workers that keep so many cores busy, one at least. Its caller closes them.
func NewWorkers(cores int) *Workers {
	return &Workers{
		turn:   make(chan struct{}, 1),
		cores:  make(chan struct{}, max(1, cores)),
		blocks: make(chan struct{}, mostBlocks),
	}
}

// Close waits for what is still being computed. No run that uses the Workers may be under way or follow.
func (w *Workers) Close() { w.under.Wait() }

// do computes a hash that keeps so many cores busy, and is false when that has not ended in time. work may go on then: it
// has to have everything it needs for itself.
func (w *Workers) do(within time.Duration, cores int, memory int64, work func() bool) (ok, done bool) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	cores, blocks := min(cores, cap(w.cores)), int(min((memory+blockSize-1)/blockSize, mostBlocks))
	if !w.take(timer.C, cores, blocks) {
		return false, false
	}
	result, bug := make(chan bool, 1), make(chan any, 1)
	w.under.Go(func() {
		defer func() {
			give(w.cores, cores)
			give(w.blocks, blocks)
			if p := recover(); p != nil {
				bug <- p
			}
		}()
		result <- work()
	})
	select {
	case ok = <-result:
		return ok, true
	case p := <-bug: // it is the caller's, who is caught further up
		panic(p)
	case <-timer.C:
		return false, false
	}
}

// take waits for cores and memory; false when there were none in time, and none are held then.
func (w *Workers) take(end <-chan time.Time, cores, blocks int) bool {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-end:
		return false
	}
	if n := wait(end, w.cores, cores); n < cores {
		give(w.cores, n)
		return false
	}
	if n := wait(end, w.blocks, blocks); n < blocks {
		give(w.cores, cores)
		give(w.blocks, n)
		return false
	}
	return true
}

// wait takes n of a kind, or as many as there were in time.
func wait(end <-chan time.Time, from chan struct{}, n int) int {
	for i := range n {
		select {
		case from <- struct{}{}:
		case <-end:
			return i
		}
	}
	return n
}

func give(to chan struct{}, n int) {
	for range n {
		<-to
	}
}
