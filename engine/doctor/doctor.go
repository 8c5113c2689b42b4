// Package doctor is for finding out what Okta would meet at an endpoint: it calls it from outside, as Okta does, and judges
// what comes back.
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

// Options say what is examined.
type Options struct {
	URL     string         // as it is, or will be, entered in Okta
	Type    hook.Type      // of the hook that is served there
	Headers http.Header    // the credential, as Okta sends it, but never in the clear to another machine; empty: the endpoint asks for none
	Hook    *rules.Hook    // as the policy has it, for advice; nil: nothing is known but the type
	Host    string         // of the org that calls, where calls name one; empty: an example's
	Calls   int            // well-authenticated calls that are timed; default 20
	Roots   *x509.CertPool // who may have issued the certificate; nil: the system's, which are much like Okta's
	Now     func() time.Time
}

// Grade is how a finding is to be taken.
type Grade uint8

// The grades, from good to bad.
const (
	OK      Grade = iota
	Skipped       // could not be looked at, because of another finding
	Warning       // works today, or works but should not
	Wrong         // Okta would not get through, or others would
)

var gradeNames = [...]string{"ok", "skipped", "warning", "wrong"}

// String is the grade's word.
func (g Grade) String() string { return gradeNames[g] }

// MarshalText is the grade's word.
func (g Grade) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// Finding is one thing that was looked at. Text and Advice may quote what the endpoint sent, byte for byte.
type Finding struct {
	Grade   Grade  `json:"grade"`
	Subject string `json:"subject"` // "certificate", "wrong secret"
	Text    string `json:"text"`
	Advice  string `json:"advice,omitempty"` // what to do about it
}

// Report is everything that was found out, in the order it was looked at.
type Report struct {
	Findings []Finding `json:"findings"`
	Times    *Times    `json:"times,omitempty"` // nil when no call was answered

	unserved bool // nothing is served at the URL's path, or something elsewhere
}

// Times is how long calls took, from the first byte sent to the last received.
type Times struct {
	Calls   int           `json:"calls"`
	First   time.Duration `json:"firstNanos"` // on a new connection, which takes a TLS handshake too
	Median  time.Duration `json:"medianNanos"`
	Longest time.Duration `json:"mostNanos"`
}

// Worst is the worst grade there is.
func (r *Report) Worst() Grade {
	worst := OK
	for _, f := range r.Findings {
		worst = max(worst, f.Grade)
	}
	return worst
}

// Enterable reports whether the URL can be entered in Okta as it is: nothing is wrong with it, with what it leads to or with
// the certificate there.
func (r *Report) Enterable() bool {
	return !r.unserved && !slices.ContainsFunc(r.Findings, func(f Finding) bool {
		return f.Grade == Wrong && slices.Contains([]string{"url", "address", "connection", "certificate"}, f.Subject)
	})
}

// examination is one under way.
type examination struct {
	o      Options
	url    *url.URL
	client *http.Client
	report Report
}

// Examine looks at an endpoint. The error is the context's, or says that the URL is none; everything else is a finding.
// Calls to an event hook bring no events, so nothing follows from them.
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
		e.add(Skipped, "calls", "the secret is not sent over http:// to another machine, nor one that is almost right", "examine it over https, or on its own machine")
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

// checkURL judges the URL by itself (hooks.md section 1).
func (e *examination) checkURL(ctx context.Context) {
	switch {
	case e.url.Scheme != "https":
		e.add(Wrong, "url", "it begins with http://", "Okta calls https only: serve with a certificate, or put what speaks TLS in front")
	case len(e.o.URL) > 1024 || strings.ContainsAny(e.o.URL, " \t\r\n"):
		e.add(Wrong, "url", "Okta takes no URL of more than 1,024 characters or with white space", "")
	case e.url.User != nil:
		e.add(Wrong, "url", "it has a user or a password in it", "give them as the header that Okta sends: --header 'Authorization: Basic …'")
	case e.url.RawQuery != "" || e.url.Fragment != "":
		e.add(Warning, "url", "it has a query or a fragment", "what stands there ends in logs of every proxy: keep secrets in headers")
	default:
		e.addOK("url", "%s", e.url.Redacted())
	}
	e.checkAddress(ctx)
}
