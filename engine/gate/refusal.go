package gate

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// reason is why a request is refused.
type reason byte

const (
	admitted    reason = iota // not refused
	unknownPath               // no hook is served there
	wrongMethod
	unauthorized
	malformed    // what HTTP, or this gate, does not allow in a head
	headTooLarge // request line and headers
	slow         // the request did not arrive in time
	lengthless   // neither Content-Length nor chunks
	bodyTooLarge //
	wrongMedia   // Content-Type is not application/json
	encoded      // Content-Encoding
	notJSON      // or not the strict JSON that jsondoc.Doc reads
	wrongType    // eventType is not the hook's
	wrongOrg     // source names a host that is none of the hook's org's
	keyless      // the keys to judge a token by are not here
	awaited      // the key that a token names is not here, and may be soon
	notReady     // no Set is live
	crowded      // too many connections
	elsewhere    // an address that may not call
	noProxy      // no proxy's connection, where it must be, or none that says whom it speaks for
	noTLS        // no handshake
	tooOften     // an address that has failed too often to show a secret
	overloaded   // too many bytes of bodies
	wrongVersion // of HTTP
	noChallenge  // a GET without the challenge, or with one that is not to be echoed
	noEvents     // a delivery without data.events
	tooManyEvents
	unrecorded // a delivery that could not be made durable
	broken     // a panic that no hook's failure answer stands in for
	reasons
)

// refusals is the one table from a reason to what the wire sees: a status and, for a caller that has shown its secret, the
// reason's name. Nothing from inside is told. Okta takes 4xx as final and tries once more after 5xx (hooks.md section 1).
var refusals = [reasons]struct {
	status int
	name   string // also the metric's label
	told   bool
}{
	unknownPath:   {fasthttp.StatusNotFound, "unknown_path", false},
	wrongMethod:   {fasthttp.StatusMethodNotAllowed, "method", false},
	unauthorized:  {fasthttp.StatusUnauthorized, "unauthorized", false},
	malformed:     {fasthttp.StatusBadRequest, "malformed_request", false},
	headTooLarge:  {fasthttp.StatusRequestHeaderFieldsTooLarge, "headers_too_large", false},
	slow:          {fasthttp.StatusRequestTimeout, "timeout", false},
	lengthless:    {fasthttp.StatusLengthRequired, "length_required", true},
	bodyTooLarge:  {fasthttp.StatusRequestEntityTooLarge, "body_too_large", true},
	wrongMedia:    {fasthttp.StatusUnsupportedMediaType, "content_type", true},
	encoded:       {fasthttp.StatusUnsupportedMediaType, "content_encoding", true},
	notJSON:       {fasthttp.StatusBadRequest, "not_json", true},
	wrongType:     {fasthttp.StatusBadRequest, "event_type", true},
	wrongOrg:      {fasthttp.StatusForbidden, "org", true},
	keyless:       {fasthttp.StatusServiceUnavailable, "keys", false},
	awaited:       {fasthttp.StatusServiceUnavailable, "key", false},
	notReady:      {fasthttp.StatusServiceUnavailable, "not_ready", false},
	crowded:       {fasthttp.StatusServiceUnavailable, "connections", false},
	elsewhere:     {fasthttp.StatusForbidden, "address", false},
	noProxy:       {fasthttp.StatusBadRequest, "proxy", false}, // never told: there is no HTTP yet
	noTLS:         {fasthttp.StatusBadRequest, "tls", false},
	tooOften:      {fasthttp.StatusTooManyRequests, "too_many_failures", false},
	overloaded:    {fasthttp.StatusServiceUnavailable, "memory", false},
	wrongVersion:  {fasthttp.StatusHTTPVersionNotSupported, "http_version", false},
	noChallenge:   {fasthttp.StatusBadRequest, "challenge", true},
	noEvents:      {fasthttp.StatusBadRequest, "no_events", true},
	tooManyEvents: {fasthttp.StatusRequestEntityTooLarge, "too_many_events", true},
	unrecorded:    {fasthttp.StatusServiceUnavailable, "unrecorded", false},
	broken:        {fasthttp.StatusInternalServerError, "internal", false},
}

