package destination

import "time"

// Range is the range of a value, with both ends. Zero always means the default.
type Range[T int | int64 | time.Duration] struct{ Min, Max T }

// The ranges of the settings.
var (
	Timeout     = Range[time.Duration]{10 * time.Millisecond, 2 * time.Minute}
	RetryWait   = Range[time.Duration]{time.Millisecond, 24 * time.Hour}
	BreakerRest = Range[time.Duration]{time.Millisecond, time.Hour}
	Attempts    = Range[int]{1, 1000}
	Failures    = Range[int]{1, 1000}
	RotateKeep  = Range[int]{1, 1000}
	RotateSize  = Range[int64]{1 << 10, 1 << 40} // bytes
	Concurrency = Range[int]{1, 1024}
)

// Methods lists the HTTP methods of deliveries.
var Methods = []string{"POST", "PUT", "PATCH", "DELETE", "GET"}

// Encodings lists the encodings of HTTP bodies.
var Encodings = []string{"json", "form"}
