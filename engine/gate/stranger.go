package gate

import (
	"net/netip"
	"sync"
	"time"

	"github.com/tenterhook/tenterhook/engine/peer"
)

// displace closes a connection that has not shown a secret: of the address with most of such connections the one that has been there
// longest. Who crowds makes room for the others. It is false when there is none.
func (g *Gate) displace() bool {
	c := g.strangers.next()
	if c == nil {
		return false
	}
	if c.closed.CompareAndSwap(false, true) { // or else it is lingering, and counts itself out
		g.open.Add(-1)
	}
	g.displaced.Add(1)
	c.Conn.Close() // its goroutine notices
	return true
}

// strangers are the connections that have never shown a secret. A connection takes the lock when it comes, and when it becomes known or
// goes; never between its calls.
type strangers struct {
	mu              sync.Mutex // guards what follows, and the links of every conn in it
	others, friends crowds     // those from addresses that have shown a secret make room last
}

// crowds are connections by address, and the addresses by how many they have.
type crowds struct {
	by   map[netip.Addr]*crowd
	size []crowdList // by how many; within a size, who has come to it first is first
	most int         // the largest size there is, or more
}

// crowd is the connections of one address, in the order of their coming.
type crowd struct {
	all           *crowds
	addr          netip.Addr
	n             int
	first, last   *conn
	before, after *crowd // of its size
}

type crowdList struct{ first, last *crowd }

func (s *strangers) add(c *conn, friend bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.crowds(friend).add(c)
}

// next takes the one out that is to make room.
func (s *strangers) next() *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, all := range []*crowds{&s.others, &s.friends} {
		if c := all.next(); c != nil {
			c.crowd.remove(c)
			return c
		}
	}
	return nil
}

// move has a connection count for another address. One that had to make room meanwhile stays out.
func (s *strangers) move(c *conn, friend bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.crowd == nil {
		return
	}
	c.crowd.remove(c)
	s.crowds(friend).add(c)
}

func (s *strangers) crowds(friend bool) *crowds {
	if friend {
		return &s.friends
	}
	return &s.others
}

// dismiss ends those of which nothing was read.
func (s *strangers) dismiss() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, all := range []*crowds{&s.others, &s.friends} {
		for _, d := range all.by {
			for c := d.first; c != nil; c = c.after {
				c.Conn.SetReadDeadline(time.Unix(1, 0)) // see await
			}
		}
	}
}

// remove takes one out that may be gone already.
func (s *strangers) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.crowd != nil {
		c.crowd.remove(c)
	}
}

func (a *crowds) add(c *conn) {
	addr := peer.Subscriber(c.from)
	d := a.by[addr]
	if d == nil {
		d = &crowd{all: a, addr: addr}
		if a.by == nil {
			a.by = make(map[netip.Addr]*crowd)
		}
		a.by[addr] = d
	}
	c.crowd, c.before = d, d.last
	if d.last == nil {
		d.first = c
	} else {
		d.last.after = c
	}
	d.last = c
	d.count(d.n + 1)
}

// next is the first connection of the first of the largest crowds.
func (a *crowds) next() *conn {
	for ; a.most > 0; a.most-- {
		if d := a.size[a.most].first; d != nil {
			return d.first
		}
	}
	return nil
}

func (d *crowd) remove(c *conn) {
	if c.before == nil {
		d.first = c.after
	} else {
		c.before.after = c.after
	}
	if c.after == nil {
		d.last = c.before
	} else {
		c.after.before = c.before
	}
	c.crowd, c.before, c.after = nil, nil, nil
	d.count(d.n - 1)
	if d.n == 0 {
		delete(d.all.by, d.addr)
	}
}

// count puts the crowd where those of n are.
func (d *crowd) count(n int) {
	if d.n > 0 {
		d.all.size[d.n].remove(d)
	}
	for len(d.all.size) <= n {
		d.all.size = append(d.all.size, crowdList{})
	}
	if d.n = n; n > 0 {
		d.all.size[n].add(d)
		d.all.most = max(d.all.most, n)
	}
}

func (l *crowdList) add(d *crowd) {
	if d.before = l.last; l.last == nil {
		l.first = d
	} else {
		l.last.after = d
	}
	l.last = d
}

func (l *crowdList) remove(d *crowd) {
	if d.before == nil {
		l.first = d.after
	} else {
		d.before.after = d.after
	}
	if d.after == nil {
		l.last = d.before
	} else {
		d.after.before = d.before
	}
	d.before, d.after = nil, nil
}
