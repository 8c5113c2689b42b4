package gate

import (
	"io"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tenterhook/tenterhook/engine"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Journal is where the lines about calls go: one for each call that was let in, without anything of its body but the
// eventId.
type Journal struct {
	Writer io.Writer // is given whole lines by the calls themselves, so it must not wait; nil: no lines
	JSON   bool      // or else key=value, as package slog writes them
}

// journal writes lines.
type journal struct {
	o Journal

	mu    sync.Mutex // guards what follows
	line  []byte
	clock timeCache
}

// entry is what one line says.
type entry struct {
	hook      *engine.Hook
	requestID string   // X-Okta-Request-Id; empty: a name is made up
	event     string   // eventId
	rules     []string // that matched
	outcome   string
	reason    string // of a refusal
	repeat    bool
	status    int
	duration  time.Duration
	in, out   int // bytes of body
	from      netip.Addr
}

// add writes a line.
func (j *journal) add(e *entry) {
	if j.o.Writer == nil {
		return
	}
	now := time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.o.JSON {
		j.line = e.json(j.clock.append(append(j.line[:0], `{"time":"`...), now))
	} else {
		j.line = e.text(j.clock.append(append(j.line[:0], "time="...), now))
	}
	j.o.Writer.Write(j.line) // there is nowhere to say that it failed
}

// timeCache writes times as package slog does. What a second has in common is written once.
type timeCache struct {
	second int64
	before []byte // the milliseconds
	after  []byte
}

func (c *timeCache) append(b []byte, now time.Time) []byte {
	if s := now.Unix(); s != c.second || c.before == nil {
		c.second = s
		c.before = now.AppendFormat(c.before[:0], "2006-01-02T15:04:05.")
		c.after = now.AppendFormat(c.after[:0], "Z07:00")
	}
	b = appendMillis(append(b, c.before...), now.Nanosecond()/1e6)
	return append(b, c.after...)
}

// appendMillis appends three digits.
func appendMillis(b []byte, n int) []byte {
	return append(b, byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
}

func (e *entry) json(b []byte) []byte {
	b = e.appendRequestID(append(b, `","level":"INFO","msg":"call","request":"`...))
	b = jsondoc.AppendString(append(b, `","hook":`...), e.hook.Rules.Name)
	if org := e.hook.Rules.Org; org != nil {
		b = jsondoc.AppendString(append(b, `,"org":`...), org.Name)
	}
	b = jsondoc.AppendString(append(b, `,"eventId":`...), e.event)
	b = append(append(append(b, `,"revision":"`...), e.revision()...), `","rules":[`...)
	for i, r := range e.rules {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsondoc.AppendString(b, r)
	}
	b = append(append(append(b, `],"outcome":"`...), e.outcome...), '"')
	if e.reason != "" {
		b = append(append(append(b, `,"reason":"`...), e.reason...), '"')
	}
	b = append(b, `,"repeat":`...)
	b = strconv.AppendBool(b, e.repeat)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(e.status), 10)
	b = e.appendDuration(append(b, `,"ms":`...))
	b = strconv.AppendInt(append(b, `,"in":`...), int64(e.in), 10)
	b = strconv.AppendInt(append(b, `,"out":`...), int64(e.out), 10)
	b = e.from.AppendTo(append(b, `,"from":"`...))
	return append(b, "\"}\n"...)
}

func (e *entry) text(b []byte) []byte {
	b = e.appendRequestID(append(b, " level=INFO msg=call request="...))
	b = append(append(b, " hook="...), e.hook.Rules.Name...)
	if org := e.hook.Rules.Org; org != nil {
		b = append(append(b, " org="...), org.Name...)
	}
	b = appendQuoted(append(b, " eventId="...), e.event)
	b = append(append(b, " revision="...), e.revision()...)
	b = appendQuoted(append(b, " rules="...), strings.Join(e.rules, ","))
	b = append(append(b, " outcome="...), e.outcome...)
	if e.reason != "" {
		b = append(append(b, " reason="...), e.reason...)
	}
	b = append(b, " repeat="...)
	b = strconv.AppendBool(b, e.repeat)
	b = strconv.AppendInt(append(b, " status="...), int64(e.status), 10)
	b = e.appendDuration(append(b, " ms="...))
	b = strconv.AppendInt(append(b, " in="...), int64(e.in), 10)
	b = strconv.AppendInt(append(b, " out="...), int64(e.out), 10)
	b = e.from.AppendTo(append(b, " from="...))
	return append(b, '\n')
}

// revision is the beginning of the Set's, which is enough to find it.
func (e *entry) revision() string {
	r := e.hook.Revision()
	return r[:min(len(r), 12)]
}

// appendDuration appends milliseconds, to the microsecond.
func (e *entry) appendDuration(b []byte) []byte {
	n := max(e.duration.Microseconds(), 0)
	return appendMillis(append(strconv.AppendInt(b, n/1000, 10), '.'), int(n%1000))
}

// appendQuoted appends a value as it is where it is plain, and in quotes where it is not.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\' {
			return strconv.AppendQuote(b, s)
		}
	}
	if s == "" {
		return append(b, `""`...)
	}
	return append(b, s...)
}

// requestIDHeader is what Okta calls a request by (hooks.md section 1.1).
const requestIDHeader = "X-Okta-Request-Id"

// maxRequestID is the longest name of a request that is taken.
const maxRequestID = 128

// requestID is what Okta calls the request, empty where it does not, or says what does not look like a name.
func (h *head) requestID() string {
	id := h.request.value
	if h.request.count != 1 || len(id) > maxRequestID {
		return ""
	}
	for _, c := range id {
		if byteClasses[c]&inHost == 0 || c == '[' || c == ']' {
			return ""
		}
	}
	return string(id)
}

// appendRequestID appends what the journal calls a request: what Okta does, or else 16 hexadecimal digits.
func (e *entry) appendRequestID(b []byte) []byte {
	if e.requestID != "" {
		return append(b, e.requestID...) // it needs no escaping: see head.name
	}
	const digits = "0123456789abcdef"
	for n, i := rand.Uint64(), 0; i < 16; i++ {
		b = append(b, digits[n&15])
		n >>= 4
	}
	return b
}
