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
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

func (p *Program) module() *cobra.Command {
	c := &cobra.Command{
		Use:   "module",
		Short: "Look at modules, and put them on a running server",
		Long: "A module is a rule in WebAssembly: a policy says wasm: modules/NAME.wasm. Inspect says what a file is and what it costs,\n" +
			"without a server; push, list and delete talk to the admin listener of one that runs.",
	}
	c.AddCommand(p.moduleInspect(), p.modulePush(), p.moduleList(), p.moduleDelete())
	return c
}

// inspection is what inspect prints as JSON.
type inspection struct {
	File    string        `json:"file"`
	OK      bool          `json:"ok"`
	Reasons []string      `json:"reasons,omitempty"` // for which it is refused
	Module  *wasm.Report  `json:"module,omitempty"`
	Runs    []rules.Trial `json:"runs,omitempty"`
}

func (p *Program) moduleInspect() *cobra.Command {
	var with, kind, policy string
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Say what a module is, what it costs, and why it would be refused",
		Long: "Inspect judges a module as serve does: its limits, metering, compilation and convention. Then the module decides on a sample\n" +
			"call of each type of hook, or of --type alone, in a fresh state. --with is what it is configured with, and --policy a policy folder\n" +
			"whose tables it finds. It ends with 3 when the module would be refused.",
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
	c.Flags().StringVar(&with, "with", "", "what the module is configured with, as JSON")
	c.Flags().StringVar(&kind, "type", "", "the type of hook whose sample call it decides on (default: each)")
	c.Flags().StringVar(&policy, "policy", "", "the policy folder whose tables it finds")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object: {file, ok, reasons, module, runs}")
	completeType(c)
	return c
}

// readTrialOptions reads what a module is tried with.
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
		text, _ := json.MarshalIndent(r, "", "  ") // its parts always can
		fmt.Fprintf(p.Stdout, "%s\n", text)
	} else if err := p.printInspected(r); err != nil {
		return err
	}
	return p.reportRejection(r)
}

// setVerdict refuses what no type of hook can make ready.
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
	var problems rules.Problems
	for _, reason := range r.Reasons {
		problems = append(problems, rules.Problem{File: r.File, Message: reason})
	}
	fmt.Fprintf(p.Stderr, "tenterhook: %s: refused for %s\n", r.File, plural(len(problems), "reason"))
	return reported(problems)
}

// readModule reads a file that may be a module, and no more of it than one may have.
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
		fmt.Fprintf(t, "memory\t%s at first, at most %s\n", formatSize(m.Memory), formatSize(m.MaxMemory))
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

// describeState says how the state of a call is made fresh.
func describeState(fresh []string) string {
	if len(fresh) == 0 {
		return "restored after each call"
	}
	return "a new instance for each call, because of " + strings.Join(fresh, ", ")
}

// formatSize is a number of bytes for people.
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

// trialOutcome is what came of a sample call.
func trialOutcome(r rules.Trial) string {
	switch {
	case r.Refused:
		return "refused: " + r.Failure
	case r.Failure != "":
		return "fails: " + r.Failure
	case r.Rule != "":
		return "decides"
	case len(r.Draft) == 0:
		return "no opinion"
	}
	var b bytes.Buffer
	if json.Compact(&b, r.Draft) != nil {
		return "decides"
	}
	return "wants " + b.String()
}

// moduleName is the name of a module that is pushed without one: the file's.
func moduleName(file string) string {
	return strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
}

// newModuleRuntime makes what runs modules, and compiles them in a child of this program; cache is where they are kept, empty for nowhere.
func newModuleRuntime(cache string, key []byte) (*wasm.Runtime, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, which compiles modules in a child: %w", err)
	}
	r, err := wasm.New(wasm.Options{Cache: cache, Child: self, Key: key})
	if err != nil {
		return nil, fmt.Errorf("run modules: %w", err)
	}
	return r, nil
}

// moduleRuntime is what runs the modules of what is only looked at. Main closes it.
func (p *Program) moduleRuntime() (_ *wasm.Runtime, err error) {
	if p.modules == nil {
		p.modules, err = newModuleRuntime(p.cacheDir(), nil)
	}
	return p.modules, err
}
