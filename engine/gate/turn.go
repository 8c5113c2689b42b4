package gate

import (
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/tenterhook/tenterhook/engine/peer"
)

// turns bound how many handshakes are being computed, so that any number of them leaves processors to the calls. Friends do not
// wait for strangers; those who have failed too often are computed one at a time, and so wait for each other.
type turns struct {
	friends, strangers, suspects lane
}

func newTurns() turns {
	n := max(1, runtime.GOMAXPROCS(0)/2)
	return turns{lane{free: n}, lane{free: n}, lane{free: 1}}
}

// lane is where connections wait for their turn: the addresses one after the other, and those of one address in the order of their
// coming. So nobody waits for more than one handshake of each of the others, however many they begin.
type lane struct {
	mu      sync.Mutex // guards what follows
	free    int
	order   []netip.Addr // who waits, whose turn is next first
	waiting map[netip.Addr][]chan struct{}
}

// enter waits for a turn until a time.
func (l *lane) enter(from netip.Addr, by time.Time) bool {
	from = peer.Subscriber(from)
	ready := l.queue(from)
	if ready == nil {
		return true
	}
	t := time.NewTimer(time.Until(by))
	defer t.Stop()
	select {
	case <-ready:
		return true
	case <-t.C:
		return l.quit(from, ready)
	}
}

// queue takes a turn, or a place among those who wait.
func (l *lane) queue(from netip.Addr) (ready chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free > 0 {
		l.free--
		return nil
	}
	ready = make(chan struct{})
	if l.waiting == nil {
		l.waiting = make(map[netip.Addr][]chan struct{})
	}
	if l.waiting[from] == nil {
		l.order = append(l.order, from)
	}
	l.waiting[from] = append(l.waiting[from], ready)
	return ready
}

// quit gives the place up. It is true when the turn has come just before.
func (l *lane) quit(from netip.Addr, ready chan struct{}) (turned bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.waiting[from], ready)
	if i < 0 {
		return true
	}
	if l.waiting[from] = slices.Delete(l.waiting[from], i, i+1); len(l.waiting[from]) == 0 {
		delete(l.waiting, from)
		l.order = slices.DeleteFunc(l.order, func(a netip.Addr) bool { return a == from })
	}
	return false
}

// leave gives the turn to who is next.
func (l *lane) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.order) == 0 {
		l.free++
		return
	}
	from := l.order[0]
	l.order = l.order[1:]
	queue := l.waiting[from]
	close(queue[0])
	if len(queue) == 1 {
		delete(l.waiting, from)
		return
	}
	l.waiting[from] = queue[1:]
	l.order = append(l.order, from)
}

// lane is where a connection waits for its turn.
func (c *conn) lane() *lane {
	switch {
	case c.suspect:
		return &c.g.turns.suspects
	case c.friend:
		return &c.g.turns.friends
	}
	return &c.g.turns.strangers
}

// turn waits for a turn, as long as there is time for a handshake. One who had to make room meanwhile needs none.
func (c *conn) turn() bool {
	if !c.lane().enter(c.from, c.by) {
		return false
	}
	c.turned.Store(true)
	if c.closed.Load() {
		c.yield()
		return false
	}
	return true
}

// yield gives back the turn there is.
func (c *conn) yield() {
	if c.turned.Load() && c.turned.CompareAndSwap(true, false) {
		c.lane().leave()
	}
}
