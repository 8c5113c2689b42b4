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

// Journal is the destination of the access log: one line for each call of an authenticated caller.
// The eventId is the only part of the body in it.
type Journal struct {
	Writer io.Writer // gets whole lines from the calls' own goroutines, so it must not block; nil: no log
	JSON   bool      // else key=value as package slog writes it
}

// journal writes the access log.
type journal struct {
	o Journal

	mu    sync.Mutex // guards the fields below
	line  []byte
	clock timeCache
}

// entry is the content of one line.
type entry struct {
	hook      *engine.Hook
	requestID string   // X-Okta-Request-Id; empty: a random one is written
	event     string   // eventId
	rules     []string // that matched
	outcome   string
	reason    string // of a rejection
	repeat    bool
	status    int
	duration  time.Duration
	in, out   int // bytes of the bodies
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
	j.o.Writer.Write(j.line) // an error cannot be reported anywhere
}

// timeCache formats times as package slog does. It keeps the text that all times of one second
// share.
type timeCache struct {
	second int64
	before []byte // up to the milliseconds
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

// revision returns the beginning of the Set's revision, which identifies it.
func (e *entry) revision() string {
	r := e.hook.Revision()
	return r[:min(len(r), 12)]
}

// appendDuration appends milliseconds with three decimals.
func (e *entry) appendDuration(b []byte) []byte {
	n := max(e.duration.Microseconds(), 0)
	return appendMillis(append(strconv.AppendInt(b, n/1000, 10), '.'), int(n%1000))
}

// appendQuoted appends a value, in quotes if it needs them.
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

// requestIDHeader has Okta's id of a request (hooks.md section 1.1).
const requestIDHeader = "X-Okta-Request-Id"

// maxRequestID is the limit of an id's length.
const maxRequestID = 128

// requestID returns Okta's id of the request, or nothing if it is missing or not an id.
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

// appendRequestID appends Okta's id of the request, or 16 random hexadecimal digits.
func (e *entry) appendRequestID(b []byte) []byte {
	if e.requestID != "" {
		return append(b, e.requestID...) // it needs no escaping: see head.requestID
	}
	const digits = "0123456789abcdef"
	for n, i := rand.Uint64(), 0; i < 16; i++ {
		b = append(b, digits[n&15])
		n >>= 4
	}
	return b
}
