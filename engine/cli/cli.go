// Package cli is for people and scripts: the verbs, their flags and settings, what they print, and how they exit.
package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

// Program is one run of the program, and all it is given: tests construct it as main does.
type Program struct {
	Version        string // as the build names it; empty: what the go command recorded
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Env            func(string) (string, bool) // os.LookupEnv

	sayers map[string]string // who has set a flag, where it was not the command line

	guests *wasm.Runtime // runs the modules of what is only looked at; nil: none were

	begun bool // the verb itself has begun: what fails from here on is not a matter of usage
}

// Main runs the verb that args name (without the program's own name) and returns the exit code. Results are on Stdout,
// errors on Stderr.
func (p *Program) Main(args []string) int {
	log.SetOutput(io.Discard) // net/http and others write there, and quote what a peer has sent
	root := p.root()
	root.SetArgs(args)
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	verb, err := root.ExecuteC()
	if p.guests != nil {
		err = errors.Join(err, p.guests.Close())
	}
	if err == nil {
		return exitOK
	}
	if !p.begun && !errors.Is(err, errUsage) {
		err = usage("%w", err)
	}
	p.complain(verb, err)
	return exitCode(err)
}

// complain says what is wrong, unless the verb has said it already.
func (p *Program) complain(verb *cobra.Command, err error) {
	var problems rules.Problems
	switch {
	case errors.Is(err, errSaid):
	case errors.As(err, &problems):
		fmt.Fprintf(p.Stderr, "%v\ntenterhook: the policy has %s\n", problems, tally(problems))
	default:
		fmt.Fprintf(p.Stderr, "tenterhook: %s\n", strings.TrimRight(err.Error(), "\n"))
	}
	if errors.Is(err, errUsage) {
		fmt.Fprintf(p.Stderr, "see: %s --help\n", verb.CommandPath())
	}
}

func (p *Program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "tenterhook",
		Short: "Answers Okta's hooks by rules",
		Long: "Tenterhook answers Okta's hooks by the rules of a policy folder: inside the deadline, in the shape Okta accepts, once.\n\n" +
			"Exit codes: 0 done; 1 failed; 2 usage; 3 the policy has problems.",
		Version:       p.named(),
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRun: func(*cobra.Command, []string) {
			p.begun = true
		},
	}
	root.SetVersionTemplate("tenterhook {{.Version}}\n")
	root.AddCommand(p.serve(), p.check(), p.test(), p.run(), p.send(), p.doctor(), p.module(), p.events(), p.ledger(), p.audit(), p.secret(), p.functions(), p.version())
	return root
}

func (p *Program) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print which version this is",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(p.Stdout, "tenterhook %s\n", p.named())
			return err
		},
	}
}

// named is the version in words.
func (p *Program) named() string {
	info, ok := debug.ReadBuildInfo()
	if p.Version != "" || !ok {
		return cmp.Or(p.Version, "unknown")
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel " + s.Value
		}
	}
	return "devel"
}
