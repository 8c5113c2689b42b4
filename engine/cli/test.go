package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/tenterhook/tenterhook/rules/suite"
)

type testFlags struct {
	junit, run, cost string
	json             bool
}

func (p *Program) test() *cobra.Command {
	var f testFlags
	c := &cobra.Command{
		Use:   "test DIR",
		Short: "Run the tests of a policy folder",
		Long: "Test runs the *_test.yaml files of a policy folder. What is not as expected is shown as a difference; at the end stand\n" +
			"the rules that no test reached.",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return p.runTests(args[0], f)
		},
	}
	c.Flags().StringVar(&f.junit, "junit", "", "file to write the results to, in JUnit's XML")
	c.Flags().StringVar(&f.cost, "cost", "", "file to write what each rule costs to, as a table to compare between commits")
	c.Flags().StringVar(&f.run, "run", "", "only the tests whose name matches this regular expression")
	c.Flags().BoolVar(&f.json, "json", false, "one JSON object on standard output")
	return c
}

func (p *Program) runTests(dir string, f testFlags) error {
	only, err := regexp.Compile(f.run)
	if err != nil {
		return usage("--run: %w", err)
	}
	folder, set, err := p.load(dir)
	if err != nil {
		return err
	}
	defer set.Close()
	report, err := suite.Run(folder, set, suite.Options{Select: only.MatchString})
	if err != nil {
		return from(dir, err)
	}
	return p.reportTests(dir, report, f)
}

func (p *Program) reportTests(dir string, r *suite.Report, f testFlags) error {
	if f.junit != "" {
		if err := writeFile(f.junit, r.WriteJUnit); err != nil {
			return err
		}
	}
	if f.cost != "" {
		if err := writeFile(f.cost, r.WriteCosts); err != nil {
			return err
		}
	}
	if f.json {
		text, _ := json.MarshalIndent(r, "", "  ") // its parts always can
		fmt.Fprintf(p.Stdout, "%s\n", text)
	} else if err := r.WriteText(p.Stdout); err != nil {
		return err
	}
	if len(r.Cases) == 0 { // nothing was shown, which a script must not take for a pass
		if f.run != "" {
			return fmt.Errorf("%s: no tests were run: no name matches --run %s", dir, f.run)
		}
		return fmt.Errorf("%s: no tests were run: want them in files whose names end in _test.yaml", dir)
	}
	if r.Failed > 0 {
		return said(fmt.Errorf("%d tests failed", r.Failed))
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
