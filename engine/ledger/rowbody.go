package ledger

import (
	"encoding/binary"
	"time"
)

// The bodies of the rows, each with its encoder and decoder. Times are nanoseconds since 1970.

// eventBody is a recorded event. The payload is a part of the row.
type eventBody struct {
	id       ID
	received int64
	hook     string
	payload  []byte
}

func eventRow(id ID, received time.Time, hook string, payload []byte) []byte {
	row := newRow(kindEvent, len(id)+8+binary.MaxVarintLen32+len(hook)+len(payload))
	row = append(row, id[:]...)
	row = binary.BigEndian.AppendUint64(row, uint64(received.UnixNano()))
	row = appendBytes(row, hook)
	return append(row, payload...)
}

func readEvent(body []byte) (e eventBody, err error) {
	c := cursor{b: body}
	e.id, e.received, e.hook, e.payload = c.id(), int64(c.u64()), c.text(), c.b
	if c.bad {
		return eventBody{}, errShape
	}
	return e, nil
}

// planBody is the plan of the event in row event, or of an inline call if event is 0. The
// specs are parts of the row.
type planBody struct {
	event    uint32
	letter   *letter // of a redriven dead letter
	at       int64
	id       ID // of the event or the call
	hook     string
	revision string
	actions  []Action
}

func planRow(p planBody) []byte {
	size := 4 + 8 + len(p.id) + len(p.hook) + len(p.revision) + 3*binary.MaxVarintLen32
	for _, a := range p.actions {
		size += len(a.Destination) + len(a.Key) + len(a.Spec) + 3*binary.MaxVarintLen32
	}
	row := newRow(kindPlan, size)
	if p.letter != nil {
		row = p.letter.append(newRow(kindRedriven, size+64))
	}
	row = binary.BigEndian.AppendUint32(row, p.event)
	row = binary.BigEndian.AppendUint64(row, uint64(p.at))
	row = append(row, p.id[:]...)
	row = appendBytes(row, p.hook)
	row = appendBytes(row, p.revision)
	row = binary.AppendUvarint(row, uint64(len(p.actions)))
	for _, a := range p.actions {
		row = appendBytes(row, a.Destination)
		row = appendBytes(row, a.Key)
		row = appendBytes(row, a.Spec)
	}
	return row
}

func readPlan(k kind, body []byte) (p planBody, err error) {
	c := cursor{b: body}
	if k == kindRedriven {
		p.letter = c.letter()
	}
	p.event, p.at, p.id = c.u32(), int64(c.u64()), c.id()
	p.hook, p.revision = c.text(), c.text()
	n := c.uvarint()
	if n > uint64(len(c.b))/3 { // an action is three lengths at least
		return planBody{}, errShape
	}
	p.actions = make([]Action, 0, n)
	for range n {
		p.actions = append(p.actions, Action{Destination: c.text(), Key: c.text(), Spec: c.bytes()})
	}
	return p, c.end()
}

// letter identifies a redriven dead letter: its number, the step it came from, and when that was
// received. If the redriven action fails for good, it becomes the dead letter of that number again.
type letter struct {
	number   uint64
	origin   stepPosition
	received int64
}

func (l *letter) append(row []byte) []byte {
	row = binary.BigEndian.AppendUint64(row, l.number)
	row = l.origin.append(row)
	return binary.BigEndian.AppendUint64(row, uint64(l.received))
}

func (c *cursor) letter() *letter {
	return &letter{number: c.u64(), origin: c.stepPosition(), received: int64(c.u64())}
}

func (s stepPosition) append(row []byte) []byte {
	for _, v := range []uint32{s.slot, s.row, s.step} {
		row = binary.BigEndian.AppendUint32(row, v)
	}
	return row
}

func (c *cursor) stepPosition() stepPosition {
	return stepPosition{position: position{slot: c.u32(), row: c.u32()}, step: c.u32()}
}

// outcome is the outcome of a step, or of a whole event.
type outcome byte

