package gate

import (
	"net/netip"
	"sync"
	"time"

	"github.com/tenterhook/tenterhook/engine/peer"
)

// evictConn closes an unauthenticated connection to make room: of the address with most of them,
// the oldest. It is false if there is none.
func (g *Gate) evictConn() bool {
	c := g.unauth.evict()
	if c == nil {
		return false
	}
	if c.closed.CompareAndSwap(false, true) { // else it is lingering, and Close counts it out
		g.open.Add(-1)
	}
	g.evicted.Add(1)
	c.Conn.Close() // ends the read of its goroutine
	return true
}

// unauthConns are the connections that never sent a right secret. A connection takes the lock when
// it is accepted, authenticated or closed, but not between its calls.
type unauthConns struct {
	mu              sync.Mutex  // guards the fields below, and the links of every conn in them
	others, trusted connsByAddr // connections of trusted addresses are evicted last
}

// connsByAddr groups connections by address, and the groups by size.
type connsByAddr struct {
	groups  map[netip.Addr]*connGroup
	bySize  []groupList // in the order in which they reached the size
	largest int         // no group is larger
}

// connGroup has the connections of one address, oldest first.
type connGroup struct {
	set            *connsByAddr
	addr           netip.Addr
	size           int
	oldest, newest *conn
	prev, next     *connGroup // within the groups of its size
}

type groupList struct{ first, last *connGroup }

func (s *unauthConns) add(c *conn, trusted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byTrust(trusted).add(c)
}

// evict removes the connection to close next, and returns it.
func (s *unauthConns) evict() *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, all := range []*connsByAddr{&s.others, &s.trusted} {
		if c := all.oldestOfLargest(); c != nil {
			c.group.remove(c)
			return c
		}
	}
	return nil
}

// move puts a connection into the group of its new address, unless it was evicted meanwhile.
func (s *unauthConns) move(c *conn, trusted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.group == nil {
		return
	}
	c.group.remove(c)
	s.byTrust(trusted).add(c)
}

func (s *unauthConns) byTrust(trusted bool) *connsByAddr {
	if trusted {
		return &s.trusted
	}
	return &s.others
}

// interruptReads ends the reads of all these connections, except of requests that have begun.
func (s *unauthConns) interruptReads() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, all := range []*connsByAddr{&s.others, &s.trusted} {
		for _, d := range all.groups {
			for c := d.oldest; c != nil; c = c.next {
				c.Conn.SetReadDeadline(time.Unix(1, 0)) // see readUntilDeadline
			}
		}
	}
}

// remove removes a connection, if it is still there.
func (s *unauthConns) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.group != nil {
		c.group.remove(c)
	}
}

func (a *connsByAddr) add(c *conn) {
	addr := peer.Subscriber(c.peerAddr)
	d := a.groups[addr]
	if d == nil {
		d = &connGroup{set: a, addr: addr}
		if a.groups == nil {
			a.groups = make(map[netip.Addr]*connGroup)
		}
		a.groups[addr] = d
	}
	c.group, c.prev = d, d.newest
	if d.newest == nil {
		d.oldest = c
	} else {
		d.newest.next = c
	}
	d.newest = c
	d.setSize(d.size + 1)
}

// oldestOfLargest returns the oldest connection of the largest group.
func (a *connsByAddr) oldestOfLargest() *conn {
	for ; a.largest > 0; a.largest-- {
		if d := a.bySize[a.largest].first; d != nil {
			return d.oldest
		}
	}
	return nil
}

func (d *connGroup) remove(c *conn) {
	if c.prev == nil {
		d.oldest = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		d.newest = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.group, c.prev, c.next = nil, nil, nil
	d.setSize(d.size - 1)
	if d.size == 0 {
		delete(d.set.groups, d.addr)
	}
}

// setSize moves the group to those of a size.
func (d *connGroup) setSize(n int) {
	if d.size > 0 {
		d.set.bySize[d.size].remove(d)
	}
	for len(d.set.bySize) <= n {
		d.set.bySize = append(d.set.bySize, groupList{})
	}
	if d.size = n; n > 0 {
		d.set.bySize[n].add(d)
		d.set.largest = max(d.set.largest, n)
	}
}

func (l *groupList) add(d *connGroup) {
	if d.prev = l.last; l.last == nil {
		l.first = d
	} else {
		l.last.next = d
	}
	l.last = d
}

func (l *groupList) remove(d *connGroup) {
	if d.prev == nil {
		l.first = d.next
	} else {
		d.prev.next = d.next
	}
	if d.next == nil {
		l.last = d.prev
	} else {
		d.next.prev = d.prev
	}
	d.prev, d.next = nil, nil
}
