package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ID is a key under which something is done once: 16 bytes of a SHA-256, scoped by hook.
type ID [16]byte

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Key is the ID of a delivery or of an inline call: its hook and its eventId.
func Key(hook, eventID string) ID { return key('d', hook, eventID) }

// EventKey is the ID of one event of a delivery: its hook and the event's uuid. It never equals a delivery's.
func EventKey(hook, uuid string) ID { return key('e', hook, uuid) }

func key(class byte, hook, id string) ID {
	var room [128]byte
	b := appendBytes(append(room[:0], class), hook)
	sum := sha256.Sum256(append(b, id...))
	return ID(sum[:16])
}

// Event is one event of a delivery. Accept copies the payload.
type Event struct {
	ID      ID
	Payload []byte
}

// Delivery is what one event hook's call brought.
type Delivery struct {
	Hook   string
	ID     ID
	Events []Event
}

// Receipt says what of a delivery the ledger did not have yet.
type Receipt struct {
	Duplicate bool   // the delivery was recorded before; none of its events is new
	New       []bool // for each event, whether it was recorded now
}

// Action is one thing to be done: deliver Spec to Destination, under the idempotency key Key. The ledger reads none of them.
type Action struct {
	Destination string
	Key         string
	Spec        []byte
}

// Ref is the place of an event, or of actions that an inline call left. Places grow in the order of recording.
type Ref struct{ Slot, Row uint32 }

func (r Ref) String() string { return fmt.Sprintf("%d-%d", r.Slot, r.Row) }

func (r Ref) before(o Ref) bool { return r.Slot < o.Slot || r.Slot == o.Slot && r.Row < o.Row }

// StepID names one action of an event.
type StepID struct {
	Ref
	Step uint32
}

func (s StepID) String() string { return s.Ref.String() + "." + strconv.Itoa(int(s.Step)) }

// parseRef reads what Ref.String wrote.
func parseRef(s string) (r Ref, ok bool) {
	a, b, found := strings.Cut(s, "-")
	slot, err1 := strconv.ParseUint(a, 10, 32)
	row, err2 := strconv.ParseUint(b, 10, 32)
	return Ref{Slot: uint32(slot), Row: uint32(row)}, found && err1 == nil && err2 == nil
}

// Task is a recorded event whose rules have not run yet. It is the caller's until Plan or Release.
type Task struct {
	Ref      Ref
	Hook     string
	ID       ID
	Received time.Time
	Payload  []byte
}

// Step is an action that is due. It is the caller's until Done, Retry, Bury or ReleaseStep.
type Step struct {
	ID       StepID
	Hook     string
	Event    ID // of the event, or of the inline call
	Received time.Time
	Revision string // of the Set whose rules asked for it
	Attempts int    // so far
	Action
}

// Attempt is one try at a step.
type Attempt struct {
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome"`
}

const (
	maxSteps   = 4096     // actions of one event
	maxHistory = 8        // attempts that are remembered of a step: the last ones
	maxReason  = 512      // bytes of a reason
	maxRow     = 16 << 20 // bytes of one call's rows
)

func truncateReason(reason string) string {
	if len(reason) > maxReason {
		return strings.ToValidUTF8(reason[:maxReason], "")
	}
	return reason
}
