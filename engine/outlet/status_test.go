package outlet_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/outlet"
	"github.com/tenterhook/tenterhook/rules/destination"
)

// wantResult checks a Result; a nil error wants none.
func wantResult(t *testing.T, r outlet.Result, kind outlet.Verdict, err error) {
	t.Helper()
	if r.Verdict != kind || !errors.Is(r.Err, err) {
		t.Errorf("got %v, %v; want %v, %v", r.Verdict, r.Err, kind, err)
	}
}

func TestStatus(t *testing.T) {
	want := map[outlet.Verdict][]int{
		outlet.Done:  {200, 201, 202, 204, 299},
		outlet.Retry: {408, 425, 429, 500, 501, 502, 503, 504, 507, 599},
		outlet.Never: {300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 409, 410, 413, 422, 451, 499},
	}
	url := startServer(t, func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Query().Get("s"))
		w.Header().Set("Location", "/elsewhere?s=200")
		w.WriteHeader(status)
	})
	o := openOne(t, destination.Spec{Kind: destination.HTTP, URL: url, Breaker: destination.Breaker{Failures: 1000}})
	for kind, statuses := range want {
		for _, status := range statuses {
			s := newStep("{}")
			s.Query = map[string]string{"s": strconv.Itoa(status)}
			r := deliver(t, o, s)
			var err error
			if kind != outlet.Done {
				err = outlet.ErrStatus
			}
			wantResult(t, r, kind, err)
			if r.Status != status || r.Elapsed <= 0 {
				t.Errorf("got %+v", r)
			}
		}
	}
}

func TestVerdictLabels(t *testing.T) {
	for kind, want := range map[outlet.Verdict]string{outlet.Retry: "retry", outlet.Done: "done", outlet.Never: "never"} {
		if kind.String() != want {
			t.Errorf("got %q, want %q", kind, want)
		}
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	elsewhere := startServer(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("followed, with %v", r.Header) })
	url := startServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
	})
	r := deliver(t, openOne(t, destination.Spec{Kind: destination.HTTP, URL: url, Headers: map[string]string{"Authorization": "secret"}}), newStep("{}"))
	wantResult(t, r, outlet.Never, outlet.ErrStatus)
	if r.Err.Error() != `deliver to "there": answered 307 Temporary Redirect` {
		t.Errorf("got %q", r.Err)
	}
}

func TestOK(t *testing.T) {
	url := startServer(t, func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Query().Get("s"))
		w.Header().Set("X-Verdict", r.URL.Query().Get("v"))
		w.WriteHeader(status)
		_, _ = w.Write([]byte(r.URL.Query().Get("b")))
	})
	slack := func(a destination.Answer) (bool, error) {
		if a.Header.Get("X-Verdict") == "fault" {
			return true, errors.New("the expression failed")
		}
		return a.Status == 409 || bytes.Contains(a.Body, []byte(`"ok":true`)), nil
	}
	o := openOne(t, destination.Spec{Kind: destination.HTTP, URL: url, OK: slack, Breaker: destination.Breaker{Failures: 2}})
	tests := []struct {
		name, status, body, verdict string
		kind                        outlet.Verdict
		err                         error
	}{
		{"ok", "200", `{"ok":true}`, "", outlet.Done, nil},
		{"not ok", "200", `{"ok":false}`, "", outlet.Retry, outlet.ErrNotOK},
		{"no verdict", "200", `{"ok":true}`, "fault", outlet.Retry, outlet.ErrNotOK},
		{"ok despite its status", "409", "", "", outlet.Done, nil},
		{"not ok and refused", "400", "", "", outlet.Never, outlet.ErrStatus},
		{"not ok and down", "500", "", "", outlet.Retry, outlet.ErrStatus},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStep("{}")
			s.Query = map[string]string{"s": test.status, "b": test.body, "v": test.verdict}
			wantResult(t, deliver(t, o, s), test.kind, test.err)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name, after, date string
		status            int
		want              time.Duration
	}{
		{"Seconds", "7", "", 429, 7 * time.Second},
		{"Date", now.Add(90 * time.Second).Format(http.TimeFormat), "", 503, 90 * time.Second},
		{"DateBesideTheirClock", now.Add(90 * time.Second).Format(http.TimeFormat), now.Add(60 * time.Second).Format(http.TimeFormat), 503, 30 * time.Second},
		{"Past", now.Add(-time.Hour).Format(http.TimeFormat), "", 503, 0},
		{"Capped", "999999999999999999999999", "", 503, time.Hour},
		{"CappedDate", now.Add(9000 * time.Hour).Format(http.TimeFormat), "", 503, time.Hour},
		{"Nonsense", "soon", "", 503, 0},
		{"Negative", "-5", "", 503, 0},
		{"NotForRefusals", "7", "", 400, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			url := startServer(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Date"] = nil
				if test.date != "" {
					w.Header().Set("Date", test.date)
				}
				w.Header().Set("Retry-After", test.after)
				w.WriteHeader(test.status)
			})
			clock := now
			o := openOutlet(t, map[string]destination.Spec{"there": {Kind: destination.HTTP, URL: url, AllowPrivate: loopback}},
				outlet.Options{Now: func() time.Time { return clock }})
			for i, key := range []string{"a", "a", "b", "c"} { // one of a kind means the step, several mean us
				s := newStep("{}")
				s.Key = key
				if r := deliver(t, o, s); r.After != test.want || !r.Attempted {
					t.Fatalf("%d: got %+v", i, r)
				}
			}
			r := deliver(t, o, newStep("{}"))
			if rested := !r.Attempted; rested != (test.want > 0) {
				t.Fatalf("then got %+v", r)
			}
			if test.want == 0 {
				return
			}
			wantResult(t, r, outlet.Retry, outlet.ErrPaused)
			want := min(test.want, 5*time.Minute)
			if r.After != want || o.States()[0].Rest != want {
				t.Errorf("rests for %v, %v", r.After, o.States()[0].Rest)
			}
			clock = clock.Add(want)
			if r := deliver(t, o, newStep("{}")); !r.Attempted {
				t.Errorf("afterwards got %+v", r)
			}
		})
	}
}

