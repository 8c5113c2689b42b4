package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/rules/suite"
)

type testFlags struct {
	junit, run, cost      string
	coverage, minCoverage string
	json, watch           bool
}

// coverageToStdout is the value of --coverage without a file.
const coverageToStdout = "-"

func (p *Program) test() *cobra.Command {
	var f testFlags
	c := &cobra.Command{
		Use:   "test DIR",
		Short: "Run the tests of a policy folder",
		Long: "Test runs the *_test.yaml files of a policy folder and prints differences from the expected results. At the end it lists the\n" +
			"rules that no test reached; with --coverage also the parts of conditions that were never true or never false.",
		Example: "  tenterhook test policy\n" +
			"  tenterhook test policy --junit results.xml --min-coverage 80%\n" +
			"  tenterhook test policy --cost costs.txt && git diff costs.txt",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			t, err := f.parse(args[0])
			if err != nil {
				return err
			}
			if f.watch {
				return p.repeatOnChange(c, args[0], func() error { return p.runTests(t) })
			}
			return p.runTests(t)
		},
	}
	c.Flags().StringVar(&f.junit, "junit", "", "write the results to this file, as JUnit XML")
	c.Flags().StringVar(&f.cost, "cost", "", "write each rule's cost to this file, as a table for comparing commits with diff")
	c.Flags().StringVar(&f.run, "run", "", "run only tests whose name matches this regular expression")
	c.Flags().StringVar(&f.coverage, "coverage", "", "print the uncovered parts of conditions; with =FILE also write the coverage as JSON")
	c.Flags().Lookup("coverage").NoOptDefVal = coverageToStdout
	c.Flags().StringVar(&f.minCoverage, "min-coverage", "", "fail below this coverage, for example 80%")
	c.Flags().BoolVar(&f.watch, "watch", false, "run again after each change of the folder, until interrupted")
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
	return c
}

// testRun is a folder to test, with parsed flags.
type testRun struct {
	testFlags
	dir        string
	selected   *regexp.Regexp
	minPercent int // percent
}

func (f testFlags) parse(dir string) (t testRun, err error) {
	t = testRun{testFlags: f, dir: dir}
	if t.selected, err = regexp.Compile(f.run); err != nil {
		return t, usage("--run: %w", err)
	}
	if f.minCoverage == "" {
		return t, nil
	}
	if t.minPercent, err = strconv.Atoi(strings.TrimSuffix(f.minCoverage, "%")); err != nil || t.minPercent < 0 || t.minPercent > 100 {
		return t, usage("--min-coverage: want a percentage such as 80%%, got %q", f.minCoverage)
	}
	return t, nil
}

func (p *Program) runTests(t testRun) error {
	folder, o, err := p.read(t.dir)
	if err != nil {
		return err
	}
	o.Clauses = t.coverage != "" || t.testFlags.minCoverage != ""
	set, err := compile(t.dir, folder, o)
	if err != nil {
		return err
	}
	defer set.Close()
	report, err := suite.Run(folder, set, suite.Options{Select: t.selected.MatchString})
	if err != nil {
		return prefixError(t.dir, err)
	}
	return p.reportTests(t, report)
}

func (p *Program) reportTests(t testRun, r *suite.Report) error {
	files := []struct {
		name  string
		write func(io.Writer) error
	}{{t.junit, r.WriteJUnit}, {t.cost, r.WriteCosts}, {strings.TrimPrefix(t.coverage, coverageToStdout), r.WriteCoverage}}
	for _, f := range files {
		if f.name == "" {
			continue
		}
		if err := writeFile(f.name, f.write); err != nil {
			return err
		}
	}
	if t.json {
		text, _ := json.MarshalIndent(r, "", "  ") // never fails
		fmt.Fprintf(escapingWriter{p.Stdout}, "%s\n", text)
	} else if err := r.WriteText(escapingWriter{p.Stdout}); err != nil {
		return err
	}
	return t.result(r)
}

// result returns an error if tests failed, or coverage is too low.
func (t testRun) result(r *suite.Report) error {
	switch {
	case len(r.Cases) == 0 && t.run != "": // an empty run must not pass
		return fmt.Errorf("%s: no tests were run: no name matches --run %s", t.dir, t.run)
	case len(r.Cases) == 0:
		return fmt.Errorf("%s: no tests were run: want them in files whose names end in _test.yaml", t.dir)
	case r.Failed > 0:
		return asReported(fmt.Errorf("%d tests failed", r.Failed))
	case r.Percent() < t.minPercent:
		return fmt.Errorf("%s: the tests cover %d%%, want %d%% or more", t.dir, r.Percent(), t.minPercent)
	}
	return nil
}

// writeFile creates a file and fills it with write.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// repeatOnChange calls do now and after each change of the policy folder, until the program is
// interrupted. It returns the error of the last call.
func (p *Program) repeatOnChange(c *cobra.Command, dir string, do func() error) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for {
		p.clearScreen()
		seen := readFolderState(dir)
		err := do()
		if err != nil {
			p.printError(c, err)
		}
		fmt.Fprintf(p.Stdout, "%s: waiting for a change of %s\n", time.Now().Format(time.TimeOnly), dir)
		if !seen.waitForChange(ctx, dir) {
			if err != nil {
				return asReported(err)
			}
			return nil
		}
	}
}

// clearScreen clears the terminal, if standard output is one.
func (p *Program) clearScreen() {
	f, ok := p.Stdout.(*os.File)
	if !ok {
		return
	}
	if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprint(f, "\x1b[H\x1b[2J\x1b[3J")
	}
}

// folderState is a folder's content, and the time to read it.
type folderState struct {
	content  string
	readTime time.Duration
}

func readFolderState(dir string) folderState {
	start := time.Now()
	folder, err := folder.Read(dir)
	if err != nil {
		return folderState{"error: " + err.Error(), time.Since(start)}
	}
	return folderState{folder.Hash(), time.Since(start)}
}

// waitForChange polls until the folder's content differs and two readings agree. It returns false
// when the context ends. It waits between readings so long that it uses about 5 % of the time.
func (s folderState) waitForChange(ctx context.Context, dir string) bool {
	const often = 200 * time.Millisecond
	for last := s; ; {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(max(often, 20*last.readTime)):
		}
		next := readFolderState(dir)
		if next.content != s.content && next.content == last.content {
			return true
		}
		last = next
	}
}
