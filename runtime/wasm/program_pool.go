package wasm

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
)

// instanceRequest is a run that waits for an instance.
type instanceRequest struct {
	granted chan grant // holds one
}

// grant is what a waiter gets: an instance to be restored or not, or why there is none. With neither, it may make one.
type grant struct {
	in    *instance
	dirty bool
	err   error
}

// acquire gives the run an instance of its own, clean, or the reason why there is none before the deadline.
func (p *Program) acquire(r *runtime.Run) (*instance, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	p.activeRuns++
	if n := len(p.clean); n > 0 {
		in := p.clean[n-1]
		p.clean = p.clean[:n-1]
		p.mu.Unlock()
		return in, nil
	}
	h, w := p.takeOrQueue()
	p.mu.Unlock()
	if w != nil {
		h = p.awaitGrant(w, r.Meter)
	}
	in, err := p.prepareGrant(h, r)
	if err != nil {
		p.endWithoutInstance()
	}
	return in, err
}

// takeOrQueue is what a run gets when nothing is clean: something dirty, leave to make one that cannot be restored, or a place
// in the queue. p.mu is held.
func (p *Program) takeOrQueue() (grant, *instanceRequest) {
	if n := len(p.dirty); n > 0 {
		in := p.dirty[n-1]
		p.dirty = p.dirty[:n-1]
		return grant{in: in, dirty: true}, nil
	}
	switch {
	case p.instances == p.maxInstances:
	case p.unrestorable:
		p.instances++
		return grant{}, nil
	case len(p.requests) >= p.replenisher.pending+p.replenisher.restoring:
		p.instances++
		p.replenisher.pending++
		p.replenisher.wake()
	}
	w := &instanceRequest{granted: make(chan grant, 1)}
	p.requests = append(p.requests, w)
	p.stats.Waited++
	return grant{}, w
}

// awaitGrant waits for what is handed to w, until the deadline.
func (p *Program) awaitGrant(w *instanceRequest, m *runtime.Meter) grant {
	timer := time.NewTimer(time.Until(m.Deadline()))
	defer timer.Stop()
	select {
	case h := <-w.granted:
		return h
	case <-timer.C:
	}
	p.mu.Lock()
	i := slices.Index(p.requests, w)
	if i >= 0 {
		p.requests = slices.Delete(p.requests, i, i+1)
	}
	p.mu.Unlock()
	if i < 0 { // it was handed over meanwhile
		return <-w.granted
	}
	err := runtime.ErrTime
	if !m.Look() {
		err = m.Err()
	}
	return grant{err: fmt.Errorf("%w: waiting for an instance", err)}
}

// prepareGrant makes what was handed over a clean instance.
func (p *Program) prepareGrant(h grant, r *runtime.Run) (*instance, error) {
	switch {
	case h.err != nil:
		return nil, h.err
	case h.in == nil:
		in, err := p.newPrepared(r.Meter, r.Behind)
		if err != nil {
			p.forgetInstance()
		}
		return in, err
	case h.dirty:
		if err := h.in.restore(); err != nil {
			p.closeInstance(h.in)
			return nil, fmt.Errorf("%w: restore: %s", runtime.ErrTrap, trapText(err))
		}
	}
	return h.in, nil
}

// release takes back what take gave. An instance that is not whole is not used again.
func (p *Program) release(in *instance, whole, failed bool, c Cost) {
	keep, dirty := whole && !p.unrestorable, true
	if keep && !p.restoreLater {
		keep, dirty = in.restore() == nil, false
	}
	if !keep {
		p.closeInstance(in)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recordRun(failed, c)
	if keep {
		p.offer(in, dirty)
	}
	p.activeRuns--
	p.signalIdle()
}

// offer hands the instance to who waits longest, or lays it aside. p.mu is held.
func (p *Program) offer(in *instance, dirty bool) {
	switch w := p.nextRequest(); {
	case w != nil:
		w.granted <- grant{in: in, dirty: dirty}
	case dirty:
		p.dirty = append(p.dirty, in)
		p.replenisher.wake()
	default:
		p.clean = append(p.clean, in)
	}
}

// nextRequest takes who waits longest out of the queue; nil when nobody does. p.mu is held.
func (p *Program) nextRequest() *instanceRequest {
	if len(p.requests) == 0 {
		return nil
	}
	w := p.requests[0]
	p.requests = slices.Delete(p.requests, 0, 1)
	return w
}

func (p *Program) recordRun(failed bool, c Cost) {
	p.stats.Runs++
	if failed {
		p.stats.Failed++
	}
	t := &p.stats.Total
	t.Fuel, t.Time, t.Memory = t.Fuel+c.Fuel, t.Time+c.Time, max(t.Memory, c.Memory)
}

// endWithoutInstance ends a run that got no instance.
func (p *Program) endWithoutInstance() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.activeRuns--
	p.signalIdle()
}

