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
		Short: "Find out what Okta would meet at a URL, and what to enter there",
		Long: "Doctor plays Okta against the real endpoint, from where it is run: it looks at the URL, the name, the certificate, calls\n" +
			"without the secret and with a wrong one, plays an event hook's verification, makes twenty calls and judges answers and\n" +
			"times. Then it says what an administrator enters in Okta. The calls are samples with example.com addresses; an event\n" +
			"hook is sent deliveries without events.",
		Example: "  tenterhook doctor https://hooks.example.com --hook partner-signup --policy policy --header 'Authorization: ${env.SIGNUP_SECRET}'\n" +
			"  tenterhook doctor https://hooks.example.com/hooks/token --type token --host acme.okta.com --header 'Authorization: ${file./run/secrets/token}'",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return p.runDoctor(args[0], f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.hook, "hook", "", "name of the hook in the policy folder, which says its type, path and credentials")
	flags.StringVar(&f.policy, "policy", "policy", "the policy folder, for --hook")
	flags.StringVar(&f.typ, "type", "", "hook type, where there is no policy folder: "+typeNames())
	flags.StringVar(&f.host, "host", "", "host of the org that calls, as acme.okta.com, where calls name one (default: the first that the policy has for the hook's org)")
	flags.StringArrayVar(&f.headers, "header", nil, headerUse)
	flags.IntVar(&f.calls, "calls", 20, "how many calls are timed")
	flags.StringVar(&f.roots, "roots", "", "file with certificates of authorities to trust beside the system's, in PEM; Okta will not trust them")
	flags.BoolVar(&f.json, "json", false, "one JSON object")
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

// findTarget finds out what is examined: a hook of a policy folder, or one of which the type is said. h is nil then.
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

const headerUse = "header to send, as 'Name: value'; ${env.NAME} and ${file./path} in it keep secrets off the command line; may be repeated"

// parseHeaders reads 'Name: value' lines, and fills in what values name. An error never shows a value.
func (p *Program) parseHeaders(lines []string) (http.Header, error) {
	headers := make(http.Header)
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" {
			return nil, usage("--header %s: want 'Name: value'", name)
		}
		value, err := rules.Fill(strings.TrimSpace(value), p.Env)
		if err != nil {
			return nil, usage("--header %s: %w", name, err)
		}
		headers.Add(name, value)
	}
	return headers, nil
}

// checkHost refuses a --host that is more than one.
func checkHost(host string) error {
	if strings.ContainsAny(host, "/:@?# ") {
		return usage("--host %s: want a host such as acme.okta.com, without https:// and without a path", host)
	}
	return nil
}

// loadRoots are the system's authorities and those of a file; nil for the system's alone.
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

// maxFinding is how much of a finding is shown, in bytes.
const maxFinding = 4 << 10

// printReport prints what was found, the worst of which is the verb's outcome.
func (p *Program) printReport(o doctor.Options, h *rules.Hook, r *doctor.Report, asJSON bool) error {
	for i, f := range r.Findings { // what the endpoint sent stands in them
		r.Findings[i].Text, r.Findings[i].Advice = audit.Printable(f.Text, maxFinding), audit.Printable(f.Advice, maxFinding)
	}
	var entry []doctor.Field
	if r.Enterable() {
		entry = doctor.ConsoleFields(o.URL, o.Type, h)
	}
	if asJSON {
		text, _ := json.Marshal(struct { // its parts always can
			*doctor.Report
			Place string         `json:"place"`
			Enter []doctor.Field `json:"enter,omitempty"`
		}{r, doctor.ConsolePath(o.Type), entry})
		fmt.Fprintf(p.Stdout, "%s\n", text)
	} else {
		p.printFindings(r)
		p.printFields(o, entry)
	}
	if r.Worst() == doctor.Wrong {
		return reported(errors.New("this will not do: Okta would not get through, or others would"))
	}
	return nil
}

// printFields prints what is to be entered; nothing is while the URL is not one that would do.
func (p *Program) printFields(o doctor.Options, fields []doctor.Field) {
	if len(fields) == 0 {
		fmt.Fprint(p.Stdout, "\nWhat to enter in Okta is said when what is wrong with the URL is mended.\n")
		return
	}
	fmt.Fprintf(p.Stdout, "\nEnter in Okta, at %s:\n", doctor.ConsolePath(o.Type))
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
