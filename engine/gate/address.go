package gate

import (
	"net/netip"
	"time"
)

// checkConn decides on a connection by who opens it, before anything of it is read.
func (g *Gate) checkConn(from netip.Addr) reason {
	if g.o.Proxies.Has(from) {
		return admitted // whom it speaks for is decided when it has said so
	}
	if g.o.ProxyHeader || g.tls == nil && !g.o.Proxies.Empty() && !from.IsLoopback() {
		return proxyMissing
	}
	return g.checkAddr(from)
}

// checkAddr decides on who is at the other end. A proxy is let in: its requests say who calls.
func (g *Gate) checkAddr(from netip.Addr) reason {
	if g.o.Proxies.Has(from) || g.o.Allowed.Has(from) {
		return admitted
	}
	return addrNotAllowed
}

// countFailure counts a failed authentication for who calls. An address that has had too many is told so, and nothing is waited for
// so that it hears it; a right secret from there is let in as ever.
func (g *Gate) countFailure(c *conn, r reason) reason {
	if !g.failures.Add(c.client, time.Now()) {
		return r
	}
	c.lingers.Store(false)
	return tooManyFailures
}

// rejectAddr counts who may not call from where they are, and has the log tell of it once a minute: a list that is wrong turns
// Okta away without a word.
func (g *Gate) rejectAddr(r reason, from netip.Addr) {
	g.rejected.add(r)
	now := time.Now().Unix()
	if last := g.addrLoggedAt.Load(); now-last >= 60 && g.addrLoggedAt.CompareAndSwap(last, now) {
		g.o.Log.Warn("an address may not call", "reason", rejections[r].name, "from", from.String(), "times", g.rejected.by[r].Load())
	}
}
