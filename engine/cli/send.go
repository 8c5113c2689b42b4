package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/engine/doctor"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
)

type sendFlags struct {
	typ, sample, input string
	host               string
	headers, sets      []string
	count, repeat      int
	verify, json       bool
	timeout            time.Duration
}

func (p *Program) send() *cobra.Command {
	var f sendFlags
	c := &cobra.Command{
		Use:   "send URL --type TYPE",
		Short: "Call a hook as Okta does, and show request and answer",
		Long: "Send calls a hook as Okta does: with a sample call of the type, a new eventId and the current time. It prints the request\n" +
			"and the answer, and reports why Okta would not apply an answer.",
		Example: "  tenterhook send http://127.0.0.1:8080/hooks/signup --type registration --set data.userProfile.email=eve@example.com\n" +
			"  tenterhook send https://hooks.example.com/hooks/token --type token --header 'Authorization: ${env.TOKEN_SECRET}' --count 10 --repeat 1",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return p.sendCalls(args[0], f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.typ, "type", "", "hook type: "+typeNames())
	flags.StringVar(&f.sample, "sample", "", "name of the sample call: "+strings.Join(sample.Names(), ", "))
	flags.StringVar(&f.input, "input", "", "file with the call, instead of a sample; - is standard input")
	flags.StringVar(&f.host, "host", "", "the calling org's host, such as acme.okta.com")
	flags.StringArrayVar(&f.headers, "header", nil, headerUse)
	flags.StringArrayVar(&f.sets, "set", nil, "change a member: path=value; data.x.y must be a member that calls have, /data/x/y can be any; may be repeated")
	flags.IntVar(&f.count, "count", 1, "number of calls, each with its own eventId")
	flags.IntVar(&f.repeat, "repeat", 0, "number of times to repeat each call, as Okta's retry does")
	flags.BoolVar(&f.verify, "verify", false, "send an event hook's verification challenge instead")
	flags.DurationVar(&f.timeout, "timeout", doctor.OktaTimeout, "time to wait for an answer")
	flags.BoolVar(&f.json, "json", false, "print one JSON object for each call")
	completeType(c)
	completeSample(c)
	return c
}

func typeNames() string {
	var names []string
	for _, t := range hook.Types() {
		names = append(names, t.String())
	}
	return strings.Join(names, ", ")
}

// caller sends calls to one URL as Okta does.
type caller struct {
	url     string
	shown   string // the URL without its password
	headers http.Header
	client  *http.Client
	json    bool
	p       *Program
}

func (p *Program) sendCalls(target string, f sendFlags) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c, err := p.caller(target, f)
	if err != nil {
		return err
	}
	defer c.client.CloseIdleConnections()
	if f.verify {
		return c.verify(ctx)
	}
	if f.count < 1 || f.repeat < 0 {
		return usage("want --count of at least 1 and --repeat of at least 0")
	}
	t, body, err := p.callToSend(f)
	if err != nil {
		return err
	}
	return c.sendAll(ctx, t, body, f)
}

// parseType returns the type named by --type.
func parseType(name string) (hook.Type, error) {
	t, ok := hook.ParseType(name)
	if !ok {
		return 0, usage("--type %s: want one of %s%s", name, typeNames(), suggestion(name, strings.Split(typeNames(), ", ")))
	}
	return t, nil
}

// callToSend returns the call to send and its type.
func (p *Program) callToSend(f sendFlags) (hook.Type, []byte, error) {
	if f.typ == "" {
		return 0, nil, usage("--type is missing: want one of %s", typeNames())
	}
	t, err := parseType(f.typ)
	if err != nil {
		return 0, nil, err
	}
	q := callSource{typ: t, file: f.input, sample: f.sample, sets: f.sets}
	if err := checkHost(f.host); err != nil {
		return 0, nil, err
	}
	body, err := p.readCall(q)
	if err != nil {
		return 0, nil, err
	}
	body, err = doctor.SetHost(f.host, body)
	return t, body, err
}

func (p *Program) caller(target string, f sendFlags) (*caller, error) {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, usage("%s: want a URL such as http://127.0.0.1:8080/hooks/signup", target)
	}
	headers, err := p.parseHeaders(f.headers)
	if err != nil {
		return nil, err
	}
	c := &caller{url: target, shown: u.Redacted(), p: p, json: f.json, headers: headers}
	c.client = &http.Client{
		Timeout:       f.timeout,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // Okta does not follow redirects
	}
	return c, nil
}

