package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/engine/admin"
	"github.com/tenterhook/tenterhook/engine/watch"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/suite"
)

func (p *Program) modulePush() *cobra.Command {
	d := &ledgerClient{p: p}
	var name string
	var asJSON bool
	c := &cobra.Command{
		Use:   "push FILE",
		Short: "Publish a module to a running server; it overrides the policy folder's module of that name",
		Long: "Push uploads a module. The server checks it, loads the policy folder with it and runs the folder's tests. If all of that\n" +
			"succeeds, the module is live when push ends. Otherwise nothing changes, push prints every reason and exits with 3.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if name == "" {
				name = moduleName(args[0])
			}
			if !watch.ModuleName(name) {
				return usage("--name %s: %w", name, watch.ErrModuleName)
			}
			code, err := readModule(args[0])
			if err != nil {
				return err
			}
			q := url.Values{"sha256": {watch.Hash(code)}}
			body, err := d.changeModule(c.Context(), http.MethodPut, name, q, code)
			if err != nil {
				return p.explainRejection(body, err, asJSON)
			}
			return p.printChanged(body, asJSON)
		},
	}
	d.defineFlags(c.Flags())
	c.Flags().StringVar(&name, "name", "", "the module's name; rules refer to it as modules/NAME.wasm (default: the file's base name)")
	c.Flags().BoolVar(&asJSON, "json", false, "print the server's answer as JSON")
	return c
}

func (p *Program) moduleList() *cobra.Command {
	d := &ledgerClient{p: p}
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the modules of a running server and the rules that use them",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			body, err := d.callServer(c.Context(), http.MethodGet, "/v1/modules", nil, nil)
			if err != nil {
				return err
			}
			if asJSON {
				return p.printJSON(body)
			}
			return p.printModules(body)
		},
	}
	d.defineFlags(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object: {modules}")
	return c
}

func (p *Program) moduleDelete() *cobra.Command {
	d := &ledgerClient{p: p}
	var asJSON bool
	c := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete an uploaded module, so that the policy folder's is used again",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			name := args[0]
			if file, ok := strings.CutPrefix(name, "modules/"); ok { // the form that list prints
				name = strings.TrimSuffix(file, ".wasm")
			}
			if !watch.ModuleName(name) {
				return usage("%s: %w", args[0], watch.ErrModuleName)
			}
			body, err := d.changeModule(c.Context(), http.MethodDelete, name, nil, nil)
			if err != nil {
				return p.explainRejection(body, err, asJSON)
			}
			if asJSON {
				return p.printJSON(body)
			}
			fmt.Fprintf(p.Stdout, "%s: deleted\n", name)
			return nil
		},
	}
	d.defineFlags(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print the server's answer as JSON")
	return c
}

// changeModule sends a request that uploads or deletes a module.
func (d *ledgerClient) changeModule(ctx context.Context, method, name string, q url.Values, code []byte) ([]byte, error) {
	return d.callServer(ctx, method, "/v1/modules/"+url.PathEscape(name), q, code)
}

// uploads returns the modules uploaded to a server, by their file in a policy folder.
func (d *ledgerClient) uploads(ctx context.Context) (map[string][]byte, error) {
	body, err := d.callServer(ctx, http.MethodGet, "/v1/modules", nil, nil)
	if err != nil {
		return nil, err
	}
	var all admin.Modules
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", err)
	}
	files := make(map[string][]byte)
	for _, m := range all.Modules {
		if m.From != watch.FromUpload {
			continue
		}
		code, err := d.callServer(ctx, http.MethodGet, "/v1/modules/"+url.PathEscape(m.Name)+"/code", nil, nil)
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", m.Name, err)
		}
		files[m.File] = code
	}
	return files, nil
}

// explainRejection prints the reasons, if the server rejected a module. It returns other errors
// unchanged.
func (p *Program) explainRejection(body []byte, err error, asJSON bool) error {
	var r watch.Rejection
	if answer, ok := errors.AsType[*adminError](err); !ok || answer.status != http.StatusUnprocessableEntity || json.Unmarshal(body, &r) != nil {
		return err
	}
	problems := r.Problems
	for _, reason := range r.Reasons {
		problems = append(problems, document.Problem{Message: reason})
	}
	for _, c := range r.Tests {
		problems = append(problems, document.Problem{File: c.File, Line: c.Line, Column: 1, Message: fmt.Sprintf("the test %q fails: %s", c.Name, joinFailures(c))})
	}
	if asJSON {
		return errors.Join(p.printJSON(body), asReported(problems))
	}
	fmt.Fprintf(escapingWriter{p.Stdout}, "%v\n", problems)
	fmt.Fprintf(p.Stderr, "tenterhook: rejected for %s; nothing has changed\n", plural(len(problems), "reason"))
	return asReported(problems)
}

// joinFailures returns the failures of a test case in one line.
func joinFailures(c suite.Result) string {
	var all []string
	for _, f := range c.Failures {
		all = append(all, f.What+": "+strings.Join(strings.Fields(f.Text), " "))
	}
	return strings.Join(all, "; ")
}

func (p *Program) printChanged(body []byte, asJSON bool) error {
	if asJSON {
		return p.printJSON(body)
	}
	var c watch.ChangeResult
	if err := json.Unmarshal(body, &c); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	out := escapingWriter{p.Stdout}
	fmt.Fprintf(out, "%s: %d bytes, sha256 %s\n", c.Name, c.Bytes, c.SHA256)
	switch {
	case !c.Live:
		fmt.Fprintf(out, "stored, but not live: the policy folder itself has problems\n%v\n", c.Problems)
	case !c.Referenced:
		fmt.Fprintf(out, "stored; no rule uses it yet\n")
	default:
		fmt.Fprintf(out, "live, revision %s; %s passed\n", c.Revision, plural(c.Tests, "test"))
	}
	return p.printRuns(c.Runs)
}

func (p *Program) printModules(body []byte) error {
	var all admin.Modules
	if err := json.Unmarshal(body, &all); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	t := tabwriter.NewWriter(escapingWriter{p.Stdout}, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "FILE\tFROM\tBYTES\tSHA256\tRULES\n")
	for _, m := range all.Modules {
		from := m.From
		if m.Over != "" {
			from += " over the folder's"
		}
		var rules []string
		for _, r := range m.Rules {
			rules = append(rules, fmt.Sprintf("%s of %s", r.Rule, r.Hook))
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", m.File, from, m.Bytes, m.SHA256[:12], strings.Join(rules, "; "))
	}
	return t.Flush()
}
