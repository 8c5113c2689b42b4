package gate

import (
	"github.com/valyala/fasthttp"

	"github.com/tenterhook/tenterhook/engine"
)

// isProbe reports whether a request is a health check: platforms with one port probe that port, and
// cannot send a secret.
func (g *Gate) isProbe(h *head) bool {
	return g.o.Probe != "" && string(h.path) == g.o.Probe && (h.is(fasthttp.MethodGet) || h.is(fasthttp.MethodHead))
}

// probeReason answers a health check: the server is healthy once it has a Set.
func probeReason(lease engine.Lease) reason {
	if lease.Held() {
		return admitted
	}
	return notReady
}
