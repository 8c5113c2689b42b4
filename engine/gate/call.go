package gate

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// maxPooledBody is the largest body whose memory is reused by the next call.
const maxPooledBody = 64 << 10

// maxBodyWait is the time for parsing a large body, from the request's first byte. Okta waits no
// longer.
const maxBodyWait = 2 * time.Second

// callScratch is the reusable memory of one call.
type callScratch struct {
	doc  jsondoc.Doc
	call hook.Call
}

var scratchPool = sync.Pool{New: func() any { return new(callScratch) }}

// serve answers a request that was admitted and read to its end. It keeps no reference to ctx.
func (g *Gate) serve(ctx *fasthttp.RequestCtx) {
	c := ctx.Conn().(*conn)
	defer func() {
		ctx.Request.ReleaseBody(maxPooledBody)
		c.endRequest()
	}()
	if !c.beginAnswer() {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable) // not delivered: the connection was closed
		return
	}
	if c.isProbe {
		return // with status 200
	}
	c.hook.CountSecrets(c.usedSecrets)
	if c.challenge != nil {
		g.answerChallenge(ctx, c.challenge)
		return
	}
	g.answer(ctx, c)
}

// answer parses the body and has the engine decide on it.
func (g *Gate) answer(ctx *fasthttp.RequestCtx, c *conn) {
	k := c.hook
	body := ctx.Request.Body()
	if len(body) > maxPooledBody {
		n, ok := g.parseMemory.reserve(c.owner, int64(len(body)), c.requestStart().Add(maxBodyWait))
		if !ok {
			g.rejectLogged(ctx, c, noMemory)
			return
		}
		defer g.parseMemory.release(c.owner, n)
	}
	s := scratchPool.Get().(*callScratch)
	defer g.releaseScratch(ctx, c, s, body)
	if err := g.parse(c, &s.doc, body); err != nil {
		g.answerUnreadable(ctx, c, body, err)
		return
	}
	root := s.doc.Root()
	if root.Get("eventType").Text() != k.Rules.Type.EventType() {
		g.rejectLogged(ctx, c, wrongEventType)
		return
	}
	if host, is := foreignHost(k.Rules, root); is {
		k.CountForeign(root.Get("eventId").Text(), host, c.client)
		g.rejectLogged(ctx, c, wrongOrg)
		return
	}
	s.call = hook.Call{
		Hook: k.Rules.Name, Type: k.Rules.Type, ID: root.Get("eventId").Text(), Request: c.requestID,
		Start: c.requestStart(), Doc: &s.doc,
	}
	if k.Rules.Type == hook.EventHook {
		g.accept(ctx, c, &s.call)
		return
	}
	r := k.Answer(&s.call)
	writeJSON(ctx, r.Body)
	g.logCall(ctx, c, &s.call, r)
}

// rejectLogged rejects an authenticated request and logs it, because an operator will look for that
// call.
func (g *Gate) rejectLogged(ctx *fasthttp.RequestCtx, c *conn, r reason) {
	g.reject(ctx, c, r)
	if g.journal.o.Writer == nil {
		return
	}
	g.journal.add(&entry{
		hook: c.hook, requestID: c.requestID, outcome: "refused", reason: rejections[r].name, status: ctx.Response.StatusCode(),
		duration: time.Since(c.requestStart()), in: len(ctx.Request.Body()), out: len(ctx.Response.Body()), from: c.client,
	})
}

// logCall writes the journal's line about a call.
func (g *Gate) logCall(ctx *fasthttp.RequestCtx, c *conn, call *hook.Call, r engine.Reply) {
	if g.journal.o.Writer == nil {
		return
	}
	g.journal.add(&entry{
		hook: c.hook, requestID: c.requestID, event: call.ID[:min(len(call.ID), maxRequestID)], rules: r.Rules, outcome: r.Outcome.String(), repeat: r.Repeat || r.Twin,
		status: ctx.Response.StatusCode(), duration: time.Since(call.Start), in: len(call.Doc.Root().Raw()), out: len(r.Body), from: c.client,
	})
}

func writeJSON(ctx *fasthttp.RequestCtx, body []byte) {
	ctx.SetContentType(mediaType)
	ctx.Response.SetBodyRaw(body)
}

// releaseScratch recovers from a panic in a call, and removes the call's text from reusable memory:
// all of it if it contains a password or a one-time code, and unusually large bodies.
func (g *Gate) releaseScratch(ctx *fasthttp.RequestCtx, c *conn, s *callScratch, body []byte) {
	k := c.hook
	if p := recover(); p != nil {
		g.logPanic(p)
		clear(body)
		if k.Rules.Type == hook.EventHook {
			g.reject(ctx, c, notRecorded)
			return
		}
		writeJSON(ctx, k.Rules.Failure) // an inline hook always gets a decision
		return                          // the panic may have left references to the scratch memory
	}
	secret := k.Rules.Type.HasSecrets()
	if secret {
		clear(body)
	}
	if secret || len(body) > maxPooledBody {
		return // the Doc has decoded texts of its own: leave it to the garbage collector
	}
	s.doc.Reset()
	s.call = hook.Call{}
	scratchPool.Put(s)
}

// logPanic counts and logs a panic. Only the runtime's own panics are quoted: others may contain
// data of a call.
func (g *Gate) logPanic(p any) {
	g.panics.Add(1)
	text := fmt.Sprintf("%T", p)
	if err, ok := p.(runtime.Error); ok {
		text = err.Error()
	}
	g.o.Log.Error("a panic was caught: this is a bug", "panic", text, "stack", string(debug.Stack()))
}
