package outlet

import (
	"errors"
	"time"
)

// Why a step was not delivered. Result.Err wraps one of them.
var (
	ErrUnknown    = errors.New("no such destination")            // Never
	ErrStep       = errors.New("the step cannot be sent")        // Never: its key, path, header or body is not fit for it
	ErrClosed     = errors.New("the outlet is closed")           // not attempted
	ErrBusy       = errors.New("every slot is taken")            // not attempted
	ErrPaused     = errors.New("the destination is resting")     // not attempted: its breaker is open, or it asked for time
	ErrAddress    = errors.New("the address is not allowed")     // the name led to where the destination may not
	ErrConnection = errors.New("the connection failed")          // no such name, refused, reset, closed too early
	ErrTLS        = errors.New("the other side is not trusted")  // certificate or handshake
	ErrTimeout    = errors.New("no answer in time")              // the destination's timeout
	ErrStopped    = errors.New("the caller stopped it")          // the context of Deliver ended; it may have been delivered
	ErrGarbled    = errors.New("the answer cannot be read")      // not HTTP, or cut short where ok needs it whole
	ErrStatus     = errors.New("answered")                       // with a status that is not Done; the text has the status
	ErrNotOK      = errors.New("the answer is not ok")           // says the destination's ok
	ErrWrite      = errors.New("the line is not safely written") // file and stdout
	ErrExhausted  = errors.New("no attempt is left")             // Never: this was the last; wrapped beside its own cause
)

// Step is one delivery to make. Method, Encoding, Path, Query and Headers are for HTTP only.
type Step struct {
	Destination string
	Key         string            // idempotency key, the same in every attempt; visible ASCII, at most 255 bytes
	Attempt     int               // which attempt this is, counted from 1
	Body        []byte            // JSON; may be empty for HTTP. it is not kept when Deliver returns
	Method      string            // instead of the destination's own
	Encoding    string            // the same
	Path        string            // instead of the destination's own path, beneath its url; percent-encoded, no dot segments
	Query       map[string]string // beside the destination's own, or instead of one of the same name
	Headers     map[string]string // the same
}

// Verdict is what to do with a step now. The zero Kind is Retry: what nobody knows about is tried again.
type Verdict uint8

// The kinds.
const (
	Retry Verdict = iota // try again, after the longer of Result.After and Backoff
	Done                 // delivered
	Never                // not delivered, and trying again is no use: refused for good, or the attempts are used up
)

// String is the kind as a metric's label.
func (k Verdict) String() string {
	switch k {
	case Done:
		return "done"
	case Never:
		return "never"
	}
	return "retry"
}

// Result is what became of one attempt.
type Result struct {
	Verdict   Verdict
	Status    int           // HTTP; 0 when there was no answer
	Err       error         // nil when Done; holds no secret, so it may be kept as the reason
	After     time.Duration // Retry not before this: Retry-After, or what is left of a rest; at most an hour
	Elapsed   time.Duration // of the attempt
	Attempted bool          // false: nothing was sent, and it does not count as an attempt

	health health
}

// health is what an attempt says about its destination, whatever it means for the step.
type health uint8

const (
	unknown health = iota // nothing: the step was at fault, or it was stopped
	up
	down
)

// State is how a destination is now.
type State struct {
	Destination string
	Carrier     string        // http, file or stdout
	Breaker     string        // closed, open or half-open
	InFlight    int           // attempts under way
	Concurrency int           // at most
	Rest        time.Duration // how long nothing is sent yet; 0: it takes steps
}
