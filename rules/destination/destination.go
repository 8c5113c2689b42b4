// Package destination defines the destinations of actions and validates them.
//
// It is the one definition of a destination: package rules decodes a policy into it, and package
// outlet delivers to it. A new kind needs a constant and its row in kinds, its checks in Validate,
// its YAML keys in package rules, and a carrier in package outlet.
package destination

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Kind is the kind of a destination.
type Kind uint8

// The kinds. The zero Kind is invalid.
const (
	HTTP   Kind = iota + 1 // an HTTP endpoint
	File                   // a file of JSON lines
	Stdout                 // JSON lines on standard output
)

// kinds holds for each kind its name and the YAML key whose presence means it.
var kinds = [...]struct {
	kind      Kind
	name, key string
}{
	{HTTP, "http", "url"},
	{File, "file", "file"},
	{Stdout, "stdout", "stdout"},
}

// String is the name of the kind.
func (k Kind) String() string {
	for _, row := range kinds {
		if row.kind == k {
			return row.name
		}
	}
	return "unknown"
}

// Key is the YAML key whose presence means the kind.
func (k Kind) Key() string {
	for _, row := range kinds {
		if row.kind == k {
			return row.key
		}
	}
	return ""
}

// Kinds lists all kinds.
func Kinds() []Kind {
	all := make([]Kind, len(kinds))
	for i, row := range kinds {
		all[i] = row.kind
	}
	return all
}

// fieldKinds lists the YAML keys that are not for all kinds.
var fieldKinds = map[string][]Kind{
	"method": {HTTP}, "path": {HTTP}, "query": {HTTP}, "headers": {HTTP}, "encoding": {HTTP}, "ok": {HTTP},
	"allow_private": {HTTP}, "proxy": {HTTP}, "ca": {HTTP},
	"rotate": {File},
}

// CheckField returns the problem of a YAML key at a destination of this kind, or "".
func (k Kind) CheckField(key string) string {
	allowed := fieldKinds[key]
	if allowed == nil || slices.Contains(allowed, k) {
		return ""
	}
	return fmt.Sprintf("%s is for destinations with a %s", key, allowed[0].Key())
}

// Spec is one destination. A zero field has its default. It holds resolved secrets, so it prints as
// its name only.
type Spec struct {
	Name string
	Kind Kind

	URL          string            // of HTTP: https://host/path?query, with user:password@ for Basic
	Method       string            // default POST
	Path         string            // below the path of URL
	Query        map[string]string // added to the query of URL
	Headers      map[string]string
	Encoding     string         // of the body: json (default), or form
	OK           Check          // decides whether an answer is a success; nil: status 2xx
	AllowPrivate []netip.Prefix // ranges that are permitted although they are not public, also by http
	Proxy        string         // URL of a proxy, which then resolves names; AllowPrivate concerns the proxy
	CA           string         // PEM certificates to trust instead of the system's

	File   string // of File: an absolute path
	Rotate Rotate // of File

	Key         string        // header (default Idempotency-Key) or member of a line (default idempotencyKey)
	Timeout     time.Duration // of an attempt, from the lookup to the end of the answer; default 10 s
	Retry       Retry
	Breaker     Breaker
	Concurrency int // default 8, of lines 64
}

// Rotate configures the rotation of a file.
type Rotate struct {
	Size int64 // bytes; default 64 MiB
	Keep int   // rotated files, path.1 the newest; default 5
}

// Retry configures how often and how fast a delivery is retried.
type Retry struct {
	Attempts int           // maximum; default 20
	First    time.Duration // wait after the first attempt, doubled each time; default 1 s
	Max      time.Duration // longest wait; default 15 min
}

// Breaker configures when a destination is paused.
type Breaker struct {
	Failures int           // in a row; default 5
	Rest     time.Duration // pause before the next attempt; default 30 s
}

// Answer is the answer of an HTTP destination. It must not be kept.
type Answer struct {
	Status    int
	Header    http.Header
	Body      []byte // its first 64 KiB
	Truncated bool   // Body is incomplete
}

// Check decides whether an answer is a success. An error means that it could not decide. It is safe
// for concurrent use.
type Check func(Answer) (bool, error)

// IsLines reports whether the destination receives lines of JSON.
func (s *Spec) IsLines() bool { return s.Kind == File || s.Kind == Stdout }

// HasBody reports whether a delivery with this method has a body; "" is the destination's method.
func (s *Spec) HasBody(method string) bool {
	if method == "" {
		method = s.Method
	}
	return s.IsLines() || method != http.MethodGet && method != http.MethodDelete
}

// Addresses returns the addresses that the destination, or its proxy, may have.
func (s *Spec) Addresses() Addresses {
	return Addresses{Private: s.AllowPrivate, Public: strings.HasPrefix(strings.ToLower(s.URL), "https:")}
}

const (
	defaultKey         = "Idempotency-Key"
	defaultMember      = "idempotencyKey"
	defaultTimeout     = 10 * time.Second
	defaultAttempts    = 20
	defaultFirst       = time.Second
	defaultMax         = 15 * time.Minute
	defaultFailures    = 5
	defaultRest        = 30 * time.Second
	defaultSize        = 64 << 20
	defaultKeep        = 5
	defaultConcurrency = 8
	defaultLines       = 64 // concurrency of lines
)

// WithDefaults returns a valid Spec with its defaults.
func (s Spec) WithDefaults() Spec {
	s.Method = strings.ToUpper(s.Method)
	setDefault(&s.Method, http.MethodPost)
	setDefault(&s.Encoding, "json")
	setDefault(&s.Timeout, defaultTimeout)
	setDefault(&s.Retry.Attempts, defaultAttempts)
	setDefault(&s.Retry.Max, max(defaultMax, s.Retry.First))
	setDefault(&s.Retry.First, min(defaultFirst, s.Retry.Max))
	setDefault(&s.Breaker.Failures, defaultFailures)
	setDefault(&s.Breaker.Rest, defaultRest)
	setDefault(&s.Rotate.Size, defaultSize)
	setDefault(&s.Rotate.Keep, defaultKeep)
	if s.IsLines() {
		setDefault(&s.Key, defaultMember)
		setDefault(&s.Concurrency, defaultLines)
	}
	setDefault(&s.Key, defaultKey)
	setDefault(&s.Concurrency, defaultConcurrency)
	return s
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// String is the destination's name, without its secrets.
func (s Spec) String() string { return "[destination " + s.Name + "]" }

// GoString hides the secrets.
func (s Spec) GoString() string { return s.String() }

// Format hides the secrets from every verb of package fmt.
func (s Spec) Format(f fmt.State, _ rune) { f.Write([]byte(s.String())) }

// LogValue hides the secrets.
func (s Spec) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON hides the secrets.
func (s Spec) MarshalJSON() ([]byte, error) { return []byte(`{"name":"` + s.Name + `"}`), nil }
