package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"time"
)

// This file is the seam between the ledger and the rest of the program: with entry.go and stats.go
// it holds every type that crosses it, and contract_test.go lists every method. Nothing in it
// depends on bbolt, rows or slots. A second engine implements these methods with these types.

// Errors of methods. The first three are answered to Okta with 503, so Okta retries once.
var (
	ErrFull   = errors.New("the queue of the ledger is full")
	ErrSpace  = errors.New("the ledger has no space left")                // at the size cap, or on a full disk
	ErrBroken = errors.New("the ledger has stopped after a failed write") // until it is opened again
	ErrClosed = errors.New("the ledger is closed")
	ErrGone   = errors.New("no such open work in the ledger") // finished, dropped or never recorded
	ErrLarge  = errors.New("more than one plan may hold")     // permanent, whatever the space
)

// EntryID identifies an entry: a recorded event, the actions of an inline call, or a dead letter.
// It may be compared, printed, and read again from a text by conversion; its parts belong to the
// engine. A dead letter keeps its id when it is redriven.
type EntryID string

func (id EntryID) String() string { return string(id) }

// StepID identifies one action of an entry. It may be compared and printed.
type StepID struct {
	Entry EntryID
	Index int // among the actions of the plan
}

func (s StepID) String() string { return string(s.Entry) + "." + strconv.Itoa(s.Index) }

// ID is an idempotency key: 16 bytes of a SHA-256, scoped by hook. Each ID is
// recorded once.
type ID [16]byte

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText returns the ID in hexadecimal digits.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// Key returns the ID of a delivery or of an inline call.
func Key(hook, eventID string) ID { return hashKey('d', hook, eventID) }

// EventKey returns the ID of one event of a delivery. It never equals the ID of a delivery.
func EventKey(hook, uuid string) ID { return hashKey('e', hook, uuid) }

func hashKey(class byte, hook, id string) ID {
	var buf [128]byte
	b := appendBytes(append(buf[:0], class), hook)
	sum := sha256.Sum256(append(b, id...))
	return ID(sum[:16])
}

// Event is one event of a delivery. Accept copies the payload.
type Event struct {
	ID      ID
	Payload []byte
}

// Delivery is one call of an event hook.
type Delivery struct {
	Hook   string
	ID     ID
	Events []Event
}

// Receipt says which part of a delivery was new.
type Receipt struct {
	Duplicate bool   // the delivery was recorded before; none of its events is new
	New       []bool // for each event, whether it was recorded now
}

// Action is a delivery of Spec to Destination under the idempotency key Key. The ledger interprets
// none of them.
type Action struct {
	Destination string
	Key         string
	Spec        []byte
}

// Task is a recorded event whose rules have not run. It is the caller's until Plan or Release.
type Task struct {
	Entry    EntryID
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
	Revision string // of the Set whose rules planned it
	Attempts int    // so far; redriving begins anew
	Action
}

// Attempt is one attempt at a step.
type Attempt struct {
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome"`
}
