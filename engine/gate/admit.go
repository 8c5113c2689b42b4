package gate

import (
	"bytes"
	"net/netip"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/engine/peer"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

const mediaType = "application/json"

// admission is what a connection keeps of the request that is under way, from its head to its answer: who calls, and, once it was let in,
// which hook it is for. The Set that lets a call in is the one that decides on it, however long its body takes.
type admission struct {
	client        netip.Addr   // who calls: the connection's other end or, where that is a proxy, whom it speaks for
	hook          *engine.Hook // nil: none is served there
	authenticated bool         // what the hook's credentials ask for, or they ask for nothing
	usedSecrets   uint64       // that were shown, a bit for each
	requestID     string       // what Okta calls it
	challenge     []byte       // of a verification; nil: it is none
	lease         engine.Lease // of the hook's Set
	stage         atomic.Uint32
}

// The stages of a pass. Only who moves it out of one has the lease to give back.
const (
	notAdmitted   uint32 = iota // not let in
	beingRead                   // let in, and being read; a Shutdown may end it
	beingAnswered               // being answered
)

// beginAnswer takes the pass from reading to answering. It is false where the connection was closed between.
func (p *admission) beginAnswer() bool { return p.stage.CompareAndSwap(beingRead, beingAnswered) }

// finishAnswer ends a pass that was served.
func (p *admission) finishAnswer() {
	if p.stage.CompareAndSwap(beingAnswered, notAdmitted) {
		p.lease.Release()
		p.authenticated, p.hook, p.lease = false, nil, engine.Lease{} // a connection that is idle keeps no Set in memory
	}
}

// abort ends a pass that was not served.
func (p *admission) abort() {
	if p.stage.CompareAndSwap(beingRead, notAdmitted) {
		p.lease.Release()
	}
}

// admitRequest reads the head that text begins with and judges it, before anything of the body is read. n is its length; told, which is
// appended to b, is what the server is told instead.
func (c *conn) admitRequest(text, b []byte) (told []byte, n int, r reason) {
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
	c.client, c.hook, c.authenticated, c.usedSecrets = c.peerAddr, nil, false, 0
	if n, r = h.parseRequestLine(text); r != admitted {
		return nil, 0, r
	}
	if lease.Held() {
		c.hook = lease.At(h.path)
	}
	if c.hook != nil {
		h.auth = credentialHeaders(room[:0], c.hook.Rules.Auth)
	}
	if c.isProxy {
		h.forwarded = new([]string)
	}
	if n, r = h.parseLines(text, n); r == admitted {
		r = c.checkHead(&h, lease.Held())
	}
	if r != admitted {
		return nil, n, r
	}
	c.frame.start(&h)
	return h.appendMinimal(b), n, r
}

// finishAdmission keeps the lease of a request that is let in.
func (c *conn) finishAdmission(r reason, lease engine.Lease) {
	if r != admitted {
		lease.Release()
		return
	}
	c.lease = lease
	c.stage.Store(beingRead)
	c.markAuthenticated()
}

// checkHead decides on a request from its head. The order is what a stranger may learn: which paths there are (they are no
// secrets), then nothing without the secret.
func (c *conn) checkHead(h *head, ready bool) (r reason) {
	k := c.hook
	if c.isProxy {
		c.client = peer.ForwardedClient(c.g.o.Proxies, c.peerAddr, *h.forwarded)
		if !c.g.o.Allowed.Has(c.client) {
			return addrNotAllowed
		}
	}
	switch {
	case !ready:
		return notReady
	case k == nil:
		return unknownPath
	}
	get := h.is(fasthttp.MethodGet) && k.Rules.Type == hook.EventHook
	if !get && !h.is(fasthttp.MethodPost) {
		return wrongMethod
	}
	if c.usedSecrets, r = c.g.authenticate(k, h); r != admitted {
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

// checkBodyHeaders decides on what the head says about the body.
func checkBodyHeaders(h *head, most int) reason {
	switch {
	case h.media.count > 1, h.encoding.count > 1:
		return malformed // two headers of which another reader may take the other one
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

// credentialHeaders lists the headers that the credentials ask for, each once.
func credentialHeaders(list []credentialHeader, auth []rules.Credential) []credentialHeader {
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
