package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/engine/admin"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

func (p *Program) module() *cobra.Command {
	c := &cobra.Command{
		Use:   "module",
		Short: "Inspect modules, and publish them to a running server",
		Long: "A module is a rule in WebAssembly; a policy refers to it with wasm: modules/NAME.wasm. Inspect works without a server.\n" +
			"Push, list and delete call the admin listener of a running server.",
	}
	c.AddCommand(p.moduleInspect(), p.modulePush(), p.moduleList(), p.moduleDelete())
	return c
}

// inspection is the JSON output of inspect.
type inspection struct {
	File    string        `json:"file"`
	OK      bool          `json:"ok"`
	Reasons []string      `json:"reasons,omitempty"` // for rejecting the module
	Module  *wasm.Report  `json:"module,omitempty"`
	Runs    []rules.Trial `json:"runs,omitempty"`
}

func (p *Program) moduleInspect() *cobra.Command {
	var with, kind, policy string
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show a module's properties and cost, and why it would be rejected",
		Long: "Inspect checks a module as serve does: limits, metering, compilation and convention. Then it runs the module on a sample\n" +
			"call of each hook type, or of --type, in a fresh state. --with gives the module's configuration, --policy a folder with\n" +
			"the tables it reads. Inspect exits with 3 if serve would reject the module.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if with != "" && !json.Valid([]byte(with)) {
				return usage("--with: want JSON, as in '{\"threshold\": 0.8}'")
			}
			o := rules.TrialOptions{With: []byte(with)}
			if err := p.readTrialOptions(&o, kind, policy); err != nil {
				return err
			}
			return p.inspect(c.Context(), args[0], o, asJSON)
		},
	}
	c.Flags().StringVar(&with, "with", "", "the module's configuration, as JSON")
	c.Flags().StringVar(&kind, "type", "", "run only the sample call of this hook type (default: all)")
	c.Flags().StringVar(&policy, "policy", "", "policy folder with the tables that the module reads")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object: {file, ok, reasons, module, runs}")
	completeType(c)
	return c
}

// readTrialOptions adds the hook type and the tables of a trial run.
func (p *Program) readTrialOptions(o *rules.TrialOptions, kind, policy string) (err error) {
	if kind != "" {
		if o.Type, err = parseType(kind); err != nil {
			return err
		}
	}
	if policy == "" {
		return nil
	}
	folder, _, err := p.read(policy)
	if err == nil {
		o.Tables, err = rules.Tables(folder)
	}
	return prefixError(policy, err)
}

func (p *Program) inspect(ctx context.Context, file string, o rules.TrialOptions, asJSON bool) error {
	code, err := readModule(file)
	if err != nil {
		return err
	}
	host, err := p.moduleRuntime()
	if err != nil {
		return err
	}
	r := inspection{File: file}
	m, err := host.Load(ctx, code)
	switch {
	case errors.Is(err, wasm.ErrModule):
		r.Reasons = rules.Reasons(err)
	case err != nil:
		return err
	default:
		defer m.Close()
		report := m.Report()
		r.Module, r.Runs = &report, rules.Trials(ctx, m, o)
		r.setVerdict()
	}
	if asJSON {
		text, _ := json.MarshalIndent(r, "", "  ") // never fails
		fmt.Fprintf(p.Stdout, "%s\n", text)
	} else if err := p.printInspected(r); err != nil {
		return err
	}
	return p.reportRejection(r)
}

// setVerdict accepts a module that can be made ready for at least one hook type.
func (r *inspection) setVerdict() {
	for _, t := range r.Runs {
		if !t.Refused {
			r.OK = true
			return
		}
	}
	r.Reasons = []string{r.Runs[0].Failure}
}

func (p *Program) reportRejection(r inspection) error {
	if r.OK {
		return nil
	}
	var problems document.Problems
	for _, reason := range r.Reasons {
		problems = append(problems, document.Problem{File: r.File, Message: reason})
	}
	fmt.Fprintf(p.Stderr, "tenterhook: %s: rejected for %s\n", r.File, plural(len(problems), "reason"))
	return asReported(problems)
}

