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

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/suite"
)

type testFlags struct {
	junit, run, cost      string
	coverage, minCoverage string
	json, watch           bool
}

// coverageToStdout is what --coverage is without a file.
const coverageToStdout = "-"

func (p *Program) test() *cobra.Command {
	var f testFlags
	c := &cobra.Command{
		Use:   "test DIR",
		Short: "Run the tests of a policy folder",
		Long: "Test runs the *_test.yaml files of a policy folder. What is not as expected is shown as a difference; at the end stand\n" +
			"the rules that no test reached, with --coverage also the parts of conditions that were never true, or never false.",
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
	c.Flags().StringVar(&f.junit, "junit", "", "file to write the results to, in JUnit's XML")
	c.Flags().StringVar(&f.cost, "cost", "", "file to write what each rule costs to, as a table to compare between commits")
	c.Flags().StringVar(&f.run, "run", "", "only the tests whose name matches this regular expression")
	c.Flags().StringVar(&f.coverage, "coverage", "", "show what was never seen of each condition; with =FILE also write it all there, as JSON")
	c.Flags().Lookup("coverage").NoOptDefVal = coverageToStdout
	c.Flags().StringVar(&f.minCoverage, "min-coverage", "", "fail when less was seen, as in 80%")
	c.Flags().BoolVar(&f.watch, "watch", false, "run again whenever the folder changes, until interrupted")
	c.Flags().BoolVar(&f.json, "json", false, "one JSON object on standard output")
	return c
}

// testRun are a folder's, and what is to become of them.
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
		return t, usage("--min-coverage: want a share such as 80%%, got %q", f.minCoverage)
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
		text, _ := json.MarshalIndent(r, "", "  ") // its parts always can
		fmt.Fprintf(escapingWriter{p.Stdout}, "%s\n", text)
	} else if err := r.WriteText(escapingWriter{p.Stdout}); err != nil {
		return err
	}
	return t.result(r)
}

// result is nil when the tests have shown what they were to show.
func (t testRun) result(r *suite.Report) error {
	switch {
	case len(r.Cases) == 0 && t.run != "": // nothing was shown, which a script must not take for a pass
		return fmt.Errorf("%s: no tests were run: no name matches --run %s", t.dir, t.run)
	case len(r.Cases) == 0:
		return fmt.Errorf("%s: no tests were run: want them in files whose names end in _test.yaml", t.dir)
	case r.Failed > 0:
		return reported(fmt.Errorf("%d tests failed", r.Failed))
	case r.Percent() < t.minPercent:
		return fmt.Errorf("%s: the tests cover %d%%, want %d%% or more", t.dir, r.Percent(), t.minPercent)
	}
	return nil
}

// writeFile makes a file of what write writes.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// repeatOnChange does a thing now, and again each time the policy folder has changed, until the program is interrupted. The error is that of
// the last time.
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
				return reported(err)
			}
			return nil
		}
	}
}

// clearScreen wipes the screen, where there is one.
func (p *Program) clearScreen() {
	f, ok := p.Stdout.(*os.File)
	if !ok {
		return
	}
	if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprint(f, "\x1b[H\x1b[2J\x1b[3J")
	}
}

// folderState is what a folder held, and what it took to see.
type folderState struct {
	content  string
	readTime time.Duration
}

func readFolderState(dir string) folderState {
	start := time.Now()
	folder, err := rules.Read(dir)
	if err != nil {
		return folderState{"error: " + err.Error(), time.Since(start)}
	}
	return folderState{folder.Hash(), time.Since(start)}
}

// waitForChange waits until the folder holds something else, and that for two looks one after the other; false when the context ends first.
// It looks so seldom that it takes about a twentieth of the time.
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
