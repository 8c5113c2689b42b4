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
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
)

// Program is one run of the program, and all it is given: tests construct it as main does.
type Program struct {
	Version        string // as the build names it; empty: what the go command recorded
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Env            func(string) (string, bool) // os.LookupEnv

	flagSources map[string]string // who has set a flag, where it was not the command line

	modules *wasm.Runtime // runs the modules of what is only looked at; nil: none were

	started bool // the verb itself has begun: what fails from here on is not a matter of usage
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
	if p.modules != nil {
		err = errors.Join(err, p.modules.Close())
	}
	if err == nil {
		return exitOK
	}
	if !p.started && !errors.Is(err, errUsage) {
		err = usage("%w", err)
	}
	p.printError(verb, err)
	return exitCode(err)
}

// printError says what is wrong, unless the verb has said it already.
func (p *Program) printError(verb *cobra.Command, err error) {
	var problems rules.Problems
	switch {
	case errors.Is(err, errReported):
	case errors.As(err, &problems):
		fmt.Fprintf(p.Stderr, "%v\ntenterhook: the policy has %s\n", problems, problemCount(problems))
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
		Version:       p.versionText(),
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRun: func(*cobra.Command, []string) {
			p.started = true
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
			_, err := fmt.Fprintf(p.Stdout, "tenterhook %s\n", p.versionText())
			return err
		},
	}
}

// versionText is the version in words.
func (p *Program) versionText() string {
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

// completeFlag are what a flag may say, for a shell to complete.
func completeFlag(c *cobra.Command, flag string, all ...string) {
	c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
}

func completeType(c *cobra.Command) { completeFlag(c, "type", strings.Split(typeNames(), ", ")...) }

func completeSample(c *cobra.Command) { completeFlag(c, "sample", sample.Names()...) }

// completeHook are the hooks of the policy folder that is the verb's argument.
func (p *Program) completeHook(c *cobra.Command) {
	c.RegisterFlagCompletionFunc("hook", func(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		folder, err := rules.Read(args[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		o, err := p.checkOptions(folder)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		set, err := rules.Load(folder, o)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer set.Close()
		for _, h := range set.Hooks() {
			names = append(names, h.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

// The exit codes; no other is used.
const (
	exitOK     = 0
	exitFailed = 1 // the verb could not do it, or what it looked at failed
	exitUsage  = 2 // the command line, the environment or the configuration file
	exitPolicy = 3 // the policy folder has problems
)

// What an error of a verb can be, beside itself.
var (
	errUsage    = errors.New("usage")        // the command was not understood
	errReported = errors.New("said already") // the output says it; nothing is to be added
)

// exitCode is the one table from error to exit code.
func exitCode(err error) int {
	var problems rules.Problems
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errUsage):
		return exitUsage
	case errors.As(err, &problems):
		return exitPolicy
	}
	return exitFailed
}

// kindError is an error that is also of a kind, without the kind's text.
type kindError struct {
	kind, err error
}

func (m kindError) Error() string   { return m.err.Error() }
func (m kindError) Unwrap() []error { return []error{m.kind, m.err} }

// usage is an error of the command line, the environment or the configuration file.
func usage(format string, args ...any) error {
	return kindError{errUsage, fmt.Errorf(format, args...)}
}

// reported is an error that the verb's output has told already.
func reported(err error) error {
	return kindError{errReported, err}
}
