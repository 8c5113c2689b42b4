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
	malformed       // what HTTP, or this gate, does not allow in a head
	headTooLarge    // request line and headers
	timedOut        // the request did not arrive in time
	noLength        // neither Content-Length nor chunks
	bodyTooLarge    //
	wrongMedia      // Content-Type is not application/json
	contentEncoded  // Content-Encoding
	notJSON         // or not the strict JSON that jsondoc.Doc reads
	wrongEventType  // eventType is not the hook's
	wrongOrg        // source names a host that is none of the hook's org's
	keysMissing     // the keys to judge a token by are not here
	keyPending      // the key that a token names is not here, and may be soon
	notReady        // no Set is live
	tooManyConns    // too many connections
	addrNotAllowed  // an address that may not call
	proxyMissing    // no proxy's connection, where it must be, or none that says whom it speaks for
	handshakeFailed // no handshake
	tooManyFailures // an address that has failed too often to show a secret
	noMemory        // too many bytes of bodies
	wrongVersion    // of HTTP
	noChallenge     // a GET without the challenge, or with one that is not to be echoed
	noEvents        // a delivery without data.events
	tooManyEvents
	notRecorded   // a delivery that could not be made durable
	internalError // a panic that no hook's failure answer stands in for
	reasons
)

// rejections is the one table from a reason to what the wire sees: a status and, for a caller that has shown its secret, the
// reason's name. Nothing from inside is told. Okta takes 4xx as final and tries once more after 5xx (hooks.md section 1).
var rejections = [reasons]struct {
	status int
	name   string // also the metric's label
	told   bool
}{
	unknownPath:     {fasthttp.StatusNotFound, "unknown_path", false},
	wrongMethod:     {fasthttp.StatusMethodNotAllowed, "method", false},
	unauthorized:    {fasthttp.StatusUnauthorized, "unauthorized", false},
	malformed:       {fasthttp.StatusBadRequest, "malformed_request", false},
	headTooLarge:    {fasthttp.StatusRequestHeaderFieldsTooLarge, "headers_too_large", false},
	timedOut:        {fasthttp.StatusRequestTimeout, "timeout", false},
	noLength:        {fasthttp.StatusLengthRequired, "length_required", true},
	bodyTooLarge:    {fasthttp.StatusRequestEntityTooLarge, "body_too_large", true},
	wrongMedia:      {fasthttp.StatusUnsupportedMediaType, "content_type", true},
	contentEncoded:  {fasthttp.StatusUnsupportedMediaType, "content_encoding", true},
	notJSON:         {fasthttp.StatusBadRequest, "not_json", true},
	wrongEventType:  {fasthttp.StatusBadRequest, "event_type", true},
	wrongOrg:        {fasthttp.StatusForbidden, "org", true},
	keysMissing:     {fasthttp.StatusServiceUnavailable, "keys", false},
	keyPending:      {fasthttp.StatusServiceUnavailable, "key", false},
	notReady:        {fasthttp.StatusServiceUnavailable, "not_ready", false},
	tooManyConns:    {fasthttp.StatusServiceUnavailable, "connections", false},
	addrNotAllowed:  {fasthttp.StatusForbidden, "address", false},
	proxyMissing:    {fasthttp.StatusBadRequest, "proxy", false}, // never told: there is no HTTP yet
	handshakeFailed: {fasthttp.StatusBadRequest, "tls", false},
	tooManyFailures: {fasthttp.StatusTooManyRequests, "too_many_failures", false},
	noMemory:        {fasthttp.StatusServiceUnavailable, "memory", false},
	wrongVersion:    {fasthttp.StatusHTTPVersionNotSupported, "http_version", false},
	noChallenge:     {fasthttp.StatusBadRequest, "challenge", true},
	noEvents:        {fasthttp.StatusBadRequest, "no_events", true},
	tooManyEvents:   {fasthttp.StatusRequestEntityTooLarge, "too_many_events", true},
	notRecorded:     {fasthttp.StatusServiceUnavailable, "unrecorded", false},
	internalError:   {fasthttp.StatusInternalServerError, "internal", false},
}

