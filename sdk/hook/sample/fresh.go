package sample

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// ID makes a new eventId in Okta's form for the type (hooks.md section 1.2): a lower-case UUID for
// event hooks, else 16 random bytes in base64url.
func ID(t hook.Type) string {
	var b [16]byte
	rand.Read(b[:]) // never returns an error
	if t == hook.EventHook {
		return uuid(b)
	}
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func uuid(b [16]byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Fresh returns call with another eventId and eventTime, as if Okta had sent it at now. The events
// of a delivery become new ones too: each gets a uuid derived from eventID, and was published a
// moment before. Nothing else changes; missing members are not added. A call that is not JSON is
// returned as a copy.
func Fresh(call []byte, eventID string, now time.Time) []byte {
	var d jsondoc.Doc
	if err := d.Parse(call, jsondoc.Limits{Bytes: len(call)}); err != nil {
		return append([]byte(nil), call...)
	}
	now = now.UTC()
	root := d.Root()
	stamp := now.Truncate(time.Second) // inline hooks do not count milliseconds
	if root.Get("eventType").Text() == hook.EventHook.EventType() {
		stamp = now
	}
	e := edits{call: call}
	e.replace(root.Get("eventId"), eventID)
	e.replace(root.Get("eventTime"), stamp.Format(millis))
	events, i := root.Pointer("/data/events"), 0
	for event := range events.Elements() {
		published := now.Add(time.Duration(i-events.Len()) * 150 * time.Millisecond)
		e.replace(event.Get("uuid"), eventUUID(eventID, i))
		e.replace(event.Get("published"), published.Format(millis))
		i++
	}
	return e.apply()
}

const millis = "2006-01-02T15:04:05.000Z"

// eventUUID is the uuid of a delivery's event i.
func eventUUID(eventID string, i int) string {
	sum := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(eventID), uint32(i)))
	return uuid([16]byte(sum[:16]))
}

// edits are replacements for strings of a call.
type edits struct {
	call []byte
	list []edit
}

type edit struct {
	start, end int
	text       string
}

func (e *edits) replace(in jsondoc.Node, text string) {
	if in.Kind() == jsondoc.Missing {
		return
	}
	start, end := in.Span()
	e.list = append(e.list, edit{start, end, text})
}

func (e *edits) apply() []byte {
	slices.SortFunc(e.list, func(a, b edit) int { return a.start - b.start })
	var out []byte
	from := 0
	for _, x := range e.list {
		out = jsondoc.AppendString(append(out, e.call[from:x.start]...), x.text)
		from = x.end
	}
	return append(out, e.call[from:]...)
}