// refuse answers a request that gets no decision.
func (g *Gate) refuse(ctx *fasthttp.RequestCtx, c *conn, r reason) {
	if r == unauthorized {
		c.hook.Unauthorized(c.client)
		r = g.failed(c, r)
	}
	if r == awaited && !g.friends.Has(c.client, time.Now()) { // a name that was made up looks like this
		r = g.failed(c, r)
	}
	if r == elsewhere {
		g.away(r, c.client)
	} else {
		g.counts.add(r)
	}
	ctx.SetStatusCode(refusals[r].status)
	if r == wrongMethod {
		ctx.Response.Header.Set(fasthttp.HeaderAllow, allowed(c.hook))
	}
	if refusals[r].told {
		ctx.SetContentType(mediaType)
		ctx.SetBodyString(`{"error":"` + refusals[r].name + `"}`)
	}
}

// allowed lists the methods that a hook has.
func allowed(k *engine.Hook) string {
	if k.Rules.Type == hook.EventHook {
		return "GET, POST"
	}
	return fasthttp.MethodPost
}

// unreadable answers a request that could not be read to its end. The server closes the connection.
func (g *Gate) unreadable(ctx *fasthttp.RequestCtx, _ error) {
	c := ctx.Conn().(*conn)
	c.unread.Store(true)
	ctx.Request.ReleaseBody(keep)
	c.settle()
	r := c.refused // of which the server knows nothing
	if r == admitted {
		r = malformed // it ended too soon
	}
	if c.shown {
		g.turnAway(ctx, c, r)
		return
	}
	g.refuse(ctx, c, r)
}

// counts has the requests that were refused, by reason.
type counts struct {
	by [reasons]atomic.Uint64
}

func (c *counts) add(r reason) { c.by[r].Add(1) }

var (
	refusedDesc = prometheus.NewDesc("tenterhook_refused_total", "Requests that got no decision, by reason.", []string{"reason"}, nil)
	connsDesc   = prometheus.NewDesc("tenterhook_connections", "Connections to the hooks' listener that are open.", nil, nil)
	movedDesc   = prometheus.NewDesc("tenterhook_displaced_total", "Connections closed to make room before they had shown a secret.", nil, nil)
	heldDesc    = prometheus.NewDesc("tenterhook_held_bytes", "Bytes claimed for large bodies that are being read or decided on.", nil, nil)
	panicsDesc  = prometheus.NewDesc("tenterhook_panics_total", "Bugs: panics that the gate caught.", nil, nil)
)

// collector shows Prometheus what a Gate counts.
type collector struct{ g *Gate }

// Describe lists the metrics.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	out <- refusedDesc
	out <- connsDesc
	out <- movedDesc
	out <- heldDesc
	out <- panicsDesc
}

// Collect reads every counter.
func (c collector) Collect(out chan<- prometheus.Metric) {
	for r := unknownPath; r < reasons; r++ {
		n := float64(c.g.counts.by[r].Load())
		out <- prometheus.MustNewConstMetric(refusedDesc, prometheus.CounterValue, n, refusals[r].name)
	}
	out <- prometheus.MustNewConstMetric(connsDesc, prometheus.GaugeValue, float64(c.g.open.Load()))
	out <- prometheus.MustNewConstMetric(movedDesc, prometheus.CounterValue, float64(c.g.displaced.Load()))
	out <- prometheus.MustNewConstMetric(heldDesc, prometheus.GaugeValue, float64(c.g.bodies.used.Load()))
	out <- prometheus.MustNewConstMetric(panicsDesc, prometheus.CounterValue, float64(c.g.panics.Load()))
}
