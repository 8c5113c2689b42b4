package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
)

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
}

// do sends one request with the headers Okta sends (hooks.md section 1.1) and those of the credential.
func (e *examination) do(ctx context.Context, method string, body []byte, headers http.Header) (*answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, e.o.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "Okta-Integrations")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, values := range headers {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	start := time.Now()
	response, err := e.client.Do(request)
	if err != nil {
		return nil, plain(err)
	}
	defer response.Body.Close()
	const most = 1 << 20
	text, err := io.ReadAll(http.MaxBytesReader(nil, response.Body, most))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return &answer{response.StatusCode, response.Header, text, time.Since(start)}, nil
}

// fresh is a call with an eventId of its own. A delivery brings no events.
func (e *examination) fresh() []byte {
	call := sample.Of(e.o.Type)
	if e.o.Type == hook.EventHook {
		call = []byte(`{"eventType":"com.okta.event_hook","eventTypeVersion":"1.0","cloudEventsVersion":"0.1","contentType":"application/json",` +
			`"eventId":"","eventTime":"","source":"https://example.okta.com/api/v1/eventHooks/who0000000000000000","data":{"events":[]}}`)
	}
	call, _ = From(e.o.Host, call) // a sample always can
	return sample.Fresh(call, sample.ID(e.o.Type), time.Now())
}

// strangers calls without the credential, and with one that is almost right: nobody may get in so.
func (e *examination) strangers(ctx context.Context) {
	if len(e.o.Headers) == 0 {
		e.find(Skipped, "secrets", "no credential was given", "give it with --header, as Okta sends it")
		return
	}
	e.stranger(ctx, "no secret", nil)
	e.stranger(ctx, "wrong secret", almost(e.o.Headers))
}

func (e *examination) stranger(ctx context.Context, subject string, headers http.Header) {
	a, err := e.do(ctx, http.MethodPost, e.fresh(), headers)
	switch {
	case err != nil:
		e.find(Wrong, subject, err.Error(), "want an answer of 401")
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		e.fine(subject, "refused with %d", a.status)
	case a.status < 300:
		e.find(Wrong, subject, fmt.Sprintf("let in with %d", a.status), "anybody can call this hook: it does not look at the secret")
	case redirected(a):
		e.redirect(subject, a)
	case a.status >= 500:
		e.find(Doubtful, subject, fmt.Sprintf("refused with %d", a.status), "want 401: Okta tries again after a 5xx")
	default:
		e.find(Doubtful, subject, fmt.Sprintf("refused with %d", a.status), "want 401")
	}
}

// almost is a credential whose last character is another one.
func almost(right http.Header) http.Header {
	wrong := make(http.Header)
	for name, values := range right {
		for _, v := range values {
			last := "x"
			if strings.HasSuffix(v, last) {
				last = "y"
			}
			wrong.Add(name, v[:max(len(v)-1, 0)]+last)
		}
	}
	return wrong
}

func redirected(a *answer) bool { return a.status >= 300 && a.status < 400 }

func (e *examination) redirect(subject string, a *answer) {
	e.report.lost = true
	e.find(Wrong, subject, fmt.Sprintf("%d to %s", a.status, a.header.Get("Location")), "Okta follows no redirects: enter the URL that it leads to")
}

// challenge plays the one-time verification of an event hook (hooks.md section 3.1).
func (e *examination) challenge(ctx context.Context) {
	if e.o.Type != hook.EventHook {
		return
	}
	want := rand.Text()
	headers := e.o.Headers.Clone()
	if headers == nil {
		headers = make(http.Header)
	}
	headers.Set("X-Okta-Verification-Challenge", want)
	a, err := e.do(ctx, http.MethodGet, nil, headers)
	var got struct{ Verification string }
	const advice = `Okta would not verify this hook: want 200 and {"verification": <the challenge>} to a GET`
	switch {
	case err != nil:
		e.find(Wrong, "verification", err.Error(), advice)
	case redirected(a):
		e.redirect("verification", a)
	case a.status != http.StatusOK:
		e.find(Wrong, "verification", fmt.Sprintf("answered with %d", a.status), advice)
	case json.Unmarshal(a.body, &got) != nil || got.Verification != want:
		e.find(Wrong, "verification", "the challenge does not come back", advice)
	case !strings.HasPrefix(a.header.Get("Content-Type"), "application/json"):
		e.find(Doubtful, "verification", "the answer's type is "+a.header.Get("Content-Type"), "want application/json")
	default:
		e.fine("verification", "the challenge comes back")
	}
}

// calls makes well-authenticated calls, one after the other, and judges answers and times.
func (e *examination) calls(ctx context.Context) {
	e.client.CloseIdleConnections() // the first one is to show what a new connection costs
	var times []time.Duration
	for range e.o.Calls {
		a, err := e.do(ctx, http.MethodPost, e.fresh(), e.o.Headers)
		if err != nil {
			e.unanswered(err)
			return
		}
		if redirected(a) {
			e.redirect("calls", a)
			return
		}
		if problems := Judge(e.o.Type, a.status, a.body); len(problems) > 0 {
			e.report.lost = a.status == http.StatusNotFound
			e.find(Wrong, "calls", problems[0], e.advice(a))
			return
		}
		times = append(times, a.took)
	}
	e.fine("calls", "%d answered, and Okta would apply each answer", len(times))
	e.times(times)
	e.broken(ctx)
}

func (e *examination) unanswered(err error) {
	advice := "Okta " + Silence(e.o.Type)
	var late interface{ Timeout() bool }
	if errors.As(err, &late) && late.Timeout() {
		e.find(Wrong, "calls", fmt.Sprintf("no answer within %v", OktaWaits), advice)
		return
	}
	e.find(Wrong, "calls", err.Error(), advice)
}

func (e *examination) times(all []time.Duration) {
	t := Times{Calls: len(all), First: all[0]}
	slices.Sort(all)
	t.Median, t.Most = all[len(all)/2], all[len(all)-1]
	e.report.Times = &t
	text := fmt.Sprintf("the first call took %v, the median %v, the longest %v", tidy(t.First), tidy(t.Median), tidy(t.Most))
	switch {
	case t.Most > OktaWaits/3:
		e.find(Doubtful, "time", text, "Okta waits 3 s, its own token included, and its user waits with it: stay well under one second")
	default:
		e.find(Fine, "time", text, "")
	}
}

// broken sends what is no JSON: it must be refused for good, for Okta tries again after a 5xx (hooks.md section 1).
func (e *examination) broken(ctx context.Context) {
	a, err := e.do(ctx, http.MethodPost, []byte(`{"eventType":`), e.o.Headers)
	switch {
	case err != nil:
		e.find(Doubtful, "broken call", err.Error(), "want an answer of 400")
	case a.status >= 400 && a.status < 500:
		e.fine("broken call", "refused with %d", a.status)
	default:
		e.find(Doubtful, "broken call", fmt.Sprintf("answered with %d", a.status), "want 400: what cannot be read should be refused, and not asked for again")
	}
}

func tidy(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
