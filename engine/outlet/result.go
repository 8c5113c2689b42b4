package outlet

import (
	"errors"
	"time"
)

// Reasons why a step was not delivered. Result.Err wraps one of them.
var (
	ErrUnknown    = errors.New("no such destination")        // Never
	ErrStep       = errors.New("the step cannot be sent")    // Never: its key, path, header or body is invalid
	ErrClosed     = errors.New("the outlet is closed")       // not attempted
	ErrBusy       = errors.New("every slot is in use")       // not attempted
	ErrPaused     = errors.New("the destination is paused")  // not attempted: its breaker is open, or it sent Retry-After
	ErrAddress    = errors.New("the address is not allowed") // the name resolved to an address that is not permitted
	ErrConnection = errors.New("the connection failed")      // no such name, refused, reset, closed too early
	ErrTLS        = errors.New("the server is not trusted")  // certificate or handshake
	ErrTimeout    = errors.New("no answer in time")          // the destination's timeout
	ErrStopped    = errors.New("the caller cancelled it")    // the context of Deliver ended; it may have been delivered
	ErrGarbled    = errors.New("the answer cannot be read")  // not HTTP, or cut short where ok needs it whole
	ErrStatus     = errors.New("answered")                   // with a status that is not Done; the text has the status
	ErrNotOK      = errors.New("the answer is not ok")       // by the destination's ok
	ErrWrite      = errors.New("the line was not written")   // file and stdout
	ErrExhausted  = errors.New("no attempt is left")         // Never: after the last attempt; wrapped beside its cause
)

// Step is one delivery to make. Method, Encoding, Path, Query and Headers are for HTTP only.
type Step struct {
	Destination string
	Key         string            // idempotency key, the same in every attempt; visible ASCII, at most 255 bytes
	Attempt     int               // counted from 1
	Body        []byte            // JSON; may be empty for HTTP; not used after Deliver returns
	Method      string            // replaces the destination's
	Encoding    string            // replaces the destination's
	Path        string            // replaces the destination's path, below its url; percent-encoded, no dot segments
	Query       map[string]string // added to the destination's; the same name is replaced
	Headers     map[string]string // added to the destination's; the same name is replaced
}

// Verdict is the next thing to do with a step. The zero Verdict is Retry.
type Verdict uint8

// The verdicts.
const (
	Retry Verdict = iota // try again, after the longer of Result.After and Backoff
	Done                 // delivered
	Never                // not delivered: rejected permanently, or the attempts are used up
)

// String is the verdict as a metric's label.
func (k Verdict) String() string {
	switch k {
	case Done:
		return "done"
	case Never:
		return "never"
	}
	return "retry"
}

// Result is the result of one attempt.
type Result struct {
	Verdict   Verdict
	Status    int           // of HTTP; 0 without an answer
	Err       error         // nil when Done; holds no secret, so it may be stored as the reason
	After     time.Duration // least wait before a Retry: Retry-After, or the rest of a pause; at most an hour
	Elapsed   time.Duration // of the attempt
	Attempted bool          // false: nothing was sent, and it does not count as an attempt

	health health
}

// health is the statement of an attempt about its destination, not about the step.
type health uint8

const (
	unknown health = iota // none: the step was invalid, or it was cancelled
	up
	down
)

// State is the current state of a destination.
type State struct {
	Destination string
	Carrier     string        // http, file or stdout
	Breaker     string        // closed, open or half-open
	InFlight    int           // attempts
	Concurrency int           // slots
	Rest        time.Duration // remaining pause; 0: it accepts steps
}