// signalIdle tells Close when nothing is busy. p.mu is held.
func (p *Program) signalIdle() {
	if p.closed && p.activeRuns == 0 {
		p.idle.Broadcast()
	}
}

// closeInstance closes an instance that is with nobody.
func (p *Program) closeInstance(in *instance) {
	in.close()
	p.forgetInstance()
}

// forgetInstance counts an instance less. Who waits longest may make up for it.
func (p *Program) forgetInstance() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instances--
	if len(p.requests) == 0 {
		return
	}
	p.instances++
	if p.unrestorable {
		p.nextRequest().granted <- grant{}
		return
	}
	p.replenisher.pending++
	p.replenisher.wake()
}

// shareSnapshot is m, or the equal image that another instance has.
func (p *Program) shareSnapshot(m *snapshot) *snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !m.equal(p.snapshot) {
		p.snapshot = m
	}
	return p.snapshot
}

// closeInstances closes the Program once nothing is busy, and is false when it was closed before.
func (p *Program) closeInstances() bool {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return false
	}
	p.closed = true
	for p.activeRuns > 0 {
		p.idle.Wait()
	}
	p.mu.Unlock()
	p.replenisher.stop()
	for _, in := range append(p.clean, p.dirty...) {
		in.close()
	}
	p.clean, p.dirty, p.instances = nil, nil, 0
	return true
}

// replenisher is the goroutine of a Program that restores and makes instances while others answer.
type replenisher struct {
	wakeUp chan struct{} // holds one: there is something to do
	done   sync.WaitGroup

	pending   int // instances to be made, counted in made already; guarded by the Program's mu
	restoring int // 1 while it restores one; guarded so too
}

func (k *replenisher) start(p *Program) {
	k.wakeUp = make(chan struct{}, 1)
	k.done.Go(func() {
		for range k.wakeUp {
			for k.step(p) {
			}
		}
	})
}

func (k *replenisher) wake() {
	select {
	case k.wakeUp <- struct{}{}:
	default:
	}
}

func (k *replenisher) stop() {
	if k.wakeUp != nil {
		close(k.wakeUp)
		k.done.Wait()
	}
}

// step does one thing, and is false when there is nothing to do.
func (k *replenisher) step(p *Program) bool {
	p.mu.Lock()
	n, grow := len(p.dirty), k.pending > 0
	var in *instance
	switch {
	case grow:
		k.pending--
	case n > 0:
		in = p.dirty[n-1]
		p.dirty = p.dirty[:n-1]
		k.restoring++
	}
	p.mu.Unlock()
	switch {
	case grow:
		k.addInstance(p)
	case in != nil:
		k.restore(p, in)
	}
	return grow || in != nil
}

func (k *replenisher) restore(p *Program, in *instance) {
	err := in.restore()
	p.mu.Lock()
	k.restoring--
	if err == nil {
		p.offer(in, false)
	}
	p.mu.Unlock()
	if err != nil {
		p.closeInstance(in)
	}
}

// addInstance makes one more instance. When that fails, who waits longest is told.
func (k *replenisher) addInstance(p *Program) {
	in, err := p.newPrepared(newStartupMeter(time.Time{}), false)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.offer(in, false)
		return
	}
	p.instances--
	if w := p.nextRequest(); w != nil {
		w.granted <- grant{err: err}
	}
}
