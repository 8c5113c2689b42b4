package wasm

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
)

// waiter is a run that waits for an instance.
type waiter struct {
	got chan handed // holds one
}

// handed is what a waiter gets: an instance to be restored or not, or why there is none. With neither, it may make one.
type handed struct {
	in    *instance
	dirty bool
	err   error
}

// take gives the run an instance of its own, clean, or the reason why there is none before the deadline.
func (p *Program) take(r *runtime.Run) (*instance, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	p.busy++
	if n := len(p.clean); n > 0 {
		in := p.clean[n-1]
		p.clean = p.clean[:n-1]
		p.mu.Unlock()
		return in, nil
	}
	h, w := p.claim()
	p.mu.Unlock()
	if w != nil {
		h = p.wait(w, r.Meter)
	}
	in, err := p.ready(h, r)
	if err != nil {
		p.left()
	}
	return in, err
}

// claim is what a run gets when nothing is clean: something dirty, leave to make one that cannot be restored, or a place
// in the queue. p.mu is held.
func (p *Program) claim() (handed, *waiter) {
	if n := len(p.dirty); n > 0 {
		in := p.dirty[n-1]
		p.dirty = p.dirty[:n-1]
		return handed{in: in, dirty: true}, nil
	}
	switch {
	case p.made == p.most:
	case p.fresh:
		p.made++
		return handed{}, nil
	case len(p.waiters) >= p.keeper.want+p.keeper.restoring:
		p.made++
		p.keeper.want++
		p.keeper.wake()
	}
	w := &waiter{got: make(chan handed, 1)}
	p.waiters = append(p.waiters, w)
	p.stats.Waited++
	return handed{}, w
}

// wait waits for what is handed to w, until the deadline.
func (p *Program) wait(w *waiter, m *runtime.Meter) handed {
	timer := time.NewTimer(time.Until(m.Deadline()))
	defer timer.Stop()
	select {
	case h := <-w.got:
		return h
	case <-timer.C:
	}
	p.mu.Lock()
	i := slices.Index(p.waiters, w)
	if i >= 0 {
		p.waiters = slices.Delete(p.waiters, i, i+1)
	}
	p.mu.Unlock()
	if i < 0 { // it was handed over meanwhile
		return <-w.got
	}
	err := runtime.ErrTime
	if !m.Look() {
		err = m.Err()
	}
	return handed{err: fmt.Errorf("%w: waiting for an instance", err)}
}

// ready makes what was handed over a clean instance.
func (p *Program) ready(h handed, r *runtime.Run) (*instance, error) {
	switch {
	case h.err != nil:
		return nil, h.err
	case h.in == nil:
		in, err := p.prepared(r.Meter, r.Behind)
		if err != nil {
			p.gone()
		}
		return in, err
	case h.dirty:
		if err := h.in.restore(); err != nil {
			p.drop(h.in)
			return nil, fmt.Errorf("%w: restore: %s", runtime.ErrTrap, plain(err))
		}
	}
	return h.in, nil
}

// give takes back what take gave. An instance that is not whole is not used again.
func (p *Program) give(in *instance, whole, failed bool, c Cost) {
	keep, dirty := whole && !p.fresh, true
	if keep && !p.slow {
		keep, dirty = in.restore() == nil, false
	}
	if !keep {
		p.drop(in)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count(failed, c)
	if keep {
		p.put(in, dirty)
	}
	p.busy--
	p.rest()
}

// put hands the instance to who waits longest, or lays it aside. p.mu is held.
func (p *Program) put(in *instance, dirty bool) {
	switch w := p.next(); {
	case w != nil:
		w.got <- handed{in: in, dirty: dirty}
	case dirty:
		p.dirty = append(p.dirty, in)
		p.keeper.wake()
	default:
		p.clean = append(p.clean, in)
	}
}

// next takes who waits longest out of the queue; nil when nobody does. p.mu is held.
func (p *Program) next() *waiter {
	if len(p.waiters) == 0 {
		return nil
	}
	w := p.waiters[0]
	p.waiters = slices.Delete(p.waiters, 0, 1)
	return w
}

func (p *Program) count(failed bool, c Cost) {
	p.stats.Runs++
	if failed {
		p.stats.Failed++
	}
	t := &p.stats.Total
	t.Fuel, t.Time, t.Memory = t.Fuel+c.Fuel, t.Time+c.Time, max(t.Memory, c.Memory)
}

// left ends a run that got no instance.
func (p *Program) left() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	p.rest()
}

// rest tells Close when nothing is busy. p.mu is held.
func (p *Program) rest() {
	if p.closed && p.busy == 0 {
		p.idle.Broadcast()
	}
}

// drop closes an instance that is with nobody.
func (p *Program) drop(in *instance) {
	in.close()
	p.gone()
}

// gone counts an instance less. Who waits longest may make up for it.
func (p *Program) gone() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made--
	if len(p.waiters) == 0 {
		return
	}
	p.made++
	if p.fresh {
		p.next().got <- handed{}
		return
	}
	p.keeper.want++
	p.keeper.wake()
}

// share is m, or the equal image that another instance has.
func (p *Program) share(m *image) *image {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !m.equal(p.image) {
		p.image = m
	}
	return p.image
}

// shut closes the Program once nothing is busy, and is false when it was closed before.
func (p *Program) shut() bool {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return false
	}
	p.closed = true
	for p.busy > 0 {
		p.idle.Wait()
	}
	p.mu.Unlock()
	p.keeper.stop()
	for _, in := range append(p.clean, p.dirty...) {
		in.close()
	}
	p.clean, p.dirty, p.made = nil, nil, 0
	return true
}

// keeper is the goroutine of a Program that restores and makes instances while others answer.
type keeper struct {
	bell chan struct{} // holds one: there is something to do
	done sync.WaitGroup

	want      int // instances to be made, counted in made already; guarded by the Program's mu
	restoring int // 1 while it restores one; guarded so too
}

func (k *keeper) start(p *Program) {
	k.bell = make(chan struct{}, 1)
	k.done.Go(func() {
		for range k.bell {
			for k.work(p) {
			}
		}
	})
}

func (k *keeper) wake() {
	select {
	case k.bell <- struct{}{}:
	default:
	}
}

func (k *keeper) stop() {
	if k.bell != nil {
		close(k.bell)
		k.done.Wait()
	}
}

// work does one thing, and is false when there is nothing to do.
func (k *keeper) work(p *Program) bool {
	p.mu.Lock()
	n, grow := len(p.dirty), k.want > 0
	var in *instance
	switch {
	case grow:
		k.want--
	case n > 0:
		in = p.dirty[n-1]
		p.dirty = p.dirty[:n-1]
		k.restoring++
	}
	p.mu.Unlock()
	switch {
	case grow:
		k.add(p)
	case in != nil:
		k.restore(p, in)
	}
	return grow || in != nil
}

func (k *keeper) restore(p *Program, in *instance) {
	err := in.restore()
	p.mu.Lock()
	k.restoring--
	if err == nil {
		p.put(in, false)
	}
	p.mu.Unlock()
	if err != nil {
		p.drop(in)
	}
}

// add makes one more instance. When that fails, who waits longest is told.
func (k *keeper) add(p *Program) {
	in, err := p.prepared(initial(time.Time{}), false)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.put(in, false)
		return
	}
	p.made--
	if w := p.next(); w != nil {
		w.got <- handed{err: err}
	}
}
