package gate

import (
	"errors"
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

// keep is the largest body whose memory is kept for the next call.
const keep = 64 << 10

// patience is how long after its first byte a large body is worth being read: a call has no longer.
const patience = 2 * time.Second

// sheet is what one call is written on.
type sheet struct {
	doc  jsondoc.Doc
	call hook.Call
}

var sheets = sync.Pool{New: func() any { return new(sheet) }}

// serve answers a request that was let in and read to its end. Nothing of ctx is used after it.
func (g *Gate) serve(ctx *fasthttp.RequestCtx) {
	c := ctx.Conn().(*conn)
	defer func() {
		ctx.Request.ReleaseBody(keep)
		c.ready()
	}()
	if !c.serves() {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable) // which nobody hears: the connection was closed
		return
	}
	c.hook.Used(c.secrets)
	if c.challenge != nil {
		g.verify(ctx, c.challenge)
		return
	}
	g.answer(ctx, c)
}

// answer decodes the body and has the engine decide on it.
func (g *Gate) answer(ctx *fasthttp.RequestCtx, c *conn) {
	k := c.hook
	body := ctx.Request.Body()
	if len(body) > keep {
		n, ok := g.docs.wait(c.who, int64(len(body)), c.began().Add(patience))
		if !ok {
			g.turnAway(ctx, c, overloaded)
			return
		}
		defer g.docs.give(c.who, n)
	}
	s := sheets.Get().(*sheet)
	defer g.clear(ctx, c, s, body)
	if err := s.doc.Parse(body, jsondoc.Limits{Bytes: g.maxBody(k), Values: max(keep/2, len(body)/4)}); err != nil {
		g.turnAway(ctx, c, unfit(err))
		return
	}
	root := s.doc.Root()
	if root.Get("eventType").Text() != k.Rules.Type.EventType() {
		g.turnAway(ctx, c, wrongType)
		return
	}
	if host, is := foreign(k.Rules, root); is {
		k.Foreign(root.Get("eventId").Text(), host, c.client)
		g.turnAway(ctx, c, wrongOrg)
		return
	}
	s.call = hook.Call{
		Hook: k.Rules.Name, Type: k.Rules.Type, ID: root.Get("eventId").Text(), Request: c.request,
		Start: c.began(), Doc: &s.doc,
	}
	if k.Rules.Type == hook.EventHook {
		g.accept(ctx, c, &s.call)
		return
	}
	r := k.Answer(&s.call)
	respond(ctx, r.Body)
	g.note(ctx, c, &s.call, r)
}

// unfit is why a body is refused: as Okta writes them, a large one has a value or a name for every twelve bytes.
func unfit(err error) reason {
	if errors.Is(err, jsondoc.ErrSize) {
		return bodyTooLarge
	}
	return notJSON
}

// turnAway refuses a request whose caller has shown the secret, and writes a line about it: somebody will ask where the call is.
func (g *Gate) turnAway(ctx *fasthttp.RequestCtx, c *conn, r reason) {
	g.refuse(ctx, c, r)
	if g.journal.o.Writer == nil {
		return
	}
	g.journal.add(&entry{
		hook: c.hook, request: c.request, outcome: "refused", reason: refusals[r].name, status: ctx.Response.StatusCode(),
		took: time.Since(c.began()), in: len(ctx.Request.Body()), out: len(ctx.Response.Body()), from: c.client,
	})
}

// note writes a line about a call.
func (g *Gate) note(ctx *fasthttp.RequestCtx, c *conn, call *hook.Call, r engine.Reply) {
	if g.journal.o.Writer == nil {
		return
	}
	g.journal.add(&entry{
		hook: c.hook, request: c.request, event: call.ID[:min(len(call.ID), maxRequest)], rules: r.Rules, outcome: r.Outcome.String(), repeat: r.Repeat || r.Twin,
		status: ctx.Response.StatusCode(), took: time.Since(call.Start), in: len(call.Doc.Root().Raw()), out: len(r.Body), from: c.client,
	})
}

func respond(ctx *fasthttp.RequestCtx, body []byte) {
	ctx.SetContentType(mediaType)
	ctx.Response.SetBodyRaw(body)
}

// clear catches what went wrong in a call, and takes its text out of memory that lives on: all of it where it holds a
// password or a one-time code, and what is unusually large.
func (g *Gate) clear(ctx *fasthttp.RequestCtx, c *conn, s *sheet, body []byte) {
	k := c.hook
	if p := recover(); p != nil {
		g.bug(p)
		clear(body)
		if k.Rules.Type == hook.EventHook {
			g.refuse(ctx, c, unrecorded)
			return
		}
		respond(ctx, k.Rules.Failure) // a decision is owed all the same
		return                        // whoever holds the sheet now is unknown
	}
	secret := k.Rules.Type == hook.PasswordImport || k.Rules.Type == hook.Telephony
	if secret {
		clear(body)
	}
	if secret || len(body) > keep {
		return // the Doc has decoded texts of its own; it is left to the collector
	}
	s.doc.Reset()
	s.call = hook.Call{}
	sheets.Put(s)
}

// bug counts and logs a panic. Its value is written only where it is the runtime's: any other may quote a call.
func (g *Gate) bug(p any) {
	g.panics.Add(1)
	what := fmt.Sprintf("%T", p)
	if err, ok := p.(runtime.Error); ok {
		what = err.Error()
	}
	g.o.Log.Error("a panic was caught: this is a bug", "panic", what, "stack", string(debug.Stack()))
}
