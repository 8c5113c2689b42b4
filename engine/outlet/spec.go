package outlet

import (
	"net/http"
	"strings"
	"time"
)

// Spec is one destination as it is configured: exactly one of URL, File and Stdout. A field that is left zero has its
// default. Secrets stand in it resolved.
type Spec struct {
	// URL is https://host/path?query, with user:password@ for Basic. http:// goes only to what AllowPrivate names.
	URL      string
	Method   string            // default POST
	Path     string            // beneath URL's own path
	Query    map[string]string // beside URL's own query
	Headers  map[string]string
	Encoding string // of the body: json (the default), or form: its members as fields
	// OK decides, instead of the status, what is Done. A 2xx that is not ok, or for which OK has an error, is Retry.
	// nil: 2xx is Done.
	OK func(Answer) (bool, error)

	AllowPrivate []string // CIDR ranges this destination may be in although they are not public
	// Proxy is an http:// or https:// URL. It is its address then that AllowPrivate is asked about, and where a name leads
	// is the proxy's to decide. Without it none is used, whatever the environment says.
	Proxy string
	CA    string // PEM certificates to trust instead of the system's

	File   string // absolute path of a file of JSON lines
	Rotate Rotate
	Stdout bool

	// Key is where the idempotency key goes: a header's name, default Idempotency-Key; for a file or stdout the name of a
	// member of the line, default idempotencyKey.
	Key         string
	Timeout     time.Duration // of an attempt, from looking up the name to the last byte of the answer; default 10 s
	Retry       Retries
	Breaker     Breaker
	Concurrency int // attempts at one time; default 8, of a file and stdout 64
}

// Rotate is when a file is put aside and how many are kept.
type Rotate struct {
	Size int64 // bytes; default 64 MiB
	Keep int   // files beside the one written to, path.1 the newest; default 5
}

// Retries is how often and how fast a step is tried.
type Retries struct {
	Attempts int           // at most; default 20
	First    time.Duration // wait after the first, doubled each time; default 1 s
	Max      time.Duration // longest wait; default 15 min
}

// Breaker is when a destination is left alone.
type Breaker struct {
	Failures int           // in a row; default 5
	Rest     time.Duration // how long; then one attempt finds out; default 30 s
}

// Answer is what an HTTP destination answered, for Spec.OK. It must not be kept.
type Answer struct {
	Status    int
	Header    http.Header
	Body      []byte // its first 64 KiB
	Truncated bool   // there was more
}

// The defaults.
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
	defaultLines       = 64
)

// withDefaults is the Spec with its defaults.
func (s Spec) withDefaults() Spec {
	lines := s.File != "" || s.Stdout
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
	if lines {
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
