package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/rules/suite"
)

type testFlags struct {
	junit, run, cost string
	coverage, least  string
	json, watch      bool
}

// shown is what --coverage is without a file.
const shown = "-"

func (p *Program) test() *cobra.Command {
	var f testFlags
	c := &cobra.Command{
		Use:   "test DIR",
		Short: "Run the tests of a policy folder",
		Long: "Test runs the *_test.yaml files of a policy folder. What is not as expected is shown as a difference; at the end stand\n" +
			"the rules that no test reached, with --coverage also the parts of conditions that were never true, or never false.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			t, err := f.tests(args[0])
			if err != nil {
				return err
			}
			if f.watch {
				return p.follow(c, args[0], func() error { return p.runTests(t) })
			}
			return p.runTests(t)
		},
	}
	c.Flags().StringVar(&f.junit, "junit", "", "file to write the results to, in JUnit's XML")
	c.Flags().StringVar(&f.cost, "cost", "", "file to write what each rule costs to, as a table to compare between commits")
	c.Flags().StringVar(&f.run, "run", "", "only the tests whose name matches this regular expression")
	c.Flags().StringVar(&f.coverage, "coverage", "", "show what was never seen of each condition; with =FILE also write it all there, as JSON")
	c.Flags().Lookup("coverage").NoOptDefVal = shown
	c.Flags().StringVar(&f.least, "min-coverage", "", "fail when less was seen, as in 80%")
	c.Flags().BoolVar(&f.watch, "watch", false, "run again whenever the folder changes, until interrupted")
	c.Flags().BoolVar(&f.json, "json", false, "one JSON object on standard output")
	return c
}

// tests are a folder's, and what is to become of them.
type tests struct {
	testFlags
	dir   string
	only  *regexp.Regexp
	least int // percent
}

func (f testFlags) tests(dir string) (t tests, err error) {
	t = tests{testFlags: f, dir: dir}
	if t.only, err = regexp.Compile(f.run); err != nil {
		return t, usage("--run: %w", err)
	}
	if f.least == "" {
		return t, nil
	}
	if t.least, err = strconv.Atoi(strings.TrimSuffix(f.least, "%")); err != nil || t.least < 0 || t.least > 100 {
		return t, usage("--min-coverage: want a share such as 80%%, got %q", f.least)
	}
	return t, nil
}

func (p *Program) runTests(t tests) error {
	folder, o, err := p.read(t.dir)
	if err != nil {
		return err
	}
	o.Clauses = t.coverage != "" || t.testFlags.least != ""
	set, err := compile(t.dir, folder, o)
	if err != nil {
		return err
	}
	defer set.Close()
	report, err := suite.Run(folder, set, suite.Options{Select: t.only.MatchString})
	if err != nil {
		return from(t.dir, err)
	}
	return p.reportTests(t, report)
}

func (p *Program) reportTests(t tests, r *suite.Report) error {
	files := []struct {
		name  string
		write func(io.Writer) error
	}{{t.junit, r.WriteJUnit}, {t.cost, r.WriteCosts}, {strings.TrimPrefix(t.coverage, shown), r.WriteCoverage}}
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
		fmt.Fprintf(inert{p.Stdout}, "%s\n", text)
	} else if err := r.WriteText(inert{p.Stdout}); err != nil {
		return err
	}
	return t.verdict(r)
}

// verdict is nil when the tests have shown what they were to show.
func (t tests) verdict(r *suite.Report) error {
	switch {
	case len(r.Cases) == 0 && t.run != "": // nothing was shown, which a script must not take for a pass
		return fmt.Errorf("%s: no tests were run: no name matches --run %s", t.dir, t.run)
	case len(r.Cases) == 0:
		return fmt.Errorf("%s: no tests were run: want them in files whose names end in _test.yaml", t.dir)
	case r.Failed > 0:
		return said(fmt.Errorf("%d tests failed", r.Failed))
	case r.Percent() < t.least:
		return fmt.Errorf("%s: the tests cover %d%%, want %d%% or more", t.dir, r.Percent(), t.least)
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
