package gate

import (
	"net/netip"
	"runtime"

	"github.com/tenterhook/tenterhook/engine/fair"
	"github.com/tenterhook/tenterhook/engine/peer"
)

// handshakeLimits bound the handshakes computed at one time, so that any number of them leaves
// processors to the calls. Each limit is fair between addresses. Trusted addresses do not wait for
// others, and addresses with too many failures share one slot.
type handshakeLimits struct {
	trusted, others, failing *fair.Limiter[netip.Addr]
}

func newHandshakeLimits() handshakeLimits {
	slots := max(1, runtime.GOMAXPROCS(0)/2)
	return handshakeLimits{fair.New[netip.Addr](slots), fair.New[netip.Addr](slots), fair.New[netip.Addr](1)}
}

func (c *conn) handshakeLimit() *fair.Limiter[netip.Addr] {
	switch {
	case c.failingAddr:
		return c.g.handshakes.failing
	case c.trustedAddr:
		return c.g.handshakes.trusted
	}
	return c.g.handshakes.others
}

// acquireHandshake waits for a handshake slot until the handshake's deadline. It is also false for
// a connection that was evicted meanwhile.
func (c *conn) acquireHandshake() bool {
	if !c.handshakeLimit().AcquireBefore(c.handshakeBy, peer.Subscriber(c.peerAddr)) {
		return false
	}
	c.hasSlot.Store(true)
	if c.closed.Load() {
		c.releaseHandshake()
		return false
	}
	return true
}

// releaseHandshake gives back the handshake slot, if the connection has one.
func (c *conn) releaseHandshake() {
	if c.hasSlot.Load() && c.hasSlot.CompareAndSwap(true, false) {
		c.handshakeLimit().Release(1)
	}
}
