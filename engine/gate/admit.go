package gate

import (
	"bytes"
	"net/netip"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/peer"
	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

const mediaType = "application/json"

// admission is the state of a connection's current request, from its head to its answer: the client
// and, once admitted, the hook. The Set that admits a call also decides on it, however long the
// body takes.
type admission struct {
	client        netip.Addr   // the remote address or, if that is a proxy, the address it forwards for
	hook          *engine.Hook // nil: no hook has this path
	authenticated bool         // a credential of the hook matched, or the hook needs none
	usedSecrets   uint64       // one bit for each secret that matched
	requestID     string       // X-Okta-Request-Id
	isProbe       bool         // a health check at Options.Probe; hook is nil
	hint          string       // why authentication failed, for the log
	challenge     []byte       // of a verification; nil: this is a call
	lease         engine.Lease // on the hook's Set
	stage         atomic.Uint32
}

// The stages of an admission. The goroutine that moves it out of a stage releases the lease.
const (
	notAdmitted uint32 = iota
	beingRead          // admitted, and its body is being read; Shutdown may end it
	beingAnswered
)

// reset begins with a new request.
func (p *admission) reset(client netip.Addr) {
	p.client, p.hook, p.authenticated, p.usedSecrets, p.isProbe, p.hint = client, nil, false, 0, false, ""
}

// beginAnswer moves the request from reading to answering. It is false if the connection was closed
// in between.
func (p *admission) beginAnswer() bool { return p.stage.CompareAndSwap(beingRead, beingAnswered) }

// finishAnswer ends a request that was answered.
func (p *admission) finishAnswer() {
	if p.stage.CompareAndSwap(beingAnswered, notAdmitted) {
		p.lease.Release()
		p.authenticated, p.hook, p.lease = false, nil, engine.Lease{} // an idle connection keeps no Set in memory
	}
}

// abort ends a request that was admitted, but not answered.
func (p *admission) abort() {
	if p.stage.CompareAndSwap(beingRead, notAdmitted) {
		p.lease.Release()
	}
}

// admitRequest parses the head that text begins with and checks it, before any of the body is read.
// n is the head's length. The minimal head, which the server gets instead, is appended to b.
func (c *conn) admitRequest(text, b []byte) (minimal []byte, n int, r reason) {
	lease := c.g.e.Lease()
	defer func() {
		if p := recover(); p != nil {
			c.g.logPanic(p)
			r = internalError
		}
		c.finishAdmission(r, lease)
	}()
	var h head
	var room [4]credentialHeader
	c.admission.reset(c.peerAddr)
	if n, r = h.parseRequestLine(text); r != admitted {
		return nil, 0, r
	}
	if lease.Held() {
		c.hook = lease.At(h.path)
	}
	switch {
	case c.hook != nil:
		h.auth = credentialHeaders(room[:0], c.hook.Rules.Auth)
	case lease.Held() && c.g.mayLogMisdirected():
		for _, k := range lease.Hooks() {
			h.auth = credentialHeaders(h.auth, k.Rules.Auth)
		}
	}
	if c.isProxy {
		h.forwarded = new([]string)
	}
	if n, r = h.parseLines(text, n); r == admitted {
		r = c.checkHead(&h, lease)
	}
	if r != admitted {
		return nil, n, r
	}
	c.frame.start(&h)
	return h.appendMinimal(b), n, r
}

// finishAdmission keeps the lease of a request that is admitted.
func (c *conn) finishAdmission(r reason, lease engine.Lease) {
	if r != admitted {
		lease.Release()
		return
	}
	c.lease = lease
	c.stage.Store(beingRead)
	if !c.isProbe {
		c.markAuthenticated()
	}
}

// checkHead decides on a request from its head. The order limits what an unauthenticated caller can
// learn: which paths exist (they are no secrets), and nothing more.
func (c *conn) checkHead(h *head, lease engine.Lease) (r reason) {
	k := c.hook
	if k == nil && c.g.isProbe(h) {
		c.isProbe = lease.Held()
		return probeReason(lease)
	}
	if c.isProxy {
		c.client = peer.ForwardedClient(c.g.o.Proxies, c.peerAddr, *h.forwarded)
		if !c.g.o.Allowed.Has(c.client) {
			return addrNotAllowed
		}
	}
	switch {
	case !lease.Held():
		return notReady
	case k == nil:
		c.g.logMisdirected(unknownPath, h, c.client, lease.Hooks()...)
		return unknownPath
	}
	get := h.is(fasthttp.MethodGet) && k.Rules.Type == hook.EventHook
	if !get && !h.is(fasthttp.MethodPost) {
		c.g.logMisdirected(wrongMethod, h, c.client, k)
		return wrongMethod
	}
	if c.usedSecrets, r = c.g.authenticate(k, h); r != admitted {
		c.hint = h.missingScheme(k.Rules.Auth)
		return r
	}
	c.authenticated, c.requestID, c.challenge = true, h.requestID(), nil
	if get {
		return c.checkChallenge(h)
	}
	if r = checkBodyHeaders(h, c.g.maxBody(k)); r != admitted {
		return r
	}
	return c.reserveBody(h, k)
}

// checkBodyHeaders checks the headers that describe the body.
func checkBodyHeaders(h *head, most int) reason {
	switch {
	case h.media.count > 1, h.encoding.count > 1:
		return malformed // two readers could choose different ones
	case h.length < 0 && !h.chunked:
		return noLength
	case h.length > int64(most):
		return bodyTooLarge
	}
	if h.encoding.count > 0 && !equalFold(h.encoding.value, "identity") {
		return contentEncoded
	}
	media, _, _ := bytes.Cut(h.media.value, []byte{';'})
	if !equalFold(trim(media), mediaType) {
		return wrongMedia
	}
	return admitted
}

// credentialHeaders lists the headers that the credentials need, each once.
func credentialHeaders(list []credentialHeader, auth []credential.Credential) []credentialHeader {
	for i := range auth {
		for j := range auth[i].Lines {
			if name := auth[i].Lines[j].Header; findHeader(list, name) == nil {
				list = append(list, credentialHeader{name: name})
			}
		}
	}
	return list
}

func findHeader(list []credentialHeader, name string) *credentialHeader {
	for i := range list {
		if equalFold(list[i].name, name) {
			return &list[i]
		}
	}
	return nil
}
