package gate

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// challengeHeader is a header of the one GET that Okta sends, to verify an event hook (hooks.md
// section 3.1).
const challengeHeader = "X-Okta-Verification-Challenge"

// maxChallenge is the longest challenge that is echoed, in bytes.
const maxChallenge = 4 << 10

// checkChallenge checks the verification GET of an event hook. Okta sends the hook's secret with
// it, so authentication is required.
func (c *conn) checkChallenge(h *head) reason {
	value := h.challenge.value
	if h.challenge.count != 1 || len(value) == 0 || len(value) > maxChallenge {
		return noChallenge
	}
	for _, b := range value {
		if b < ' ' || b > '~' {
			return noChallenge
		}
	}
	c.challenge = bytes.Clone(value)
	return admitted
}

// answerChallenge answers a verification.
func (g *Gate) answerChallenge(ctx *fasthttp.RequestCtx, challenge []byte) {
	writeJSON(ctx, append(jsondoc.AppendString([]byte(`{"verification":`), string(challenge)), '}'))
}

// accept has the engine record a delivery. The answer has no body, because Okta ignores it. It is
// sent only after the events are durable.
func (g *Gate) accept(ctx *fasthttp.RequestCtx, c *conn, call *hook.Call) {
	r, err := c.hook.Accept(call)
	defer func() { g.logCall(ctx, c, call, r) }()
	if err != nil {
		g.reject(ctx, c, notRecorded)
		return
	}
	ctx.SetStatusCode(fasthttp.StatusOK)
}
