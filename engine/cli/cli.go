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
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
)

// Program is one run of the program with everything it gets from outside. Tests construct it as
// main does.
type Program struct {
	Version        string // set by the build; empty: as recorded by the go command
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Env            func(string) (string, bool) // os.LookupEnv

	flagSources map[string]string // where a flag was set, if not on the command line; by flag

	modules *wasm.Runtime // runs modules for all verbs but serve; nil until needed

	started bool // the verb has begun: later errors are not usage errors
}

// Main runs the command in args (without the program's own name) and returns the exit code. It
// writes results to Stdout and errors to Stderr.
func (p *Program) Main(args []string) int {
	log.SetOutput(io.Discard) // net/http and others log there, quoting bytes from peers
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

// printError prints an error, unless the verb has reported it.
func (p *Program) printError(verb *cobra.Command, err error) {
	var problems document.Problems
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
		Short: "Answer Okta's hooks with rules",
		Long: "Tenterhook answers Okta's hooks with the rules of a policy folder. To try it:\n\n" +
			"  tenterhook serve examples/quickstart\n" +
			"  tenterhook send http://127.0.0.1:8080/hooks/signup --type registration\n\n" +
			"Exit codes: 0 success; 1 failure; 2 usage error; 3 the policy has problems.",
		Version:       p.versionText(),
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRun: func(*cobra.Command, []string) {
			p.started = true
		},
	}
	root.SetVersionTemplate("tenterhook {{.Version}}\n")
	addGroup(root, "write", "Write rules:", p.check(), p.test(), p.run(), p.functions())
	addGroup(root, "try", "Try them:", p.serve(), p.send(), p.doctor())
	addGroup(root, "operate", "Operate a server:", p.events(), p.ledger(), p.module(), p.audit(), p.secret())
	root.AddCommand(p.version())
	return root
}

// addGroup adds commands under a heading of the help text.
func addGroup(root *cobra.Command, id, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: id, Title: title})
	for _, c := range commands {
		c.GroupID = id
		root.AddCommand(c)
	}
}

func (p *Program) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(p.Stdout, "tenterhook %s\n", p.versionText())
			return err
		},
	}
}

// versionText returns the version.
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

// completeFlag gives the shell the values of a flag.
func completeFlag(c *cobra.Command, flag string, all ...string) {
	c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp)) // fails only for an unknown flag
}

func completeType(c *cobra.Command) { completeFlag(c, "type", strings.Split(typeNames(), ", ")...) }

func completeSample(c *cobra.Command) { completeFlag(c, "sample", sample.Names()...) }

// completeHook completes --hook with the hooks of the policy folder in the first argument.
func (p *Program) completeHook(c *cobra.Command) {
	c.RegisterFlagCompletionFunc("hook", func(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		folder, err := folder.Read(args[0])
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

// Exit codes of every command.
const (
	exitOK     = 0
	exitFailed = 1 // the command failed, or found a failure
	exitUsage  = 2 // error in the command line, the environment or the configuration file
	exitPolicy = 3 // the policy folder has problems
)

// Kinds of errors of a command.
var (
	errUsage    = errors.New("usage")    // the command line, environment or settings file is wrong
	errReported = errors.New("reported") // the command has printed it
)

// exitCode maps errors to exit codes. No other place does.
func exitCode(err error) int {
	var problems document.Problems
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

// kindError is an error with a kind that errors.Is finds and that adds no text.
type kindError struct {
	kind, err error
}

func (m kindError) Error() string   { return m.err.Error() }
func (m kindError) Unwrap() []error { return []error{m.kind, m.err} }

// usage returns an error in the command line, the environment or the configuration file.
func usage(format string, args ...any) error {
	return kindError{errUsage, fmt.Errorf(format, args...)}
}

// asReported marks an error that the command has printed.
func asReported(err error) error {
	return kindError{errReported, err}
}
