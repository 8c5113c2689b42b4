package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/engine/dispatch"
	"github.com/tenterhook/tenterhook/engine/issuer"
	"github.com/tenterhook/tenterhook/rules"
)

func (p *Program) check() *cobra.Command {
	var asJSON, costs bool
	c := &cobra.Command{
		Use:   "check DIR",
		Short: "Report everything that is wrong with a policy folder",
		Long: "Check loads a policy folder as serve does and prints every problem with its line. Names that the environment does not\n" +
			"have are warnings here, because a policy is checked where its secrets are not.",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			_, set, err := p.load(args[0])
			if costs && err == nil && !asJSON {
				p.printCosts(set)
			}
			return p.reportCheck(args[0], set, err, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object: {hooks, revision, problems, costs}")
	c.Flags().BoolVar(&costs, "cost", false, "print what each rule may take at most, in fuel, of an event with texts and lists of 128")
	return c
}

// load reads and loads a folder to be looked at, not served. Problems are told by paths from here.
func (p *Program) load(dir string) (*rules.Folder, *rules.Set, error) {
	folder, o, err := p.read(dir)
	if err != nil {
		return nil, nil, err
	}
	set, err := compile(dir, folder, o)
	return folder, set, err
}

// read reads a folder, and says how it is loaded.
func (p *Program) read(dir string) (folder *rules.Folder, o rules.Options, err error) {
	if folder, err = rules.Read(dir); err != nil {
		return nil, o, fmt.Errorf("read policy folder: %w", err)
	}
	o, err = p.checkOptions(folder)
	return folder, o, err
}

// compile loads a folder that was read.
func compile(dir string, folder *rules.Folder, o rules.Options) (*rules.Set, error) {
	set, err := rules.Load(folder, o)
	if err == nil {
		if problems := engineProblems(set); len(problems) > 0 {
			err = errors.Join(problems, set.Close())
		}
	}
	return set, prefixError(dir, err)
}

// engineProblems is what a Set brings that only those can judge who use it: destinations, and issuers' keys.
func engineProblems(set *rules.Set) rules.Problems {
	return append(dispatch.Problems(set), issuer.Problems(set)...)
}

// prefixError puts the folder before the files that problems are about, so that a terminal or an editor finds them.
func prefixError(dir string, err error) error {
	var problems rules.Problems
	if !errors.As(err, &problems) {
		return err
	}
	return prefixProblems(dir, problems)
}

func prefixProblems(dir string, problems rules.Problems) rules.Problems {
	moved := make(rules.Problems, len(problems))
	for i, p := range problems {
		if p.File != "" {
			p.File = filepath.Join(dir, filepath.FromSlash(p.File))
		}
		moved[i] = p
	}
	return moved
}

// checkOptions loads a folder where its secrets need not be.
func (p *Program) checkOptions(f *rules.Folder) (o rules.Options, err error) {
	o = rules.Options{Env: p.Env, Check: true}
	if slices.ContainsFunc(f.Names(), func(name string) bool { return path.Ext(name) == ".wasm" }) {
		o.Modules, err = p.moduleRuntime()
	}
	return o, err
}

// checkResult is what check prints as JSON.
type checkResult struct {
	Folder   string         `json:"folder"`
	Revision string         `json:"revision,omitempty"` // empty when the folder cannot be loaded
	Hooks    int            `json:"hooks"`
	Problems rules.Problems `json:"problems"` // warnings among them
	Costs    []rules.Cost   `json:"costs,omitempty"`
}

// reportCheck prints the problems: they are what was asked for, and so go to standard output.
func (p *Program) reportCheck(dir string, set *rules.Set, err error, asJSON bool) error {
	result := checkResult{Folder: dir, Problems: rules.Problems{}}
	switch {
	case err == nil:
		defer set.Close()
		result.Revision, result.Hooks = set.Revision(), len(set.Hooks())
		result.Problems = append(result.Problems, prefixProblems(dir, set.Warnings())...)
		for _, h := range set.Hooks() {
			result.Costs = append(result.Costs, h.Costs()...)
		}
	case !errors.As(err, &result.Problems):
		return err
	}
	if asJSON {
		text, _ := json.MarshalIndent(result, "", "  ") // its parts always can
		fmt.Fprintf(p.Stdout, "%s\n", text)
	} else {
		p.printProblems(result, err == nil)
	}
	if err != nil {
		return reported(err)
	}
	return nil
}

// printCosts prints what the rules may take, a line each.
func (p *Program) printCosts(set *rules.Set) {
	t := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "HOOK\tRULE\tFUEL AT MOST\tLOOPS")
	for _, h := range set.Hooks() {
		for _, c := range h.Costs() {
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\n", c.Hook, c.Rule, formatFuel(c.Fuel), c.Loops)
		}
	}
	t.Flush()
}

// formatFuel is a number that may be more than can be said.
func formatFuel(n int64) string {
	if n == math.MaxInt64 {
		return "unbounded"
	}
	return strconv.FormatInt(n, 10)
}

func (p *Program) printProblems(r checkResult, good bool) {
	if len(r.Problems) > 0 {
		fmt.Fprintf(p.Stdout, "%v\n", r.Problems)
	}
	if !good {
		fmt.Fprintf(p.Stderr, "tenterhook: %s: %s\n", r.Folder, problemCount(r.Problems))
		return
	}
	fmt.Fprintf(p.Stdout, "%s: %s, %s\n", r.Folder, plural(r.Hooks, "hook"), problemCount(r.Problems))
}

// problemCount is how many problems and warnings there are.
func problemCount(all rules.Problems) string {
	warnings := 0
	for _, p := range all {
		if p.Warning {
			warnings++
		}
	}
	text := "no problems"
	if n := len(all) - warnings; n > 0 {
		text = plural(n, "problem")
	}
	if warnings > 0 {
		text += ", " + plural(warnings, "warning")
	}
	return text
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
