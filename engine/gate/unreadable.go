package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

var errTooLarge = errors.New("the body is larger than the limit")

// parse parses a body. In a delivery it replaces invalid text by U+FFFD: Okta does not repeat a
// delivery after a 4xx, and the other events in it are not to be lost for one name cut in the
// middle of an emoji. An inline call stays strict, because a rule decides on its text.
func (g *Gate) parse(c *conn, doc *jsondoc.Doc, body []byte) error {
	limits := jsondoc.Limits{Bytes: g.maxBody(c.hook), Values: max(maxPooledBody/2, len(body)/4)}
	err := doc.Parse(body, limits)
	if err == nil || c.hook.Rules.Type != hook.EventHook {
		return err
	}
	repaired, changed := repairText(body)
	if !changed || doc.Parse(repaired, limits) != nil {
		return err
	}
	g.o.Log.Warn("invalid text in a delivery was replaced by U+FFFD", "hook", c.hook.Rules.Name, "error", err)
	return nil
}

// parseReason returns the reason for a parse error. Okta's bodies have one value or name for every
// twelve bytes, so one with far more values counts as too large.
func parseReason(err error) reason {
	if errors.Is(err, jsondoc.ErrSize) {
		return bodyTooLarge
	}
	return notJSON
}

// answerUnreadable answers an authenticated call whose body cannot be parsed: an inline call gets
// the hook's failure answer, a delivery is recorded whole. A call of another type or org is
// rejected.
func (g *Gate) answerUnreadable(ctx *fasthttp.RequestCtx, c *conn, body []byte, err error) {
	r := parseReason(err)
	if other := g.checkAddressee(c, body); other != admitted {
		g.rejectLogged(ctx, c, other)
		return
	}
	if c.hook.Rules.Type.Inline() {
		g.failUnreadable(ctx, c, r, err)
		return
	}
	reply, failed := c.hook.AcceptRaw(c.requestStart(), body, err)
	if failed != nil {
		g.rejectLogged(ctx, c, notRecorded)
		return
	}
	g.rejected.add(r)
	ctx.SetStatusCode(fasthttp.StatusOK)
	g.logUnreadable(ctx, c, r, reply)
}

// failUnreadable answers an inline call with its hook's failure answer.
func (g *Gate) failUnreadable(ctx *fasthttp.RequestCtx, c *conn, r reason, err error) {
	reply := c.hook.FailUnreadable(c.requestStart(), err)
	g.rejected.add(r)
	ctx.SetStatusCode(fasthttp.StatusOK)
	writeJSON(ctx, reply.Body)
	g.logUnreadable(ctx, c, r, reply)
}

// logUnreadable writes the journal's line about a call whose body cannot be parsed.
func (g *Gate) logUnreadable(ctx *fasthttp.RequestCtx, c *conn, r reason, reply engine.Reply) {
	g.journal.add(&entry{
		hook: c.hook, requestID: c.requestID, outcome: reply.Outcome.String(), reason: rejections[r].name, repeat: reply.Repeat,
		status: ctx.Response.StatusCode(), duration: time.Since(c.requestStart()), in: len(ctx.Request.Body()), out: len(reply.Body), from: c.client,
	})
}

// checkAddressee decides whether a body that cannot be parsed belongs to a call of another type or
// org, as far as a lenient reader finds out. admitted: it does not, or that is unknown.
func (g *Gate) checkAddressee(c *conn, body []byte) reason {
	var root map[string]json.RawMessage
	defer func() {
		for _, raw := range root {
			clear(raw) // the copies may contain secrets
		}
	}()
	if json.Unmarshal(body, &root) != nil {
		return admitted
	}
	var eventType string
	if json.Unmarshal(root["eventType"], &eventType) != nil || eventType != c.hook.Rules.Type.EventType() {
		return wrongEventType
	}
	if host, is := foreignSource(c.hook.Rules, root); is {
		c.hook.CountForeign("", host, c.client)
		return wrongOrg
	}
	return admitted
}

// foreignSource is foreignHost for a body that only a lenient reader can parse.
func foreignSource(r *rules.Hook, root map[string]json.RawMessage) (host string, is bool) {
	var data struct {
		Context struct {
			Protocol struct {
				Issuer struct {
					URI string `json:"uri"`
				} `json:"issuer"`
			} `json:"protocol"`
		} `json:"context"`
	}
	var source string
	if r.Org == nil || json.Unmarshal(root["source"], &source) != nil || json.Unmarshal(root["data"], &data) != nil {
		return "", false
	}
	strict, err := json.Marshal(map[string]any{"source": source, "data": map[string]any{"context": map[string]any{
		"protocol": map[string]any{"issuer": map[string]any{"uri": data.Context.Protocol.Issuer.URI}}}}})
	var doc jsondoc.Doc
	if err != nil || doc.Parse(strict, jsondoc.Limits{}) != nil {
		return "", false
	}
	return foreignHost(r, doc.Root())
}

// repairText replaces escaped surrogates without a partner, and bytes that are not UTF-8, by
// U+FFFD.
func repairText(body []byte) (repaired []byte, changed bool) {
	b := make([]byte, 0, len(body)+16)
	for i := 0; i < len(body); {
		n := 1
		switch c := body[i]; {
		case c == '\\':
			n = escapeLen(body[i:])
			if n == len(`\uD800`) && isSurrogate(body[i:]) {
				b, changed = append(b, `\uFFFD`...), true
				i += n
				continue
			}
		case c >= utf8.RuneSelf:
			var r rune
			if r, n = utf8.DecodeRune(body[i:]); r == utf8.RuneError && n == 1 {
				b, changed = append(b, "\uFFFD"...), true
				i++
				continue
			}
		}
		b = append(b, body[i:i+n]...)
		i += n
	}
	return b, changed
}

// escapeLen returns the length of the escape sequence that text begins with, 12 for a pair of
// surrogates.
func escapeLen(text []byte) int {
	switch {
	case len(text) < 6 || text[1] != 'u':
		return min(2, len(text))
	case len(text) >= 12 && isHigh(text) && isLow(text[6:]):
		return 12
	}
	return 6
}

func isSurrogate(text []byte) bool { return isHigh(text) || isLow(text) }

func isHigh(text []byte) bool { return isSurrogateIn(text, "89abAB") }

func isLow(text []byte) bool { return isSurrogateIn(text, "cdefCDEF") }

// isSurrogateIn reports whether text begins with an escape \uD???, whose second digit is one of
// some.
func isSurrogateIn(text []byte, second string) bool {
	if text[0] != '\\' || text[1] != 'u' || text[2]|0x20 != 'd' || bytes.IndexByte([]byte(second), text[3]) < 0 {
		return false
	}
	_, ok1 := hexDigit(text[4])
	_, ok2 := hexDigit(text[5])
	return ok1 && ok2
}