// TestRetryAfterOfOneStep: steps answered with Retry-After do not delay others that succeed.
func TestRetryAfterOfOneStep(t *testing.T) {
	url := startServer(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Idempotency-Key"), "poison") {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(429)
		}
	})
	o := openOne(t, destination.Spec{Kind: destination.HTTP, URL: url})
	for i := range 10 {
		for _, key := range []string{"poison", fmt.Sprint("poison", i)} {
			s := newStep("{}")
			s.Key = key
			if r := deliver(t, o, s); !r.Attempted || r.After != time.Hour {
				t.Fatalf("%d: got %+v", i, r)
			}
		}
		wantResult(t, deliver(t, o, newStep("{}")), outlet.Done, nil)
	}
}

func TestExhausted(t *testing.T) {
	url := startServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	o := openOne(t, destination.Spec{Kind: destination.HTTP, URL: url, Retry: destination.Retry{Attempts: 3}})
	s := newStep("{}")
	s.Attempt = 2
	wantResult(t, deliver(t, o, s), outlet.Retry, outlet.ErrStatus)
	s.Attempt = 3
	r := deliver(t, o, s)
	wantResult(t, r, outlet.Never, outlet.ErrExhausted)
	wantResult(t, r, outlet.Never, outlet.ErrStatus)
	if r.Status != 500 || !strings.HasSuffix(r.Err.Error(), "no attempt is left after 3: answered 500 Internal Server Error") {
		t.Errorf("got %+v", r)
	}
}

func TestBackoff(t *testing.T) {
	o := openOne(t, destination.Spec{Kind: destination.HTTP, URL: "http://127.0.0.1:1", Retry: destination.Retry{First: time.Second, Max: time.Minute}})
	for attempt := -1; attempt < 200; attempt++ {
		middle := min(time.Second<<min(max(attempt-1, 0), 10), 40*time.Second)
		different := false
		before := o.Backoff("there", attempt)
		for range 50 {
			got := o.Backoff("there", attempt)
			different = different || got != before
			if got < middle/2 || got > min(middle*3/2, time.Minute) {
				t.Fatalf("attempt %d: %v", attempt, got)
			}
		}
		if !different {
			t.Errorf("attempt %d: all wait the same time", attempt)
		}
	}
	if got := o.Backoff("nobody", 1); got != 0 {
		t.Errorf("got %v for nobody", got)
	}
}
