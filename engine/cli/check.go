package cli

import (
	"context"
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

	"github.com/tenterhook/tenterhook/engine/issuer"
	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
)

func (p *Program) check() *cobra.Command {
	var asJSON, costs bool
	server := &ledgerClient{p: p}
	c := &cobra.Command{
		Use:   "check DIR",
		Short: "Report all problems of a policy folder",
		Long: "Check loads a policy folder as serve does and prints every problem with its line. Missing environment variables are only\n" +
			"warnings, because a policy is often checked where its secrets are not available. With --admin, check includes the modules\n" +
			"uploaded to a running server.",
		Example: "  tenterhook check policy\n" +
			"  tenterhook check policy --json\n" +
			"  tenterhook check policy --admin 127.0.0.1:8081",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			set, err := p.loadWithUploads(c.Context(), args[0], server)
			if costs && err == nil && !asJSON {
				p.printCosts(set)
			}
			return p.reportCheck(args[0], set, err, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object: {hooks, revision, problems, costs}")
	c.Flags().BoolVar(&costs, "cost", false, "print the maximum fuel of each rule, for texts and lists of length 128")
	c.Flags().StringVar(&server.admin, "admin", "", "include the modules uploaded to the server with this admin listener")
	c.Flags().StringVar(&server.data, "data", "", "data directory with the server's tokens, for --admin (default: in the user's state folder)")
	return c
}

// loadWithUploads loads a folder, with the modules uploaded to a server if it has an address.
func (p *Program) loadWithUploads(ctx context.Context, dir string, server *ledgerClient) (*rules.Set, error) {
	if server.admin == "" {
		_, set, err := p.load(dir)
		return set, err
	}
	uploads, err := server.uploads(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := folder.Read(dir)
	if err == nil {
		folder, err = folder.With(uploads)
	}
	if err != nil {
		return nil, fmt.Errorf("read policy folder: %w", err)
	}
	o, err := p.checkOptions(folder)
	if err != nil {
		return nil, err
	}
	return compile(dir, folder, o)
}

// load reads and compiles a folder for all verbs but serve. Paths of problems begin with dir.
func (p *Program) load(dir string) (*folder.Folder, *rules.Set, error) {
	f, o, err := p.read(dir)
	if err != nil {
		return nil, nil, err
	}
	set, err := compile(dir, f, o)
	return f, set, err
}

// read reads a folder and returns the options to compile it with.
func (p *Program) read(dir string) (f *folder.Folder, o rules.Options, err error) {
	if f, err = folder.Read(dir); err != nil {
		return nil, o, fmt.Errorf("read policy folder: %w", err)
	}
	o, err = p.checkOptions(f)
	return f, o, err
}

// compile compiles a folder that was read.
func compile(dir string, folder *folder.Folder, o rules.Options) (*rules.Set, error) {
	set, err := rules.Load(folder, o)
	if err == nil {
		if problems := issuer.Problems(set); len(problems) > 0 {
			err = errors.Join(problems, set.Close())
		}
	}
	return set, prefixError(dir, err)
}

// prefixError puts the folder before the files of problems, so that a terminal or an editor finds
// them.
func prefixError(dir string, err error) error {
	var problems document.Problems
	if !errors.As(err, &problems) {
		return err
	}
	return prefixProblems(dir, problems)
}

func prefixProblems(dir string, problems document.Problems) document.Problems {
	moved := make(document.Problems, len(problems))
	for i, p := range problems {
		if p.File != "" {
			p.File = filepath.Join(dir, filepath.FromSlash(p.File))
		}
		moved[i] = p
	}
	return moved
}

// checkOptions returns options that do not need the policy's secrets.
func (p *Program) checkOptions(f *folder.Folder) (o rules.Options, err error) {
	o = rules.Options{Env: p.Env, Check: true}
	if slices.ContainsFunc(f.Names(), func(name string) bool { return path.Ext(name) == ".wasm" }) {
		o.Modules, err = p.moduleRuntime()
	}
	return o, err
}

// checkResult is the JSON output of check.
type checkResult struct {
	Folder   string            `json:"folder"`
	Revision string            `json:"revision,omitempty"` // empty if the folder cannot be loaded
	Hooks    int               `json:"hooks"`
	Problems document.Problems `json:"problems"` // including warnings
	Costs    []rules.Cost      `json:"costs,omitempty"`
}

// reportCheck prints the problems to standard output, because they are the result.
func (p *Program) reportCheck(dir string, set *rules.Set, err error, asJSON bool) error {
	result := checkResult{Folder: dir, Problems: document.Problems{}}
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
		text, _ := json.MarshalIndent(result, "", "  ") // never fails
		fmt.Fprintf(p.Stdout, "%s\n", text)
	} else {
		p.printProblems(result, err == nil)
	}
	if err != nil {
		return asReported(err)
	}
	return nil
}

// printCosts prints a table with one line for each rule: its maximum cost.
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

// formatFuel returns a number of fuel, or "unbounded".
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

// problemCount returns the numbers of problems and warnings in words.
func problemCount(all document.Problems) string {
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
