package gate

import (
	"net/netip"
	"sync"
	"time"

	"github.com/tenterhook/tenterhook/engine/peer"
)

// evictConn closes a connection that has not shown a secret: of the address with most of such connections the one that has been there
// longest. Who crowds makes room for the others. It is false when there is none.
func (g *Gate) evictConn() bool {
	c := g.unauth.evict()
	if c == nil {
		return false
	}
	if c.closed.CompareAndSwap(false, true) { // or else it is lingering, and counts itself out
		g.open.Add(-1)
	}
	g.evicted.Add(1)
	c.Conn.Close() // its goroutine notices
	return true
}

// unauthConns are the connections that have never shown a secret. A connection takes the lock when it comes, and when it becomes known or
// goes; never between its calls.
type unauthConns struct {
	mu              sync.Mutex  // guards what follows, and the links of every conn in it
	others, trusted connsByAddr // those from addresses that have shown a secret make room last
}

// connsByAddr are connections by address, and the addresses by how many they have.
type connsByAddr struct {
	groups  map[netip.Addr]*connGroup
	bySize  []groupList // by how many; within a size, who has come to it first is first
	largest int         // the largest size there is, or more
}

// connGroup is the connections of one address, in the order of their coming.
type connGroup struct {
	set            *connsByAddr
	addr           netip.Addr
	size           int
	oldest, newest *conn
	prev, next     *connGroup // of its size
}

type groupList struct{ first, last *connGroup }

func (s *unauthConns) add(c *conn, friend bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byTrust(friend).add(c)
}

// evict takes the one out that is to make room.
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

// move has a connection count for another address. One that had to make room meanwhile stays out.
func (s *unauthConns) move(c *conn, friend bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.group == nil {
		return
	}
	c.group.remove(c)
	s.byTrust(friend).add(c)
}

func (s *unauthConns) byTrust(friend bool) *connsByAddr {
	if friend {
		return &s.trusted
	}
	return &s.others
}

// interruptReads ends those of which nothing was read.
func (s *unauthConns) interruptReads() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, all := range []*connsByAddr{&s.others, &s.trusted} {
		for _, d := range all.groups {
			for c := d.oldest; c != nil; c = c.next {
				c.Conn.SetReadDeadline(time.Unix(1, 0)) // see await
			}
		}
	}
}

// remove takes one out that may be gone already.
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

// oldestOfLargest is the first connection of the first of the largest crowds.
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

// setSize puts the crowd where those of n are.
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
