package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/runtime/expr"
)

func (p *Program) functions() *cobra.Command {
	var markdown bool
	c := &cobra.Command{
		Use:   "functions [NAME]",
		Short: "List expression functions",
		Long: "Functions lists the functions that expressions can call. With a name, it describes one function: its result for missing\n" +
			"arguments, its cost in fuel, and an example.",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeFunction,
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case markdown && len(args) > 0:
				return usage("--markdown prints all functions: leave out %s", args[0])
			case markdown:
				_, err := p.Stdout.Write(expr.AppendReference(nil))
				return err
			case len(args) > 0:
				return p.function(args[0])
			}
			return p.listFunctions()
		},
	}
	c.Flags().BoolVar(&markdown, "markdown", false, "print the whole reference as Markdown")
	return c
}

func (p *Program) listFunctions() error {
	var b strings.Builder
	for _, e := range expr.Reference() {
		if !e.Unsupported {
			fmt.Fprintf(&b, "%-48s %s\n", e.Usage, e.Doc)
		}
	}
	_, err := fmt.Fprint(p.Stdout, b.String())
	return err
}

// function describes a function, or explains why it does not exist.
func (p *Program) function(name string) error {
	for _, e := range expr.Reference() {
		switch {
		case e.Name != name:
		case e.Unsupported:
			return fmt.Errorf("%s is not supported: %s", name, e.Doc)
		default:
			_, err := fmt.Fprintf(p.Stdout, "%s\n  %s\n  with a missing argument: %s\n  fuel: %s\n  %s\n  = %s\n",
				e.Usage, e.Doc, cmp.Or(e.Missing, "as usual"), e.Cost, e.Example, e.Value)
			return err
		}
	}
	names, _ := completeFunction(nil, nil, "")
	return usage("there is no function %s%s: run tenterhook functions for a list", name, suggestion(name, names))
}

func completeFunction(*cobra.Command, []string, string) (names []string, _ cobra.ShellCompDirective) {
	for _, e := range expr.Reference() {
		if !e.Unsupported {
			names = append(names, e.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
