package gate

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tenterhook/tenterhook/engine"
)

// memoryQuota is memory that large bodies may take. Nobody has more of it than is left for the others: one who takes all there is to
// have takes half, the next one half of the other half, and there is always some left for who comes first.
type memoryQuota struct {
	limit int64
	used  atomic.Int64 // changed under mu

	mu       sync.Mutex // guards what follows
	byOwner  map[quotaOwner]int64
	released chan struct{} // closed when something is given back; nil: nobody waits
}

// quotaOwner is who memory is taken for: an org, or a hook that names none.
type quotaOwner struct{ org, hook string }

func ownerOf(k *engine.Hook) quotaOwner {
	if o := k.Rules.Org; o != nil {
		return quotaOwner{org: o.Name}
	}
	return quotaOwner{hook: k.Rules.Name}
}

func newMemoryQuota(most int64) *memoryQuota {
	return &memoryQuota{limit: most, byOwner: make(map[quotaOwner]int64)}
}

// tryReserve takes n bytes, and says whether there were as many to have.
func (p *memoryQuota) tryReserve(who quotaOwner, n int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	used, its := p.used.Load(), p.byOwner[who]
	if its+n > p.limit-used {
		return false
	}
	p.used.Store(used + n)
	p.byOwner[who] = its + n
	return true
}

func (p *memoryQuota) release(who quotaOwner, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used.Add(-n)
	if p.byOwner[who] -= n; p.byOwner[who] == 0 {
		delete(p.byOwner, who)
	}
	if p.released != nil {
		close(p.released)
		p.released = nil
	}
}

// reserve takes n bytes, or as many as there are in all, when they are to be had before a time.
func (p *memoryQuota) reserve(who quotaOwner, n int64, by time.Time) (taken int64, ok bool) {
	n = min(n, p.limit)
	late := time.NewTimer(time.Until(by))
	defer late.Stop()
	for {
		freed := p.nextRelease()
		if p.tryReserve(who, n) {
			return n, true
		}
		select {
		case <-freed:
		case <-late.C:
			return 0, false
		}
	}
}

// nextRelease is closed when something is given back from now on.
func (p *memoryQuota) nextRelease() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.released == nil {
		p.released = make(chan struct{})
	}
	return p.released
}

// bodyReservation is what a connection has of the Gate's bodies, for the request that is under way.
//
// The server makes room for a body, or a chunk, as soon as it knows how long it is to be; so room is claimed before: of a whole body
// when its caller has shown a secret, of a chunk before the server is told of it. The claim is the connection's: it ends with the
// answer or, at the latest, with the connection, however that ends.
type bodyReservation struct {
	owner         quotaOwner
	maxBody       int64        // how long the body may be
	reservedBytes atomic.Int64 // bytes; a Shutdown may give them back
}

// reserveBody claims what is needed for the body of a request that is let in.
func (c *conn) reserveBody(h *head, k *engine.Hook) reason {
	c.maxBody = int64(c.g.maxBody(k))
	if 0 <= h.length && h.length <= maxPooledBody {
		return admitted
	}
	c.owner = ownerOf(k)
	if h.length > 0 && !c.growReservation(h.length) {
		return noMemory
	}
	return admitted
}

// reserveChunks claims what is needed for the chunks that were announced.
func (c *conn) reserveChunks() reason {
	switch n := c.frame.chunks; {
	case n <= maxPooledBody:
		return admitted
	case n > c.maxBody:
		return bodyTooLarge
	case !c.growReservation(n + int64(len("\r\n"))):
		return noMemory
	}
	return admitted
}

// growReservation makes the claim one for a body of n bytes, for which the server takes the next power of two.
func (c *conn) growReservation(n int64) bool {
	more := int64(1)<<bits.Len64(uint64(n-1)) - c.reservedBytes.Load()
	if more <= 0 {
		return true
	}
	if !c.g.bodyMemory.tryReserve(c.owner, more) {
		return false
	}
	c.reservedBytes.Add(more)
	return true
}

// releaseRequest gives back what a request had that was not answered, and what is claimed for it.
func (c *conn) releaseRequest() {
	c.abort()
	if c.reservedBytes.Load() == 0 {
		return
	}
	if n := c.reservedBytes.Swap(0); n > 0 {
		c.g.bodyMemory.release(c.owner, n)
	}
}
