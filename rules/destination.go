package rules

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"
)

// Destination is where actions are delivered: exactly one of URL, File and Stdout is set. A zero field was left to the
// server's default. Secrets stand in it resolved, so it prints as its name however it is printed.
type Destination struct {
	Name         string
	URL          string            // https://host/path?query; http:// only to what AllowPrivate names
	Method       string            // POST, PUT, PATCH, DELETE or GET
	Path         string            // beneath URL's own path
	Query        map[string]string // beside URL's own
	Headers      map[string]string
	Encoding     string // json or form
	OK           Check  // decides, instead of the status, whether an answer is a success; nil: 2xx is
	AllowPrivate []netip.Prefix
	Proxy        string // URL
	CA           string // PEM

	File   string // absolute path
	Rotate Rotate
	Stdout bool

	Key         string // the header, or the line's member, that the idempotency key goes into
	Timeout     time.Duration
	Retry       Retry
	Breaker     Breaker
	Concurrency int
}

// Rotate is when a destination's file is put aside, and how many are kept.
type Rotate struct {
	Size int64 // bytes
	Keep int
}

// Retry is how often and how fast a delivery is tried.
type Retry struct {
	Attempts   int
	First, Max time.Duration
}

// Breaker is when a destination is left alone, and for how long.
type Breaker struct {
	Failures int
	Rest     time.Duration
}

// String is the destination's name, and none of its secrets.
func (d Destination) String() string { return "[destination " + d.Name + "]" }

// GoString hides the secrets.
func (d Destination) GoString() string { return d.String() }

// Format hides the secrets from every verb of package fmt.
func (d Destination) Format(f fmt.State, _ rune) { f.Write([]byte(d.String())) }

// LogValue hides the secrets.
func (d Destination) LogValue() slog.Value { return slog.StringValue(d.String()) }

// MarshalJSON hides the secrets.
func (d Destination) MarshalJSON() ([]byte, error) { return []byte(`{"name":"` + d.Name + `"}`), nil }

// Destinations lists where actions can be sent, in the order of the files. The caller must not change it.
func (s *Set) Destinations() []Destination { return s.destinations }

// Check decides whether a destination's answer is a success: its status, its headers, and its body, which may have been
// cut short. An error is a check that could not decide. It is safe for concurrent use.
type Check func(status int, headers map[string][]string, body []byte) (bool, error)
