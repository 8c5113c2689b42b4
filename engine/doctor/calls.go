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

// answer is an HTTP response.
type answer struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
}

// do sends one request with the headers Okta sends (hooks.md section 1.1) and those of the
// credential.
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
		return nil, unwrapURLError(err)
	}
	defer response.Body.Close()
	const most = 1 << 20
	text, err := io.ReadAll(http.MaxBytesReader(nil, response.Body, most))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return &answer{response.StatusCode, response.Header, text, time.Since(start)}, nil
}

// newCall returns a call with its own eventId. A delivery contains no events.
func (e *examination) newCall() []byte {
	call := sample.Of(e.o.Type)
	if e.o.Type == hook.EventHook {
		call = []byte(`{"eventType":"com.okta.event_hook","eventTypeVersion":"1.0","cloudEventsVersion":"0.1","contentType":"application/json",` +
			`"eventId":"","eventTime":"","source":"https://example.okta.com/api/v1/eventHooks/who0000000000000000","data":{"events":[]}}`)
	}
	call, _ = SetHost(e.o.Host, call) // never fails for a sample
	return sample.Fresh(call, sample.ID(e.o.Type), time.Now())
}

// checkSecrets calls without the credential and with an altered one: the endpoint must reject both.
func (e *examination) checkSecrets(ctx context.Context) {
	if len(e.o.Headers) == 0 {
		e.add(Skipped, "secrets", "no credential was given", "give it with --header, as Okta sends it")
		return
	}
	e.checkRejected(ctx, "no secret", nil)
	e.checkRejected(ctx, "wrong secret", alterCredential(e.o.Headers))
}

func (e *examination) checkRejected(ctx context.Context, subject string, headers http.Header) {
	a, err := e.do(ctx, http.MethodPost, e.newCall(), headers)
	switch {
	case err != nil:
		e.add(Wrong, subject, err.Error(), "want status 401")
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		e.addOK(subject, "rejected with status %d", a.status)
	case a.status < 300:
		e.add(Wrong, subject, fmt.Sprintf("accepted with status %d", a.status), "anybody can call this hook: it does not check the secret")
	case isRedirect(a):
		e.reportRedirect(subject, a)
	case a.status >= 500:
		e.add(Warning, subject, fmt.Sprintf("rejected with status %d", a.status), "want 401: Okta retries after a 5xx")
	default:
		e.add(Warning, subject, fmt.Sprintf("rejected with status %d", a.status), "want 401")
	}
}

// alterCredential changes the last character of each header value.
func alterCredential(right http.Header) http.Header {
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

func isRedirect(a *answer) bool { return a.status >= 300 && a.status < 400 }

func (e *examination) reportRedirect(subject string, a *answer) {
	e.report.unserved = true
	e.add(Wrong, subject, fmt.Sprintf("redirected with status %d to %s", a.status, a.header.Get("Location")), "Okta does not follow redirects: enter the target URL")
}

// checkVerification performs the one-time verification of an event hook (hooks.md section 3.1).
func (e *examination) checkVerification(ctx context.Context) {
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
		e.add(Wrong, "verification", err.Error(), advice)
	case isRedirect(a):
		e.reportRedirect("verification", a)
	case a.status != http.StatusOK:
		e.add(Wrong, "verification", fmt.Sprintf("answered with status %d", a.status), advice)
	case json.Unmarshal(a.body, &got) != nil || got.Verification != want:
		e.add(Wrong, "verification", "the answer does not contain the challenge", advice)
	case !strings.HasPrefix(a.header.Get("Content-Type"), "application/json"):
		e.add(Warning, "verification", "the Content-Type of the answer is "+a.header.Get("Content-Type"), "want application/json")
	default:
		e.addOK("verification", "the answer contains the challenge")
	}
}

// checkCalls makes authenticated calls one after the other, and checks answers and times.
func (e *examination) checkCalls(ctx context.Context) {
	e.client.CloseIdleConnections() // so that the first call includes a new connection
	var times []time.Duration
	for range e.o.Calls {
		a, err := e.do(ctx, http.MethodPost, e.newCall(), e.o.Headers)
		if err != nil {
			e.reportNoAnswer(err)
			return
		}
		if isRedirect(a) {
			e.reportRedirect("calls", a)
			return
		}
		if problems := CheckAnswer(e.o.Type, a.status, a.body); len(problems) > 0 {
			e.report.unserved = a.status == http.StatusNotFound
			e.add(Wrong, "calls", problems[0], e.adviseStatus(a))
			return
		}
		times = append(times, a.took)
	}
	e.addOK("calls", "all %d answered; Okta would apply every answer", len(times))
	e.reportTimes(times)
	e.checkBrokenCall(ctx)
}

func (e *examination) reportNoAnswer(err error) {
	advice := "Okta " + e.o.Type.OnFailure()
	var late interface{ Timeout() bool }
	if errors.As(err, &late) && late.Timeout() {
		e.add(Wrong, "calls", fmt.Sprintf("no answer within %v", OktaTimeout), advice)
		return
	}
	e.add(Wrong, "calls", err.Error(), advice)
}

func (e *examination) reportTimes(all []time.Duration) {
	t := Times{Calls: len(all), First: all[0]}
	slices.Sort(all)
	t.Median, t.Longest = all[len(all)/2], all[len(all)-1]
	e.report.Times = &t
	text := fmt.Sprintf("the first call took %v, the median %v, the longest %v", roundTime(t.First), roundTime(t.Median), roundTime(t.Longest))
	switch {
	case t.Longest > OktaTimeout/3:
		e.add(Warning, "time", text, "Okta waits 3 s, and its user waits with it: stay well under one second")
	default:
		e.add(OK, "time", text, "")
	}
}

// checkBrokenCall sends invalid JSON to an inline hook. It needs a decision as well: without one Okta
// may continue, and an attacker who can spoil a call would bypass the hook. Deliveries are not tried,
// because a server may keep those that it cannot read.
func (e *examination) checkBrokenCall(ctx context.Context) {
	if !e.o.Type.Inline() {
		return
	}
	a, err := e.do(ctx, http.MethodPost, []byte(`{"eventType":`), e.o.Headers)
	const subject, advice = "broken call", "want 200 with an answer for failures: Okta "
	switch {
	case err != nil:
		e.add(Warning, subject, err.Error(), advice+e.o.Type.OnFailure())
	case len(CheckAnswer(e.o.Type, a.status, a.body)) == 0:
		e.addOK(subject, "answered; Okta would apply the answer")
	default:
		e.add(Warning, subject, fmt.Sprintf("answered with status %d", a.status), advice+e.o.Type.OnFailure())
	}
}

func roundTime(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
