package gate

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tenterhook/tenterhook/engine"
)

// memoryQuota is the memory for large bodies. No owner may have more than is left for the others:
// the first to take all it can gets half, the second a quarter, and a newcomer always finds some.
type memoryQuota struct {
	limit int64
	used  atomic.Int64 // changed under mu

	mu       sync.Mutex // guards the fields below
	byOwner  map[quotaOwner]int64
	released chan struct{} // closed by the next release; nil: no waiter
}

// quotaOwner is the owner of a reservation: an org, or a hook without one.
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

// tryReserve reserves n bytes, and reports whether they were available.
func (p *memoryQuota) tryReserve(owner quotaOwner, n int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	used, its := p.used.Load(), p.byOwner[owner]
	if its+n > p.limit-used {
		return false
	}
	p.used.Store(used + n)
	p.byOwner[owner] = its + n
	return true
}

func (p *memoryQuota) release(owner quotaOwner, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used.Add(-n)
	if p.byOwner[owner] -= n; p.byOwner[owner] == 0 {
		delete(p.byOwner, owner)
	}
	if p.released != nil {
		close(p.released)
		p.released = nil
	}
}

// reserve waits until a deadline for n bytes, or for the whole quota if n is larger.
func (p *memoryQuota) reserve(owner quotaOwner, n int64, deadline time.Time) (reserved int64, ok bool) {
	n = min(n, p.limit)
	timeout := time.NewTimer(time.Until(deadline))
	defer timeout.Stop()
	for {
		freed := p.nextRelease()
		if p.tryReserve(owner, n) {
			return n, true
		}
		select {
		case <-freed:
		case <-timeout.C:
			return 0, false
		}
	}
}

// nextRelease returns a channel that the next release closes.
func (p *memoryQuota) nextRelease() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.released == nil {
		p.released = make(chan struct{})
	}
	return p.released
}

// bodyReservation is the memory reserved for the body of a connection's current request.
//
// The server allocates a body, or a chunk, as soon as it knows the length. So the memory is
// reserved first: for a whole body once the caller is authenticated, for a chunk before the server
// sees its size. The reservation belongs to the connection. It ends with the answer or, at the
// latest, when the connection closes, for whatever reason.
type bodyReservation struct {
	owner         quotaOwner
	maxBody       int64        // limit of the body's length
	reservedBytes atomic.Int64 // Shutdown may release them
}

// reserveBody reserves memory for the body of an admitted request.
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

// reserveChunks reserves memory for the chunks whose sizes were read.
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

// growReservation makes the reservation large enough for a body of n bytes, for which the server
// allocates the next power of two.
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

// releaseRequest releases the lease of a request that was not answered, and its reservation.
func (c *conn) releaseRequest() {
	c.abort()
	if c.reservedBytes.Load() == 0 {
		return
	}
	if n := c.reservedBytes.Swap(0); n > 0 {
		c.g.bodyMemory.release(c.owner, n)
	}
}
