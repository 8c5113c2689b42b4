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
		Short: "Play Okta: call a hook and show question and answer",
		Long: "Send calls a hook as Okta does: with a sample call of the type, an eventId of its own and the present time. It shows\n" +
			"the question and the answer, and tells when the answer is not one that Okta would apply.",
		Example: "  tenterhook send http://127.0.0.1:8080/hooks/signup --type registration --set data.userProfile.email=eve@example.com\n" +
			"  tenterhook send https://hooks.example.com/hooks/token --type token --header 'Authorization: ${env.TOKEN_SECRET}' --count 10 --repeat 1",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return p.sendCalls(args[0], f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.typ, "type", "", "hook type: "+typeNames())
	flags.StringVar(&f.sample, "sample", "", "which sample call: "+strings.Join(sample.Names(), ", "))
	flags.StringVar(&f.input, "input", "", "file with the call to send instead of a sample; - is standard input")
	flags.StringVar(&f.host, "host", "", "host of the org that calls, as acme.okta.com, put where the call names one")
	flags.StringArrayVar(&f.headers, "header", nil, headerUse)
	flags.StringArrayVar(&f.sets, "set", nil, "member to change, as path=value; a path such as data.x.y is one that calls have, /data/x/y any; may be repeated")
	flags.IntVar(&f.count, "count", 1, "how many calls, each with its own eventId")
	flags.IntVar(&f.repeat, "repeat", 0, "how many times each call is sent again, as Okta's retry is")
	flags.BoolVar(&f.verify, "verify", false, "send an event hook's verification challenge instead")
	flags.DurationVar(&f.timeout, "timeout", doctor.OktaTimeout, "how long to wait for an answer")
	flags.BoolVar(&f.json, "json", false, "one JSON object for each call")
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

// caller plays Okta towards one URL.
type caller struct {
	url     string
	shown   string // the URL without a password
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
		return c.challenge(ctx)
	}
	if f.count < 1 || f.repeat < 0 {
		return usage("want --count of at least 1 and --repeat of at least 0")
	}
	t, body, err := p.callToSend(f)
	if err != nil {
		return err
	}
	return c.play(ctx, t, body, f)
}

// parseType is the type that --type names.
func parseType(name string) (hook.Type, error) {
	t, ok := hook.ParseType(name)
	if !ok {
		return 0, usage("--type %s: want one of %s%s", name, typeNames(), suggestion(name, strings.Split(typeNames(), ", ")))
	}
	return t, nil
}

// callToSend is the call to send and its type.
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
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // Okta follows none
	}
	return c, nil
}

// play sends count calls, each with its repeats. The error counts those that were not well answered.
func (c *caller) play(ctx context.Context, t hook.Type, body []byte, f sendFlags) error {
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
			x.Question = nil // shown; there may be very many
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
		fmt.Fprintf(c.p.Stdout, "%d calls, %d well answered; time: least %v, median %v, most %v\n",
			len(all), len(all)-bad, roundTime(times[0]), roundTime(times[len(times)/2]), roundTime(times[len(times)-1]))
	}
	if bad > 0 {
		return reported(fmt.Errorf("%d of %d calls were not well answered", bad, len(all)))
	}
	return nil
}

// exchange is one question and what came back.
type exchange struct {
	EventID  string          `json:"eventId"`
	Repeat   int             `json:"repeat"`
	Status   int             `json:"status,omitempty"`
	Millis   float64         `json:"millis"`
	Question json.RawMessage `json:"question"`
	Answer   json.RawMessage `json:"answer,omitempty"`
	Same     *bool           `json:"same,omitempty"` // of a repeat: the same bytes as the first answer
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
		x.Problems = append(x.Problems, fmt.Sprintf("no answer: %v", unwrapURLError(err)), "Okta "+doctor.OnFailure(t))
		return x
	}
	x.Problems = doctor.CheckAnswer(t, status, answer)
	if hint := c.hints(); status == http.StatusUnauthorized && hint != "" {
		x.Problems = append(x.Problems, hint)
	}
	if status == http.StatusForbidden {
		x.Problems = append(x.Problems, doctor.ForbiddenAdvice(t, answer))
	}
	return x
}

// compareRepeat holds the nth sending of a call against the first one's answer.
func (x *exchange) compareRepeat(first *exchange, n int) {
	if first == nil || x.Status == 0 {
		return
	}
	same := x.Status == first.Status && bytes.Equal(x.raw, first.raw)
	x.Repeat, x.Same = n, &same
	if !same {
		x.Problems = append(x.Problems, "this repeat was answered otherwise than the call itself")
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

// unwrapURLError is the cause, without the URL that http.Client puts before it.
func unwrapURLError(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

func roundTime(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
