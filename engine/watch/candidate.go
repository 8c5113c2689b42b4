package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/rules/suite"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

// candidate is a Change under evaluation.
type candidate struct {
	Change
	w      *Watcher
	module *wasm.Module // nil: the upload is deleted
	before state        // the folder without the change
	result ChangeResult
}

// evaluate loads the folder with the change and runs its tests. It returns no Set if the folder
// itself has problems.
func (c *candidate) evaluate(ctx context.Context, s state) (*rules.Set, error) {
	set, err := c.w.loadSet(s, func(f *folder.Folder, set *rules.Set) error { return c.runTests(ctx, f, set) })
	if _, rejected := errors.AsType[*Rejection](err); rejected {
		return nil, err
	}
	if err != nil {
		return nil, c.attributeProblems(err)
	}
	c.measureRuns(ctx, s, set)
	return set, nil
}

// runTests runs the folder's tests with the change.
func (c *candidate) runTests(ctx context.Context, folder *folder.Folder, set *rules.Set) error {
	deadline, _ := ctx.Deadline()
	report, err := suite.Run(folder, set, suite.Options{Until: deadline})
	if problems, ok := errors.AsType[document.Problems](err); ok {
		return &Rejection{Problems: problems}
	}
	if err != nil {
		return err
	}
	if failed := failedTests(report, set); len(failed) > 0 {
		return &Rejection{Tests: failed}
	}
	if c.w.o.Tests && len(report.Cases) == 0 {
		return &TestsFailed{} // a problem of the folder, not of the change
	}
	c.result.Tests = report.Passed
	return nil
}

// measureRuns measures a sample call of the rules that run the module, or of every hook type if no
// rule does.
func (c *candidate) measureRuns(ctx context.Context, s state, set *rules.Set) {
	folder, err := s.withUploads()
	if c.module == nil || err != nil {
		return
	}
	for _, t := range set.Trials() {
		if t.File == moduleFile(c.Name) {
			c.result.Runs = append(c.result.Runs, t)
		}
	}
	if len(c.result.Runs) == 0 {
		tables, _ := rules.Tables(folder) // loaded before without an error
		c.result.Runs = rules.Trials(ctx, c.module, rules.TrialOptions{Tables: tables})
	}
}

// attributeProblems decides whether the problems come from the change, which is then rejected, or
// from the folder.
func (c *candidate) attributeProblems(err error) error {
	if _, untested := errors.AsType[*TestsFailed](err); untested {
		c.result.Problems = asProblems(err)
		return nil
	}
	var without document.Problems
	set, failure := c.w.loadSet(c.before, nil)
	if failure != nil {
		without = asProblems(failure)
	} else if err := set.Close(); err != nil {
		return err
	}
	all := asProblems(err)
	fresh := slices.DeleteFunc(slices.Clone(all), func(p document.Problem) bool {
		return p.Warning || slices.ContainsFunc(without, func(known document.Problem) bool { return isSameProblem(p, known) })
	})
	if len(fresh) == 0 {
		c.result.Problems = all
		return nil
	}
	if c.Code == nil && !c.before.hasFile(moduleFile(c.Name)) {
		return fmt.Errorf("%w: %s", ErrReferenced, fresh[0])
	}
	return &Rejection{Problems: fresh}
}

// isSameProblem compares two problems without their suggestions.
func isSameProblem(a, b document.Problem) bool {
	a.Message, _, _ = strings.Cut(a.Message, ", did you mean ")
	b.Message, _, _ = strings.Cut(b.Message, ", did you mean ")
	return a == b
}

// asProblems converts any error.
func asProblems(err error) document.Problems {
	if all, ok := errors.AsType[document.Problems](err); ok {
		return all
	}
	return document.Problems{{Message: err.Error()}}
}
