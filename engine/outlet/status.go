package outlet

import (
	"net/http"
	"strings"
	"time"
)

// maxRetryAfter bounds the wait that Retry-After can ask for.
const maxRetryAfter = time.Hour

// classifyStatus interprets a status for the step and for its destination. A redirect is Never:
// following it would send the step and its secrets to an address that is not configured, and the
// next attempt would be redirected too.
func classifyStatus(status int) (Verdict, health) {
	switch {
	case status == http.StatusTooManyRequests:
		return Retry, unknown // the destination works
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500:
		return Retry, down
	case status >= 200 && status < 300:
		return Done, up
	}
	return Never, up
}

// retryAfter parses the Retry-After of an answer: 0 if it is missing or invalid, at most an hour. A
// date is relative to the answer's own Date, if there is one, so clocks need not agree.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return parseRetryAfter(h.Get("Retry-After"), now)
}

// parseRetryAfter parses seconds or a date (RFC 9110 section 10.2.3).
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
