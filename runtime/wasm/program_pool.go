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
	granted chan grant // has capacity one
}

// grant answers a request: an instance (dirty ones must be restored) or an error. With neither, the
// run makes its own instance.
type grant struct {
	in    *instance
	dirty bool
	err   error
}

// acquire returns a clean instance for the run, or an error at the deadline.
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

// takeOrQueue serves a run when no clean instance is left: with a dirty one, with leave to make one
// (if instances cannot be restored), or with a request in the queue. p.mu is held.
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

// awaitGrant waits for the grant until the deadline.
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
	if i < 0 { // granted in the meantime
		return <-w.granted
	}
	err := runtime.ErrTime
	if !m.CheckTime() {
		err = m.Err()
	}
	return grant{err: fmt.Errorf("%w: waiting for an instance", err)}
}

// prepareGrant turns a grant into a clean instance.
func (p *Program) prepareGrant(h grant, r *runtime.Run) (*instance, error) {
	switch {
	case h.err != nil:
		return nil, h.err
	case h.in == nil:
		in, err := p.newPrepared(r.Meter, r.Background)
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

// release returns an instance to the pool. After a panic in the run (completed is false) it is closed.
func (p *Program) release(in *instance, completed, failed bool, c Cost) {
	keep, dirty := completed && !p.unrestorable, true
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

// offer gives the instance to the oldest request, or puts it into the pool. p.mu is held.
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

// nextRequest removes the oldest request, nil if there is none. p.mu is held.
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

// signalIdle wakes Close when no run is active. p.mu is held.
func (p *Program) signalIdle() {
	if p.closed && p.activeRuns == 0 {
		p.idle.Broadcast()
	}
}

// closeInstance closes an instance that no run uses.
func (p *Program) closeInstance(in *instance) {
	in.close()
	p.forgetInstance()
}

// forgetInstance counts one instance less. If a request waits, another one is made.
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

// shareSnapshot returns the Program's snapshot if it equals m, to save memory, else m.
func (p *Program) shareSnapshot(m *snapshot) *snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !m.equal(p.snapshot) {
		p.snapshot = m
	}
	return p.snapshot
}

// closeInstances closes the pool once no run is active. It returns false if it was closed before.
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

// replenisher is the goroutine of a Program that restores and makes instances in the background.
type replenisher struct {
	wakeUp chan struct{} // has capacity one: there is work
	done   sync.WaitGroup

	pending   int // instances to make, already counted in Program.instances; guarded by Program.mu
	restoring int // 1 while it restores one; guarded by Program.mu
}

func (r *replenisher) start(p *Program) {
	r.wakeUp = make(chan struct{}, 1)
	r.done.Go(func() {
		for range r.wakeUp {
			for r.step(p) {
			}
		}
	})
}

func (r *replenisher) wake() {
	select {
	case r.wakeUp <- struct{}{}:
	default:
	}
}

func (r *replenisher) stop() {
	if r.wakeUp != nil {
		close(r.wakeUp)
		r.done.Wait()
	}
}

// step restores or makes one instance. It returns false if there is no work.
func (r *replenisher) step(p *Program) bool {
	p.mu.Lock()
	n, grow := len(p.dirty), r.pending > 0
	var in *instance
	switch {
	case grow:
		r.pending--
	case n > 0:
		in = p.dirty[n-1]
		p.dirty = p.dirty[:n-1]
		r.restoring++
	}
	p.mu.Unlock()
	switch {
	case grow:
		r.addInstance(p)
	case in != nil:
		r.restore(p, in)
	}
	return grow || in != nil
}

func (r *replenisher) restore(p *Program, in *instance) {
	err := in.restore()
	p.mu.Lock()
	r.restoring--
	if err == nil {
		p.offer(in, false)
	}
	p.mu.Unlock()
	if err != nil {
		p.closeInstance(in)
	}
}

// addInstance makes one instance. A failure is granted to the oldest request.
func (r *replenisher) addInstance(p *Program) {
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
