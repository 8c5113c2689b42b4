package gate

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tenterhook/tenterhook/engine"
)

// pool is memory that large bodies may take. Nobody has more of it than is left for the others: one who takes all there is to
// have takes half, the next one half of the other half, and there is always some left for who comes first.
type pool struct {
	most int64
	used atomic.Int64 // changed under mu

	mu    sync.Mutex // guards what follows
	by    map[payer]int64
	freed chan struct{} // closed when something is given back; nil: nobody waits
}

// payer is who memory is taken for: an org, or a hook that names none.
type payer struct{ org, hook string }

func payerOf(k *engine.Hook) payer {
	if o := k.Rules.Org; o != nil {
		return payer{org: o.Name}
	}
	return payer{hook: k.Rules.Name}
}

func newPool(most int64) *pool { return &pool{most: most, by: make(map[payer]int64)} }

// take takes n bytes, and says whether there were as many to have.
func (p *pool) take(who payer, n int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	used, its := p.used.Load(), p.by[who]
	if its+n > p.most-used {
		return false
	}
	p.used.Store(used + n)
	p.by[who] = its + n
	return true
}

func (p *pool) give(who payer, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used.Add(-n)
	if p.by[who] -= n; p.by[who] == 0 {
		delete(p.by, who)
	}
	if p.freed != nil {
		close(p.freed)
		p.freed = nil
	}
}

// wait takes n bytes, or as many as there are in all, when they are to be had before a time.
func (p *pool) wait(who payer, n int64, by time.Time) (taken int64, ok bool) {
	n = min(n, p.most)
	late := time.NewTimer(time.Until(by))
	defer late.Stop()
	for {
		freed := p.next()
		if p.take(who, n) {
			return n, true
		}
		select {
		case <-freed:
		case <-late.C:
			return 0, false
		}
	}
}

// next is closed when something is given back from now on.
func (p *pool) next() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.freed == nil {
		p.freed = make(chan struct{})
	}
	return p.freed
}

// claim is what a connection has of the Gate's bodies, for the request that is under way.
//
// The server makes room for a body, or a chunk, as soon as it knows how long it is to be; so room is claimed before: of a whole body
// when its caller has shown a secret, of a chunk before the server is told of it. The claim is the connection's: it ends with the
// answer or, at the latest, with the connection, however that ends.
type claim struct {
	who  payer
	most int64        // how long the body may be
	held atomic.Int64 // bytes; a Shutdown may give them back
}

// room claims what is needed for the body of a request that is let in.
func (c *conn) room(h *head, k *engine.Hook) reason {
	c.most = int64(c.g.maxBody(k))
	if 0 <= h.length && h.length <= keep {
		return admitted
	}
	c.who = payerOf(k)
	if h.length > 0 && !c.holds(h.length) {
		return overloaded
	}
	return admitted
}

// affords claims what is needed for the chunks that were announced.
func (c *conn) affords() reason {
	switch n := c.frame.chunks; {
	case n <= keep:
		return admitted
	case n > c.most:
		return bodyTooLarge
	case !c.holds(n + int64(len("\r\n"))):
		return overloaded
	}
	return admitted
}

// holds makes the claim one for a body of n bytes, for which the server takes the next power of two.
func (c *conn) holds(n int64) bool {
	more := int64(1)<<bits.Len64(uint64(n-1)) - c.held.Load()
	if more <= 0 {
		return true
	}
	if !c.g.bodies.take(c.who, more) {
		return false
	}
	c.held.Add(more)
	return true
}

// settle gives back what a request had that was not answered, and what is claimed for it.
func (c *conn) settle() {
	c.leave()
	if c.held.Load() == 0 {
		return
	}
	if n := c.held.Swap(0); n > 0 {
		c.g.bodies.give(c.who, n)
	}
}