// readModule reads a module's file, up to the maximum size of a module.
func readModule(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	code, err := io.ReadAll(io.LimitReader(f, admin.MaxModule+1))
	if err == nil && int64(len(code)) > admin.MaxModule {
		err = fmt.Errorf("%s: want a module of at most %d bytes", file, admin.MaxModule)
	}
	return code, err
}

func (p *Program) printInspected(r inspection) error {
	out := escapingWriter{p.Stdout}
	for _, reason := range r.Reasons {
		fmt.Fprintf(out, "%s: %s\n", r.File, reason)
	}
	if m := r.Module; m != nil {
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintf(t, "sha256\t%s\n", m.Hash)
		fmt.Fprintf(t, "convention\t%s\n", m.Convention)
		fmt.Fprintf(t, "size\t%d bytes, %d functions; %d bytes metered, compiled in %v\n", m.Bytes, m.Functions, m.Metered, m.Compile.Round(time.Millisecond))
		fmt.Fprintf(t, "memory\t%s at start, at most %s\n", formatSize(m.Memory), formatSize(m.MaxMemory))
		fmt.Fprintf(t, "imports\t%s\n", joinOrNone(m.Imports))
		fmt.Fprintf(t, "exports\t%s\n", joinOrNone(m.Exports))
		fmt.Fprintf(t, "state\t%s\n", describeState(m.Unrestorable))
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return p.printRuns(r.Runs)
}

func joinOrNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, "\n\t")
}

// describeState describes how each call gets a fresh state.
func describeState(fresh []string) string {
	if len(fresh) == 0 {
		return "restored after each call"
	}
	return "a new instance for each call, because of " + strings.Join(fresh, ", ")
}

// formatSize formats a number of bytes.
func formatSize(bytes int64) string {
	switch {
	case bytes >= 1<<20 && bytes%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", bytes>>20)
	case bytes >= 1<<10:
		return fmt.Sprintf("%d KiB", bytes>>10)
	}
	return fmt.Sprintf("%d bytes", bytes)
}

func (p *Program) printRuns(runs []rules.Trial) error {
	if len(runs) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(escapingWriter{p.Stdout}, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "\nSAMPLE CALL\tFUEL\tMEMORY\tTIME\tOUTCOME\n")
	for _, r := range runs {
		name := r.Type
		if r.Rule != "" {
			name = fmt.Sprintf("%s, rule %q of %s", r.Type, r.Rule, r.Hook)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%v\t%s\n", name, r.Fuel, formatSize(r.Memory), r.Time.Round(100*time.Nanosecond), trialOutcome(r))
	}
	return t.Flush()
}

// trialOutcome describes the outcome of a sample call.
func trialOutcome(r rules.Trial) string {
	switch {
	case r.Refused:
		return "rejected: " + r.Failure
	case r.Failure != "":
		return "fails: " + r.Failure
	case r.Rule != "":
		return "decides"
	case len(r.Draft) == 0:
		return "no result"
	}
	var b bytes.Buffer
	if json.Compact(&b, r.Draft) != nil {
		return "decides"
	}
	return "returns " + b.String()
}

// moduleName returns the default name of a pushed module: the file's base name.
func moduleName(file string) string {
	return strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
}

// newModuleRuntime returns a module runtime that compiles in a child process of this program. cache
// is the directory of compiled modules, or "" for none.
func newModuleRuntime(cache string, key []byte) (*wasm.Runtime, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program's file, to compile modules in a child process: %w", err)
	}
	r, err := wasm.New(wasm.Options{Cache: cache, Child: self, Key: key})
	if err != nil {
		return nil, fmt.Errorf("start the module runtime: %w", err)
	}
	return r, nil
}

// moduleRuntime returns the module runtime of all verbs but serve. Main closes it.
func (p *Program) moduleRuntime() (_ *wasm.Runtime, err error) {
	if p.modules == nil {
		p.modules, err = newModuleRuntime(p.cacheDir(), nil)
	}
	return p.modules, err
}
