package gate

import (
	"net/netip"
	"time"
)

// checkConn decides on a connection by its remote address, before any byte of it is read.
func (g *Gate) checkConn(from netip.Addr) reason {
	if g.o.Proxies.Has(from) {
		return admitted // the client is checked once the proxy has named it
	}
	if g.o.ProxyHeader || g.tls == nil && !g.o.Proxies.Empty() && !from.IsLoopback() {
		return proxyMissing
	}
	return g.checkAddr(from)
}

// checkAddr decides on a client's address. Proxies are admitted: their requests name the client.
func (g *Gate) checkAddr(from netip.Addr) reason {
	if g.o.Proxies.Has(from) || g.o.Allowed.Has(from) {
		return admitted
	}
	return addrNotAllowed
}

// countFailure counts a failed authentication of the client's address. An address with too many
// failures gets tooManyFailures, and its connection closes without lingering for the answer. A
// right secret from that address is accepted as before.
func (g *Gate) countFailure(c *conn, r reason) reason {
	if !g.failures.Add(c.client, time.Now()) {
		return r
	}
	c.lingers.Store(false)
	return tooManyFailures
}

// rejectAddr counts a caller whose address is not allowed, and logs one such address a minute: a
// wrong allow list rejects Okta without any other sign.
func (g *Gate) rejectAddr(r reason, from netip.Addr) {
	g.rejected.add(r)
	now := time.Now().Unix()
	if last := g.addrLoggedAt.Load(); now-last >= 60 && g.addrLoggedAt.CompareAndSwap(last, now) {
		g.o.Log.Warn("the address is not allowed to call", "reason", rejections[r].name, "from", from.String(), "times", g.rejected.by[r].Load())
	}
}