const (
	outNothing  outcome = iota + 1 // no actions: the event is finished
	outDone                        // the step was delivered
	outRetry                       // the attempt failed; the next is due after delay
	outBuried                      // the step is a dead letter
	outDropped                     // by an operator: the step, or the event before its rules
	outRedriven                    // an operator made the step due at once

	// The fate of a step's dead letter: marks in the slot of the event, for lists only.
	outLetterRedriven
	outLetterDone
	outLetterBuried // again
	outLetterDropped
)

// mark is one outcome. row is the first row of the entry: the event's, or the plan's if there is no
// event.
type mark struct {
	row    uint32
	step   uint32
	out    outcome
	at     int64
	delay  int64 // of the next attempt, from at
	reason string
}

func (m mark) append(row []byte) []byte {
	row = binary.BigEndian.AppendUint32(row, m.row)
	row = binary.AppendUvarint(row, uint64(m.step))
	row = append(row, byte(m.out))
	row = binary.BigEndian.AppendUint64(row, uint64(m.at))
	if m.out == outRetry {
		row = binary.BigEndian.AppendUint64(row, uint64(m.delay))
	}
	return appendBytes(row, m.reason)
}

// readMarks calls do for each mark of a row, until it returns an error.
func readMarks(body []byte, do func(mark) error) error {
	c := cursor{b: body}
	for len(c.b) > 0 {
		m := mark{row: c.u32()}
		step := c.uvarint()
		m.step, m.out, m.at = uint32(step), outcome(c.u8()), int64(c.u64())
		if m.out == outRetry {
			m.delay = int64(c.u64())
		}
		m.reason = c.text()
		if c.bad || step > maxSteps || m.out < outNothing || m.out > outLetterDropped {
			return errShape
		}
		if err := do(m); err != nil {
			return err
		}
	}
	return c.end()
}

// readIDs returns the ids of a row as bytes, and their number.
func readIDs(body []byte) ([]byte, int, error) {
	n := len(body) / len(ID{})
	if n == 0 || len(body)%len(ID{}) != 0 {
		return nil, 0, errShape
	}
	return body, n, nil
}

// deadBody is a dead letter: an action that was given up, with its attempts.
type deadBody struct {
	at       int64
	origin   stepPosition
	received int64
	id       ID
	hook     string
	revision string
	action   Action
	reason   string
	attempts uint64
	history  []Attempt
}

func deadRow(d deadBody) []byte {
	row := newRow(kindDead, 128+len(d.hook)+len(d.revision)+len(d.reason)+len(d.action.Destination)+len(d.action.Key)+len(d.action.Spec))
	row = binary.BigEndian.AppendUint64(row, uint64(d.at))
	row = d.origin.append(row)
	row = binary.BigEndian.AppendUint64(row, uint64(d.received))
	row = append(row, d.id[:]...)
	for _, s := range []string{d.hook, d.revision, d.action.Destination, d.action.Key, d.reason} {
		row = appendBytes(row, s)
	}
	row = appendBytes(row, d.action.Spec)
	row = binary.AppendUvarint(row, d.attempts)
	for _, a := range d.history {
		row = binary.BigEndian.AppendUint64(row, uint64(a.At.UnixNano()))
		row = appendBytes(row, a.Outcome)
	}
	return row
}

func readDead(body []byte) (d deadBody, err error) {
	c := cursor{b: body}
	d.at = int64(c.u64())
	d.origin = c.stepPosition()
	d.received, d.id = int64(c.u64()), c.id()
	for _, s := range []*string{&d.hook, &d.revision, &d.action.Destination, &d.action.Key, &d.reason} {
		*s = c.text()
	}
	d.action.Spec = c.bytes()
	d.attempts = c.uvarint()
	for len(c.b) > 0 {
		d.history = append(d.history, Attempt{At: time.Unix(0, int64(c.u64())), Outcome: c.text()})
	}
	return d, c.end()
}
