// Package doctor examines a hook's endpoint from outside, as Okta would call it, and reports
// findings.
package doctor

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// OktaTimeout is how long Okta waits for an answer (hooks.md section 1).
const OktaTimeout = 3 * time.Second

// Options describe the endpoint and the caller.
type Options struct {
	URL     string         // as entered in Okta
	Type    hook.Type      // of the hook at the URL
	Headers http.Header    // the credential as Okta sends it; never sent over plain HTTP to another machine; empty: none
	Hook    *rules.Hook    // from the policy, for advice; nil: only the type is known
	Host    string         // the calling org's host, put where calls name one; empty: the sample's
	Calls   int            // authenticated calls that are timed; default 20
	Roots   *x509.CertPool // trusted authorities; nil: the system's, which are much like Okta's
	Now     func() time.Time
}

// Grade is the severity of a finding.
type Grade uint8

// The grades, from best to worst.
const (
	OK      Grade = iota
	Skipped       // not examined because of another finding
	Warning       // works, but should be changed
	Wrong         // Okta cannot use the hook, or others can
)

var gradeNames = [...]string{"ok", "skipped", "warning", "wrong"}

// String returns the grade's name.
func (g Grade) String() string { return gradeNames[g] }

// MarshalText returns the grade's name.
func (g Grade) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// Finding is the result of one examination. Text and Advice can quote bytes from the endpoint
// unescaped.
type Finding struct {
	Grade   Grade  `json:"grade"`
	Subject string `json:"subject"` // "certificate", "wrong secret"
	Text    string `json:"text"`
	Advice  string `json:"advice,omitempty"` // how to fix it
}

// Report holds all findings in the order of examination.
type Report struct {
	Findings []Finding `json:"findings"`
	Times    *Times    `json:"times,omitempty"` // nil if no call was answered

	unserved bool // the URL's path serves no hook, or redirects
	local    bool // the URL leads to a private or local address
}

// Times are durations of calls, from the first byte sent to the last byte received.
type Times struct {
	Calls   int           `json:"calls"`
	First   time.Duration `json:"firstNanos"` // on a new connection, including the TLS handshake
	Median  time.Duration `json:"medianNanos"`
	Longest time.Duration `json:"mostNanos"`
}

// Worst returns the worst grade of all findings.
func (r *Report) Worst() Grade {
	worst := OK
	for _, f := range r.Findings {
		worst = max(worst, f.Grade)
	}
	return worst
}

// Serves reports whether the URL's path may serve a hook: a call to it got neither 404 nor a
// redirect.
func (r *Report) Serves() bool { return !r.unserved }

// Enterable reports whether Okta can use the URL as it is: the URL, its address, the connection and
// the certificate have no findings of grade Wrong.
func (r *Report) Enterable() bool {
	return !r.unserved && !slices.ContainsFunc(r.Findings, func(f Finding) bool {
		return f.Grade == Wrong && slices.Contains([]string{"url", "address", "connection", "certificate"}, f.Subject)
	})
}

// examination is one run of Examine.
type examination struct {
	o      Options
	url    *url.URL
	client *http.Client
	report Report
}

// Examine examines an endpoint. Its error is the context's, or reports an invalid URL; everything
// else becomes a finding. Deliveries to an event hook contain no events, so they have no effects.
func Examine(ctx context.Context, o Options) (*Report, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%s: want a URL such as https://hooks.example.com/hooks/signup", o.URL)
	}
	o.Calls = cmp.Or(max(o.Calls, 0), 20)
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &examination{o: o, url: u}
	e.client = e.newClient()
	defer e.client.CloseIdleConnections()
	e.checkURL(ctx)
	switch {
	case !e.connect(ctx):
	case e.leaksCredential():
		e.checkRejected(ctx, "no secret", nil)
		e.add(Skipped, "calls", "skipped: doctor sends no credential over http:// to another machine", "use https, or run doctor on that machine")
	default:
		e.checkSecrets(ctx)
		e.checkVerification(ctx)
		e.checkCalls(ctx)
	}
	return &e.report, ctx.Err()
}

func (e *examination) add(g Grade, subject, text, advice string) {
	e.report.Findings = append(e.report.Findings, Finding{g, subject, text, advice})
}

func (e *examination) addOK(subject, format string, args ...any) {
	e.add(OK, subject, fmt.Sprintf(format, args...), "")
}

// checkURL examines the URL itself (hooks.md section 1), then its address.
func (e *examination) checkURL(ctx context.Context) {
	switch {
	case e.url.Scheme != "https":
		e.add(Wrong, "url", "it begins with http://", "Okta calls only https: serve with a certificate, or put a TLS proxy in front")
	case len(e.o.URL) > 1024 || strings.ContainsAny(e.o.URL, " \t\r\n"):
		e.add(Wrong, "url", "Okta rejects URLs with white space or with more than 1,024 characters", "")
	case e.url.User != nil:
		e.add(Wrong, "url", "it contains a user or a password", "give them in the header that Okta sends: --header 'Authorization: Basic …'")
	case e.url.RawQuery != "" || e.url.Fragment != "":
		e.add(Warning, "url", "it has a query or a fragment", "proxies log both: put secrets in headers")
	default:
		e.addOK("url", "%s", e.url.Redacted())
	}
	e.checkAddress(ctx)
}
