package gate

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// reason is the reason for rejecting a request.
type reason byte

const (
	admitted    reason = iota // not rejected
	unknownPath               // no hook has it
	wrongMethod
	unauthorized
	malformed       // the head is not HTTP, or not in the strict form
	headTooLarge    // request line and headers
	timedOut        // the request did not arrive in time
	noLength        // neither Content-Length nor chunks
	bodyTooLarge    //
	wrongMedia      // Content-Type is not application/json
	contentEncoded  // Content-Encoding
	notJSON         // not the strict JSON of jsondoc.Doc
	wrongEventType  // eventType is not the hook's
	wrongOrg        // source names a host of another org
	keysMissing     // the issuer's keys could not be fetched yet
	keyPending      // the token's key is being fetched
	notReady        // no Set is live
	tooManyConns    // at MaxConns
	addrNotAllowed  // not in Options.Allowed
	proxyMissing    // not a proxy's connection, or without a PROXY header
	handshakeFailed // TLS
	tooManyFailures // of authentication, from this address
	noMemory        // the quota of large bodies is used up
	wrongVersion    // of HTTP
	noChallenge     // a GET whose challenge is missing or cannot be echoed
	notRecorded     // a delivery that could not be made durable
	internalError   // a panic outside a call
	reasons
)

// rejections is the only table from a reason to the answer: a status and, for an authenticated
// caller, the reason's name. Internal texts are never sent. Okta takes 4xx as final and repeats
// once after 5xx (hooks.md section 1).
var rejections = [reasons]struct {
	status int
	name   string // label of the metric
	named  bool
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
	proxyMissing:    {fasthttp.StatusBadRequest, "proxy", false}, // never sent: HTTP has not begun
	handshakeFailed: {fasthttp.StatusBadRequest, "tls", false},
	tooManyFailures: {fasthttp.StatusTooManyRequests, "too_many_failures", false},
	noMemory:        {fasthttp.StatusServiceUnavailable, "memory", false},
	wrongVersion:    {fasthttp.StatusHTTPVersionNotSupported, "http_version", false},
	noChallenge:     {fasthttp.StatusBadRequest, "challenge", true},
	notRecorded:     {fasthttp.StatusServiceUnavailable, "unrecorded", false},
	internalError:   {fasthttp.StatusInternalServerError, "internal", false},
}

// reject answers a request that gets no decision.
func (g *Gate) reject(ctx *fasthttp.RequestCtx, c *conn, r reason) {
	if r == unauthorized {
		c.hook.CountUnauthorized(c.client, c.hint)
		r = g.countFailure(c, r)
	}
	if r == keyPending && !g.trusted.Has(c.client, time.Now()) { // made-up key ids end here
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
	if rejections[r].named {
		ctx.SetContentType(mediaType)
		ctx.SetBodyString(`{"error":"` + rejections[r].name + `"}`)
	}
}

// allowedMethods lists the methods of a hook.
func allowedMethods(k *engine.Hook) string {
	if k.Rules.Type == hook.EventHook {
		return "GET, POST"
	}
	return fasthttp.MethodPost
}

// rejectUnreadable answers a request that could not be read to its end. The server then closes the
// connection.
func (g *Gate) rejectUnreadable(ctx *fasthttp.RequestCtx, _ error) {
	c := ctx.Conn().(*conn)
	c.lingers.Store(true)
	ctx.Request.ReleaseBody(maxPooledBody)
	c.releaseRequest()
	r := c.rejection // unknown to the server
	if r == admitted {
		r = malformed // it ended too soon
	}
	switch {
	case c.authenticated && r == bodyTooLarge && c.hook.Rules.Type.Inline():
		g.failUnreadable(ctx, c, r, errTooLarge)
	case c.authenticated:
		g.rejectLogged(ctx, c, r)
	default:
		g.reject(ctx, c, r)
	}
}

// rejectCounts counts rejected requests by reason.
type rejectCounts struct {
	by [reasons]atomic.Uint64
}

func (c *rejectCounts) add(r reason) { c.by[r].Add(1) }

var (
	rejectedDesc = prometheus.NewDesc("tenterhook_refused_total", "Requests that no rule decided on, by reason.", []string{"reason"}, nil)
	connsDesc    = prometheus.NewDesc("tenterhook_connections", "Connections to the hooks' listener that are open.", nil, nil)
	evictedDesc  = prometheus.NewDesc("tenterhook_displaced_total", "Connections closed to make room before they had sent a right secret.", nil, nil)
	memoryDesc   = prometheus.NewDesc("tenterhook_held_bytes", "Bytes reserved for large bodies that are being read or decided on.", nil, nil)
	panicsDesc   = prometheus.NewDesc("tenterhook_panics_total", "Panics that the gate recovered from: each is a bug.", nil, nil)
)

// collector exports a Gate's counters to Prometheus.
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
