package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// unauthorizedHint returns advice about a 401 of a local server, if no header was given.
func (c *caller) unauthorizedHint() string {
	if len(c.headers) > 0 {
		return ""
	}
	u, err := url.Parse(c.url)
	if err != nil || !isLoopback(u.Hostname()) {
		return ""
	}
	return "this hook needs a secret: give the one in its auth: with --header 'Authorization: …'"
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// report prints an exchange, in one line if brief. Problems go to standard error.
func (c *caller) report(x *exchange, brief bool) {
	out := escapingWriter{c.p.Stdout} // answers are untrusted
	switch {
	case c.json:
		line, _ := json.Marshal(x) // never fails: its parts are JSON
		fmt.Fprintf(out, "%s\n", line)
		return
	case brief:
		fmt.Fprintf(out, "%s  %d  %8v  %d bytes%s\n", x.EventID, x.Status, roundTime(x.elapsed), len(x.raw), x.repeatText())
	default:
		fmt.Fprintf(out, "POST %s\n%s\n", c.shown, indentJSON(x.Question))
		if x.Status != 0 {
			fmt.Fprintf(out, "\n%d %s in %v\n%s", x.Status, http.StatusText(x.Status), roundTime(x.elapsed), indentJSON(x.raw))
		}
		if len(x.raw) > 0 {
			fmt.Fprintln(out)
		}
	}
	for _, problem := range x.Problems {
		fmt.Fprintf(escapingWriter{c.p.Stderr}, "tenterhook: %s\n", problem)
	}
}

func (x *exchange) repeatText() string {
	switch {
	case x.Same == nil:
		return ""
	case *x.Same:
		return "  repeat, same answer"
	}
	return "  repeat, different answer"
}

// indentJSON indents JSON and returns other texts unchanged.
func indentJSON(text []byte) []byte {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return text
	}
	return b.Bytes()
}

// verify performs the one-time verification of an event hook (hooks.md section 3.1).
func (c *caller) verify(ctx context.Context) error {
	want := rand.Text()
	var took time.Duration
	header := http.Header{"X-Okta-Verification-Challenge": {want}}
	status, answer, err := c.do(ctx, http.MethodGet, nil, header, &took)
	if err != nil {
		return fmt.Errorf("verify %s: %w", c.shown, unwrapURLError(err))
	}
	var got struct {
		Verification string `json:"verification"`
	}
	problem := ""
	switch {
	case status != http.StatusOK:
		problem = fmt.Sprintf("status %d: want 200", status)
	case json.Unmarshal(answer, &got) != nil || got.Verification != want:
		problem = `the answer is not {"verification": <the challenge>}`
	}
	c.reportVerification(status, took, problem)
	if problem != "" {
		return asReported(fmt.Errorf("verify %s: %s", c.shown, problem))
	}
	return nil
}

func (c *caller) reportVerification(status int, took time.Duration, problem string) {
	if c.json {
		line, _ := json.Marshal(struct { // never fails
			Status   int     `json:"status"`
			Millis   float64 `json:"millis"`
			Verified bool    `json:"verified"`
			Problem  string  `json:"problem,omitempty"`
		}{status, float64(took.Microseconds()) / 1000, problem == "", problem})
		fmt.Fprintf(c.p.Stdout, "%s\n", line)
		return
	}
	if problem != "" {
		fmt.Fprintf(c.p.Stderr, "tenterhook: Okta would not verify this hook: %s\n", problem)
		return
	}
	fmt.Fprintf(c.p.Stdout, "verified in %v\n", roundTime(took))
}
