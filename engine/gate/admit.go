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

// pass is what a connection keeps of the request that is under way, from its head to its answer: who calls, and, once it was let in,
// which hook it is for. The Set that lets a call in is the one that decides on it, however long its body takes.
type pass struct {
	client    netip.Addr   // who calls: the connection's other end or, where that is a proxy, whom it speaks for
	hook      *engine.Hook // nil: none is served there
	shown     bool         // what the hook's credentials ask for, or they ask for nothing
	secrets   uint64       // that were shown, a bit for each
	request   string       // what Okta calls it
	challenge []byte       // of a verification; nil: it is none
	lease     engine.Lease // of the hook's Set
	stage     atomic.Uint32
}

// The stages of a pass. Only who moves it out of one has the lease to give back.
const (
	outside uint32 = iota // not let in
	inside                // let in, and being read; a Shutdown may end it
	served                // being answered
)

// serves takes the pass from reading to answering. It is false where the connection was closed between.
func (p *pass) serves() bool { return p.stage.CompareAndSwap(inside, served) }

// answered ends a pass that was served.
func (p *pass) answered() {
	if p.stage.CompareAndSwap(served, outside) {
		p.lease.Release()
		p.shown, p.hook, p.lease = false, nil, engine.Lease{} // a connection that is idle keeps no Set in memory
	}
}

// leave ends a pass that was not served.
func (p *pass) leave() {
	if p.stage.CompareAndSwap(inside, outside) {
		p.lease.Release()
	}
}

// enter reads the head that text begins with and judges it, before anything of the body is read. n is its length; told, which is
// appended to b, is what the server is told instead.
func (c *conn) enter(text, b []byte) (told []byte, n int, r reason) {
	lease := c.g.e.Lease()
	defer func() {
		if p := recover(); p != nil {
			c.g.bug(p)
			r = broken
		}
		c.judged(r, lease)
	}()
	var h head
	var room [4]shown
	c.client, c.hook, c.shown, c.secrets = c.from, nil, false, 0
	if n, r = h.begin(text); r != admitted {
		return nil, 0, r
	}
	if lease.Held() {
		c.hook = lease.At(h.path)
	}
	if c.hook != nil {
		h.auth = wanted(room[:0], c.hook.Rules.Auth)
	}
	if c.trusted {
		h.forwarded = new([]string)
	}
	if n, r = h.read(text, n); r == admitted {
		r = c.judge(&h, lease.Held())
	}
	if r != admitted {
		return nil, n, r
	}
	c.frame.begin(&h)
	return h.told(b), n, r
}

// judged keeps the lease of a request that is let in.
func (c *conn) judged(r reason, lease engine.Lease) {
	if r != admitted {
		lease.Release()
		return
	}
	c.lease = lease
	c.stage.Store(inside)
	c.recognize()
}

// judge decides on a request from its head. The order is what a stranger may learn: which paths there are (they are no
// secrets), then nothing without the secret.
func (c *conn) judge(h *head, ready bool) (r reason) {
	k := c.hook
	if c.trusted {
		c.client = peer.Forwarded(c.g.o.Proxies, c.from, *h.forwarded)
		if !c.g.o.Allowed.Has(c.client) {
			return elsewhere
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
	if c.secrets, r = c.g.known(k, h); r != admitted {
		return r
	}
	c.shown, c.request, c.challenge = true, h.name(), nil
	if get {
		return c.challenged(h)
	}
	if r = judgeBody(h, c.g.maxBody(k)); r != admitted {
		return r
	}
	return c.room(h, k)
}

// judgeBody decides on what the head says about the body.
func judgeBody(h *head, most int) reason {
	switch {
	case h.media.count > 1, h.encoding.count > 1:
		return malformed // two headers of which another reader may take the other one
	case h.length < 0 && !h.chunked:
		return lengthless
	case h.length > int64(most):
		return bodyTooLarge
	}
	if h.encoding.count > 0 && !equalFold(h.encoding.value, "identity") {
		return encoded
	}
	media, _, _ := bytes.Cut(h.media.value, []byte{';'})
	if !equalFold(trim(media), mediaType) {
		return wrongMedia
	}
	return admitted
}

// wanted lists the headers that the credentials ask for, each once.
func wanted(list []shown, auth []rules.Credential) []shown {
	for i := range auth {
		for j := range auth[i].Lines {
			if name := auth[i].Lines[j].Header; find(list, name) == nil {
				list = append(list, shown{name: name})
			}
		}
	}
	return list
}

func find(list []shown, name string) *shown {
	for i := range list {
		if equalFold(list[i].name, name) {
			return &list[i]
		}
	}
	return nil
}
