package gate

import (
	"bytes"
	"errors"

	"github.com/valyala/fasthttp"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// challengeHeader is what the one GET has that Okta sends, when an event hook is verified (hooks.md section 3.1).
const challengeHeader = "X-Okta-Verification-Challenge"

// maxChallenge is the longest challenge that is echoed, in bytes.
const maxChallenge = 4 << 10

// challenging stands before the Mark in the method of a verification that was let in.
const challenging = "?"

// judgeChallenge decides on a GET of an event hook. Okta sends the hook's secret with it, so it is demanded.
func judgeChallenge(f *fields) reason {
	c := &f.challenge
	switch {
	case f.transfer.count > 0 || f.length.count > 0 && string(f.length.value) != "0":
		return malformed
	case c.count != 1 || len(c.value) == 0 || len(c.value) > maxChallenge:
		return noChallenge
	}
	for _, b := range c.value {
		if b < ' ' || b > '~' {
			return noChallenge
		}
	}
	return admitted
}

// verify answers a verification.
func (g *Gate) verify(ctx *fasthttp.RequestCtx) {
	value := bytes.Trim(ctx.Request.Header.Peek(challengeHeader), " \t")
	respond(ctx, append(hook.AppendString([]byte(`{"verification":`), string(value)), '}'))
}

// accept has the engine record a delivery. The answer to one that is recorded is empty: Okta ignores what it says, and must not be
// told before.
func (g *Gate) accept(ctx *fasthttp.RequestCtx, k *engine.Hook, c *hook.Call) {
	r, err := k.Accept(c)
	defer func() { g.note(ctx, k, c, r) }()
	switch {
	case err == nil:
		ctx.SetStatusCode(fasthttp.StatusOK)
	case errors.Is(err, engine.ErrNoEvents):
		g.refuse(ctx, noEvents)
	case errors.Is(err, engine.ErrTooMuch):
		g.refuse(ctx, tooManyEvents)
	default:
		g.refuse(ctx, unrecorded)
	}
}