// reject answers a request that gets no decision.
func (g *Gate) reject(ctx *fasthttp.RequestCtx, c *conn, r reason) {
	if r == unauthorized {
		c.hook.Unauthorized(c.client)
		r = g.countFailure(c, r)
	}
	if r == keyPending && !g.trusted.Has(c.client, time.Now()) { // a name that was made up looks like this
		r = g.countFailure(c, r)
	}
	if r == addrNotAllowed {
		g.rejectAddr(r, c.client)
	} else {
		g.rejected.add(r)
	}
	ctx.SetStatusCode(rejections[r].status)
	if r == wrongMethod {
		ctx.Response.Header.Set(fasthttp.HeaderAllow, allowedMethods(c.hook))
	}
	if rejections[r].told {
		ctx.SetContentType(mediaType)
		ctx.SetBodyString(`{"error":"` + rejections[r].name + `"}`)
	}
}

// allowedMethods lists the methods that a hook has.
func allowedMethods(k *engine.Hook) string {
	if k.Rules.Type == hook.EventHook {
		return "GET, POST"
	}
	return fasthttp.MethodPost
}

// rejectUnreadable answers a request that could not be read to its end. The server closes the connection.
func (g *Gate) rejectUnreadable(ctx *fasthttp.RequestCtx, _ error) {
	c := ctx.Conn().(*conn)
	c.lingers.Store(true)
	ctx.Request.ReleaseBody(maxPooledBody)
	c.releaseRequest()
	r := c.rejection // of which the server knows nothing
	if r == admitted {
		r = malformed // it ended too soon
	}
	if c.authenticated {
		g.rejectLogged(ctx, c, r)
		return
	}
	g.reject(ctx, c, r)
}

// rejectCounts has the requests that were refused, by reason.
type rejectCounts struct {
	by [reasons]atomic.Uint64
}

func (c *rejectCounts) add(r reason) { c.by[r].Add(1) }

var (
	rejectedDesc = prometheus.NewDesc("tenterhook_refused_total", "Requests that got no decision, by reason.", []string{"reason"}, nil)
	connsDesc    = prometheus.NewDesc("tenterhook_connections", "Connections to the hooks' listener that are open.", nil, nil)
	evictedDesc  = prometheus.NewDesc("tenterhook_displaced_total", "Connections closed to make room before they had shown a secret.", nil, nil)
	memoryDesc   = prometheus.NewDesc("tenterhook_held_bytes", "Bytes claimed for large bodies that are being read or decided on.", nil, nil)
	panicsDesc   = prometheus.NewDesc("tenterhook_panics_total", "Bugs: panics that the gate caught.", nil, nil)
)

// collector shows Prometheus what a Gate counts.
type collector struct{ g *Gate }

// Describe lists the metrics.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	out <- rejectedDesc
	out <- connsDesc
	out <- evictedDesc
	out <- memoryDesc
	out <- panicsDesc
}

// Collect reads every counter.
func (c collector) Collect(out chan<- prometheus.Metric) {
	for r := unknownPath; r < reasons; r++ {
		n := float64(c.g.rejected.by[r].Load())
		out <- prometheus.MustNewConstMetric(rejectedDesc, prometheus.CounterValue, n, rejections[r].name)
	}
	out <- prometheus.MustNewConstMetric(connsDesc, prometheus.GaugeValue, float64(c.g.open.Load()))
	out <- prometheus.MustNewConstMetric(evictedDesc, prometheus.CounterValue, float64(c.g.evicted.Load()))
	out <- prometheus.MustNewConstMetric(memoryDesc, prometheus.GaugeValue, float64(c.g.bodyMemory.used.Load()))
	out <- prometheus.MustNewConstMetric(panicsDesc, prometheus.CounterValue, float64(c.g.panics.Load()))
}
