package outlet

import (
	"net/http"
	"strings"
	"time"
)

// maxRetryAfter is the longest a destination can make a step wait by asking for time.
const maxRetryAfter = time.Hour

// classifyStatus is what a status means for a step and for its destination. A redirect is Never: whoever follows one takes the
// step, and the secrets that go with it, to an address nobody configured; and it would be there the next time as well.
func classifyStatus(status int) (Verdict, health) {
	switch {
	case status == http.StatusTooManyRequests:
		return Retry, unknown // it works, and it is a destination's good right to say so
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500:
		return Retry, down
	case status >= 200 && status < 300:
		return Done, up
	}
	return Never, up
}

// retryAfter reads the Retry-After of an answer: 0 when there is none that can be read, at most an hour. A date is counted
// from the answer's own Date where it has one, so that it does not matter how right either clock is.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return parseRetryAfter(h.Get("Retry-After"), now)
}

// parseRetryAfter reads what RFC 9110 section 10.2.3 allows: seconds, or a date.
func parseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.Trim(value, " \t")
	if value == "" || len(value) > 64 {
		return 0
	}
	if strings.Trim(value, "0123456789") != "" {
		date, err := http.ParseTime(value)
		if err != nil {
			return 0
		}
		return min(max(0, date.Sub(now)), maxRetryAfter)
	}
	var seconds time.Duration
	for _, digit := range value {
		seconds = min(seconds*10+time.Duration(digit-'0'), maxRetryAfter/time.Second)
	}
	return seconds * time.Second
}
