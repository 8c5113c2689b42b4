package watch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/rules/suite"
)

// TestsFailed is the error of a valid folder that Options.Tests rejects.
type TestsFailed struct {
	Tests []suite.Result // failing tests; none: the folder has no tests
	Total int            // number of tests in the folder
}

// Error names the failing tests and the members that differ. It quotes no values, because the
// policy may have made them of its secrets.
func (u *TestsFailed) Error() string {
	if len(u.Tests) == 0 {
		return "the policy folder has no tests, and --require-tests rejects it: add tests in files named *_test.yaml"
	}
	const most = 20
	var b strings.Builder
	fmt.Fprintf(&b, "%d of the policy folder's %d tests fail", len(u.Tests), u.Total)
	for i, c := range u.Tests[:min(len(u.Tests), most)] {
		var whats []string
		for _, f := range c.Failures {
			whats = append(whats, f.What)
		}
		fmt.Fprintf(&b, "%s%s:%d: %s (%s)", [...]string{": ", "; "}[min(i, 1)], c.File, c.Line, c.Name, strings.Join(whats, ", "))
	}
	if n := len(u.Tests) - most; n > 0 {
		fmt.Fprintf(&b, "; and %d more", n)
	}
	return b.String()
}

// testTimeout bounds the tests of a folder.
const testTimeout = time.Minute

// runTests runs a folder's tests on its Set, if Options.Tests requires them.
func (w *Watcher) runTests(ctx context.Context, f *folder.Folder, set *rules.Set) error {
	if !w.o.Tests {
		return nil
	}
	report, err := suite.Run(f, set, suite.Options{
		Select: func(string) bool { return ctx.Err() == nil },
		Until:  time.Now().Add(testTimeout),
	})
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case len(report.Cases) == 0:
		return new(TestsFailed)
	}
	if failed := failedTests(report, set); len(failed) > 0 {
		return &TestsFailed{Total: len(report.Cases), Tests: failed}
	}
	return nil
}

// failedTests lists a report's failing tests, except those of hooks with a rule that must fail
// because its module does not start.
func failedTests(r *suite.Report, set *rules.Set) []suite.Result {
	failed := failedModules(set)
	return slices.DeleteFunc(slices.Clone(r.Cases), func(c suite.Result) bool {
		return len(c.Failures) == 0 || slices.ContainsFunc(failed, func(m rules.Module) bool { return m.Hook == c.Hook })
	})
}
