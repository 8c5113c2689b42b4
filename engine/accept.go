package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tenterhook/tenterhook/engine/ledger"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Why a delivery is not accepted. None of these is the delivery's fault: the status for them makes
// Okta retry once (hooks.md section 3.3).
var (
	ErrNoLedger = errors.New("there is no ledger to record events in")             // the Engine was made without one
	ErrShed     = errors.New("too many deliveries at one time")                    // nothing was recorded
	ErrInline   = errors.New("calls of an inline hook are answered, not accepted") // Accept of an inline hook's call
)

const (
	maxEvents     = 4096     // of a delivery; Okta names no number, and the body's cap is met earlier as a rule
	maxSplitBytes = 12 << 20 // bytes of a delivery's events, each with the envelope
)

// Accept records a delivery of the event hook that c.Hook names. It is for embedders, as Answer is.
func (e *Engine) Accept(c *hook.Call) error {
	l := e.Lease()
	if !l.Held() {
		return ErrNoSet
	}
	defer l.Release()
	h := l.Named(c.Hook)
	if h == nil {
		return ErrNoHook
	}
	_, err := h.Accept(c)
	return err
}

// Accept records a delivery. It returns no error only if every event of it is durable, now or since
// an earlier delivery: only then may Okta get a 200, after which it never sends the delivery again.
// The rules run afterwards. Accept copies the parts of c that it keeps. It returns by the call's
// deadline, as Answer does; a delivery that was not recorded by then may still become durable, and
// is then known when Okta sends it again.
func (h *Hook) Accept(c *hook.Call) (Reply, error) {
	return h.record(c, func() ledger.Delivery {
		d, err := splitDelivery(h.Rules.Name, c)
		if err != nil {
			h.e.log.logUnsplit(h, c.ID, err)
			d = rawDelivery(h.Rules.Name, c.Doc.Root().Raw())
		}
		return d
	})
}

// AcceptRaw records the body of a delivery that cannot be parsed. Okta does not repeat a delivery
// after a 4xx, so it is kept as one event. Its rules cannot run: it becomes a dead letter.
func (h *Hook) AcceptRaw(start time.Time, body []byte, cause error) (Reply, error) {
	c := &hook.Call{Hook: h.Rules.Name, Type: h.Rules.Type, Start: start}
	return h.record(c, func() ledger.Delivery {
		h.e.log.logUnsplit(h, "", cause)
		return rawDelivery(h.Rules.Name, body)
	})
}

// FailUnreadable counts an inline call whose body cannot be parsed, and returns the hook's failure
// answer: without an answer Okta may continue, and an attacker who can spoil a body could bypass
// the hook's refusals.
func (h *Hook) FailUnreadable(start time.Time, cause error) Reply {
	h.e.log.logUnreadable(h, cause)
	r := h.failure(Failed)
	h.stats.record(r, time.Since(start))
	return r
}

// record records a delivery, which split makes once there is a slot for it, and counts it.
func (h *Hook) record(c *hook.Call, split func() ledger.Delivery) (Reply, error) {
	now := time.Now()
	h.setDeadline(c, now)
	repeat, err := h.accept(c, split, now)
	r := Reply{Outcome: Recorded, Repeat: repeat}
	switch {
	case errors.Is(err, ErrShed):
		r.Outcome = Shed
	case errors.Is(err, context.DeadlineExceeded):
		r.Outcome = Late
	case err != nil:
		r.Outcome = Unrecorded
	}
	h.stats.record(r, time.Since(c.Start))
	return r, err
}

func (h *Hook) accept(c *hook.Call, split func() ledger.Delivery, now time.Time) (repeat bool, err error) {
	events := h.e.o.Ledger
	switch {
	case h.Rules.Type.Inline():
		return false, ErrInline
	case events == nil:
		return false, ErrNoLedger
	}
	o, ok := h.acquire(c, now)
	if !ok && o == Late {
		return false, context.DeadlineExceeded
	}
	if !ok {
		return false, ErrShed
	}
	defer h.release()
	ctx, cancel := context.WithDeadline(context.Background(), c.Deadline)
	defer cancel()
	receipt, err := events.Accept(ctx, split())
	if err != nil {
		h.e.log.logUnrecorded(h, err)
		return false, fmt.Errorf("record a delivery: %w", err)
	}
	return receipt.Duplicate, nil
}

// splitDelivery splits a delivery into deliveries of one event each. Both keys are scoped by the
// hook; otherwise two hooks would drop each other's copies (hooks.md section 3.4). An event without
// a uuid is identified by its bytes, a delivery by its eventId and its events: Okta does not
// promise that a retry under the same eventId has no new event.
func splitDelivery(name string, c *hook.Call) (ledger.Delivery, error) {
	root := c.Doc.Root()
	d := ledger.Delivery{Hook: name}
	events := hook.Events(root)
	if events.Kind() != jsondoc.Array {
		return d, errors.New("data.events is not a list")
	}
	envelope := len(root.Raw()) - len(events.Raw()) + 2
	if size := envelope*events.Len() + len(events.Raw()); events.Len() > maxEvents || size > maxSplitBytes {
		return d, fmt.Errorf("want at most %d events and %d bytes of them, got %d and %d", maxEvents, maxSplitBytes, events.Len(), size)
	}
	d.Events = make([]ledger.Event, 0, events.Len())
	whole := []byte(cmp.Or(c.ID, root.Get("eventID").Text())) // as the first documents spelled it
	for event := range events.Elements() {
		id := event.Get("uuid").Text()
		if id == "" {
			id = string(event.Raw())
		}
		text := make([]byte, 0, envelope+len(event.Raw()))
		e := ledger.Event{ID: ledger.EventKey(name, id), Payload: hook.AppendDelivery(text, root, event)}
		d.Events, whole = append(d.Events, e), append(whole, e.ID[:]...)
	}
	d.ID = ledger.Key(name, string(whole))
	return d, nil
}

// rawDelivery is a delivery with one event, whose payload is the body.
func rawDelivery(name string, body []byte) ledger.Delivery {
	text := string(body)
	return ledger.Delivery{Hook: name, ID: ledger.Key(name, text), Events: []ledger.Event{{ID: ledger.EventKey(name, text), Payload: body}}}
}