// sendAll sends count calls with their repeats. The error has the number of wrong answers.
func (c *caller) sendAll(ctx context.Context, t hook.Type, body []byte, f sendFlags) error {
	var all []*exchange
	for range f.count {
		fresh := sample.Fresh(body, sample.ID(t), time.Now())
		var first *exchange
		for n := range 1 + f.repeat {
			x := c.exchange(ctx, t, fresh)
			if err := ctx.Err(); err != nil {
				return err
			}
			x.compareRepeat(first, n)
			c.report(x, f.count+f.repeat > 1)
			if first == nil {
				first = x
			}
			x.Question = nil // printed already; there can be many calls
			all = append(all, x)
		}
	}
	return c.summary(all)
}

func (c *caller) summary(all []*exchange) error {
	bad := 0
	times := make([]time.Duration, len(all))
	for i, x := range all {
		times[i] = x.elapsed
		if len(x.Problems) > 0 {
			bad++
		}
	}
	if len(all) > 1 && !c.json {
		slices.Sort(times)
		fmt.Fprintf(c.p.Stdout, "%d calls, %d answered correctly; time: min %v, median %v, max %v\n",
			len(all), len(all)-bad, roundTime(times[0]), roundTime(times[len(times)/2]), roundTime(times[len(times)-1]))
	}
	if bad > 0 {
		return asReported(fmt.Errorf("%d of %d calls were not answered correctly", bad, len(all)))
	}
	return nil
}

// exchange is one request and its answer.
type exchange struct {
	EventID  string          `json:"eventId"`
	Repeat   int             `json:"repeat"`
	Status   int             `json:"status,omitempty"`
	Millis   float64         `json:"millis"`
	Question json.RawMessage `json:"question"`
	Answer   json.RawMessage `json:"answer,omitempty"`
	Same     *bool           `json:"same,omitempty"` // only of repeats: same bytes as the first answer
	Problems []string        `json:"problems,omitempty"`

	elapsed time.Duration
	raw     []byte
}

func (c *caller) exchange(ctx context.Context, t hook.Type, body []byte) *exchange {
	x := &exchange{Question: body}
	if d, err := parseCall("call", body); err == nil {
		x.EventID = d.Root().Get("eventId").Text()
	}
	status, answer, err := c.do(ctx, http.MethodPost, body, nil, &x.elapsed)
	x.Status, x.raw, x.Millis = status, answer, float64(x.elapsed.Microseconds())/1000
	if json.Valid(answer) {
		x.Answer = answer
	}
	if err != nil {
		x.Problems = append(x.Problems, fmt.Sprintf("no answer: %v", unwrapURLError(err)), "Okta "+t.OnFailure())
		return x
	}
	x.Problems = doctor.CheckAnswer(t, status, answer)
	if hint := c.unauthorizedHint(); status == http.StatusUnauthorized && hint != "" {
		x.Problems = append(x.Problems, hint)
	}
	if status == http.StatusForbidden {
		x.Problems = append(x.Problems, doctor.ForbiddenAdvice(t, answer))
	}
	return x
}

// compareRepeat compares the answer to the nth repeat of a call with the first answer.
func (x *exchange) compareRepeat(first *exchange, n int) {
	if first == nil || x.Status == 0 {
		return
	}
	same := x.Status == first.Status && bytes.Equal(x.raw, first.raw)
	x.Repeat, x.Same = n, &same
	if !same {
		x.Problems = append(x.Problems, "the answer to this repeat differs from the first answer")
	}
}

// do sends one request with the headers Okta sends (hooks.md section 1.1).
func (c *caller) do(ctx context.Context, method string, body []byte, more http.Header, took *time.Duration) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "Okta-Integrations")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, values := range more {
		request.Header[name] = values
	}
	for name, values := range c.headers {
		request.Header[name] = values
	}
	start := time.Now()
	defer func() { *took = time.Since(start) }()
	response, err := c.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(http.MaxBytesReader(nil, response.Body, 1<<20)); err != nil {
		return 0, nil, fmt.Errorf("read the answer: %w", err)
	}
	return response.StatusCode, answer.Bytes(), nil
}

// unwrapURLError removes the URL that http.Client puts before the cause.
func unwrapURLError(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

func roundTime(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
