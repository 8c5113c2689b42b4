package cli

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/engine/audit"
	"github.com/tenterhook/tenterhook/engine/doctor"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/credential"
)

type doctorFlags struct {
	policy, hook, typ string
	host              string
	headers           []string
	calls             int
	roots             string
	json              bool
}

func (p *Program) doctor() *cobra.Command {
	var f doctorFlags
	c := &cobra.Command{
		Use:   "doctor URL --hook NAME",
		Short: "Check a hook's URL as Okta would use it, and print what to enter in Okta",
		Long: "Doctor calls the endpoint as Okta does. It checks the URL, its address and certificate, calls without the secret and with a\n" +
			"wrong one, performs an event hook's verification, and makes twenty calls to check answers and times. Then it prints what to\n" +
			"enter in Okta. The calls are samples with example.com addresses; deliveries to an event hook contain no events.",
		Example: "  tenterhook doctor https://hooks.example.com --hook partner-signup --policy policy --header 'Authorization: ${env.SIGNUP_SECRET}'\n" +
			"  tenterhook doctor https://hooks.example.com/hooks/token --type token --host acme.okta.com --header 'Authorization: ${file./run/secrets/token}'",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return p.runDoctor(args[0], f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.hook, "hook", "", "name of the hook in the policy folder, which has its type, path and credentials")
	flags.StringVar(&f.policy, "policy", "policy", "policy folder with --hook")
	flags.StringVar(&f.typ, "type", "", "hook type, without a policy folder: "+typeNames())
	flags.StringVar(&f.host, "host", "", "the calling org's host, such as acme.okta.com (default: the first host of the hook's org in the policy)")
	flags.StringArrayVar(&f.headers, "header", nil, headerUse)
	flags.IntVar(&f.calls, "calls", 20, "number of timed calls")
	flags.StringVar(&f.roots, "roots", "", "PEM file with authorities to trust in addition to the system's; Okta will not trust them")
	flags.BoolVar(&f.json, "json", false, "print one JSON object")
	completeType(c)
	return c
}

func (p *Program) runDoctor(target string, f doctorFlags) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	headers, err := p.parseHeaders(f.headers)
	if err != nil {
		return err
	}
	o := doctor.Options{URL: target, Headers: headers, Calls: f.calls, Host: f.host}
	if err := checkHost(f.host); err != nil {
		return err
	}
	if f.calls < 1 {
		return usage("--calls %d: want at least 1", f.calls)
	}
	if o.Roots, err = loadRoots(f.roots); err != nil {
		return err
	}
	h, done, err := p.findTarget(&o, f)
	if err != nil {
		return err
	}
	defer done()
	report, err := doctor.Examine(ctx, o)
	if err != nil {
		return err
	}
	return p.printReport(o, h, report, f.json)
}

// findTarget sets the type and URL to examine, from a hook of a policy folder or from --type. h is
// nil in the second case.
func (p *Program) findTarget(o *doctor.Options, f doctorFlags) (h *rules.Hook, done func() error, err error) {
	done = func() error { return nil }
	if f.hook == "" {
		if f.typ == "" {
			return nil, done, usage("want --hook NAME with --policy DIR, or --type TYPE")
		}
		o.Type, err = parseType(f.typ)
		return nil, done, err
	}
	_, set, err := p.load(f.policy)
	if err != nil {
		return nil, done, err
	}
	if h, err = chosenHook(set, f.hook); err != nil {
		return nil, done, errors.Join(err, set.Close())
	}
	o.Type, o.Hook = h.Type, h
	if h.Org != nil && o.Host == "" && len(h.Org.Hosts) > 0 {
		o.Host = h.Org.Hosts[0]
	}
	if u, err := url.Parse(o.URL); err == nil && (u.Path == "" || u.Path == "/") {
		o.URL = strings.TrimSuffix(o.URL, "/") + h.Path
	}
	return h, set.Close, nil
}

const headerUse = "header to send: 'Name: value'; use ${env.NAME} or ${file./path} to keep secrets off the command line; may be repeated"

// parseHeaders parses 'Name: value' lines and expands ${…} in values. Errors contain no values.
func (p *Program) parseHeaders(lines []string) (http.Header, error) {
	headers := make(http.Header)
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" {
			return nil, usage("--header %s: want 'Name: value'", name)
		}
		value, err := credential.Fill(strings.TrimSpace(value), p.Env)
		if err != nil {
			return nil, usage("--header %s: %w", name, err)
		}
		headers.Add(name, value)
	}
	return headers, nil
}

// checkHost rejects a --host with a scheme, port or path.
func checkHost(host string) error {
	if strings.ContainsAny(host, "/:@?# ") {
		return usage("--host %s: want a host such as acme.okta.com, without https:// and without a path", host)
	}
	return nil
}

// loadRoots returns the system's authorities and those of a file, or nil without a file.
func loadRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--roots: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, usage("--roots %s: want certificates in PEM", file)
	}
	return pool, nil
}

// maxFinding is the maximum length of a printed finding, in bytes.
const maxFinding = 4 << 10

// printReport prints the findings and the fields to enter. The worst finding decides the exit code.
func (p *Program) printReport(o doctor.Options, h *rules.Hook, r *doctor.Report, asJSON bool) error {
	for i, f := range r.Findings { // they can quote bytes from the endpoint
		r.Findings[i].Text, r.Findings[i].Advice = audit.Printable(f.Text, maxFinding), audit.Printable(f.Advice, maxFinding)
	}
	var entry []doctor.Field
	if r.Serves() {
		entry = doctor.ConsoleFields(r.ConsoleURL(o.URL), o.Type, h)
	}
	if asJSON {
		text, _ := json.Marshal(struct { // never fails
			*doctor.Report
			Enterable bool           `json:"enterable"` // Okta can use the URL as it is
			Place     string         `json:"place"`
			Enter     []doctor.Field `json:"enter,omitempty"`
		}{r, r.Enterable(), doctor.ConsolePath(o.Type), entry})
		fmt.Fprintf(p.Stdout, "%s\n", text)
	} else {
		p.printFindings(r)
		p.printFields(o, r, entry)
	}
	if r.Worst() == doctor.Wrong {
		return asReported(errors.New("the hook cannot be used in Okta as it is"))
	}
	return nil
}

// printFields prints the values to enter in Okta, if the URL serves a hook.
func (p *Program) printFields(o doctor.Options, r *doctor.Report, fields []doctor.Field) {
	if len(fields) == 0 {
		fmt.Fprint(p.Stdout, "\nThis URL serves no hook: correct it to see what to enter in Okta.\n")
		return
	}
	fmt.Fprintf(p.Stdout, "\nEnter in Okta, at %s:\n", doctor.ConsolePath(o.Type))
	if !r.Enterable() {
		fmt.Fprint(p.Stdout, "(Okta cannot use this URL yet: first fix the findings marked \"wrong\", and put the public host into the URL.)\n")
	}
	for _, f := range fields {
		fmt.Fprintf(p.Stdout, "  %-22s %s\n", f.Name, f.Value)
	}
}

func (p *Program) printFindings(r *doctor.Report) {
	for _, f := range r.Findings {
		fmt.Fprintf(p.Stdout, "%-8s %-13s %s\n", f.Grade, f.Subject, cmp.Or(f.Text, f.Advice))
		if f.Advice != "" && f.Text != "" {
			fmt.Fprintf(p.Stdout, "%-22s %s\n", "", f.Advice)
		}
	}
}
