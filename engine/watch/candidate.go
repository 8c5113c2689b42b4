package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/suite"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

// candidate is a Change being judged.
type candidate struct {
	Change
	w      *Watcher
	module *wasm.Module // nil: one is taken back
	before state        // of the folder, without the change
	result ChangeResult
}

// evaluate loads the folder with the change and runs its tests. It returns no Set where the folder has problems of its own.
func (j *candidate) evaluate(ctx context.Context, s state) (*rules.Set, error) {
	set, err := j.w.loadSet(s, func(f *rules.Folder, set *rules.Set) error { return j.runTests(ctx, f, set) })
	if _, refused := errors.AsType[*Rejection](err); refused {
		return nil, err
	}
	if err != nil {
		return nil, j.attributeProblems(err)
	}
	j.measureRuns(ctx, s, set)
	return set, nil
}

// runTests runs the folder's tests.
func (j *candidate) runTests(ctx context.Context, folder *rules.Folder, set *rules.Set) error {
	deadline, _ := ctx.Deadline()
	report, err := suite.Run(folder, set, suite.Options{Until: deadline})
	if problems, ok := errors.AsType[rules.Problems](err); ok {
		return &Rejection{Problems: problems}
	}
	if err != nil {
		return err
	}
	if failed := failedTests(report, set); len(failed) > 0 {
		return &Rejection{Tests: failed}
	}
	if j.w.o.Tests && len(report.Cases) == 0 {
		return &TestsFailed{} // the folder's own problem, not the change's
	}
	j.result.Tests = report.Passed
	return nil
}

// measureRuns says what a sample call costs the rules that run the module; when none does, what it costs on every type of hook.
func (j *candidate) measureRuns(ctx context.Context, s state, set *rules.Set) {
	folder, err := s.withUploads()
	if j.module == nil || err != nil {
		return
	}
	for _, t := range set.Trials() {
		if t.File == moduleFile(j.Name) {
			j.result.Runs = append(j.result.Runs, t)
		}
	}
	if len(j.result.Runs) == 0 {
		tables, _ := rules.Tables(folder) // which were loaded a moment ago
		j.result.Runs = rules.Trials(ctx, j.module, rules.TrialOptions{Tables: tables})
	}
}

// attributeProblems finds out whose problems these are: the change's, which is refused then, or the folder's own.
func (j *candidate) attributeProblems(err error) error {
	if _, untested := errors.AsType[*TestsFailed](err); untested {
		j.result.Problems = asProblems(err)
		return nil
	}
	var without rules.Problems
	set, fault := j.w.loadSet(j.before, nil)
	if fault != nil {
		without = asProblems(fault)
	} else if err := set.Close(); err != nil {
		return err
	}
	all := asProblems(err)
	fresh := slices.DeleteFunc(slices.Clone(all), func(p rules.Problem) bool {
		return p.Warning || slices.ContainsFunc(without, func(known rules.Problem) bool { return isSameProblem(p, known) })
	})
	if len(fresh) == 0 {
		j.result.Problems = all
		return nil
	}
	if j.Code == nil && !j.before.hasFile(moduleFile(j.Name)) {
		return fmt.Errorf("%w: %s", ErrReferenced, fresh[0])
	}
	return &Rejection{Problems: fresh}
}

// isSameProblem reports whether two problems are one, whatever may have been meant in its place.
func isSameProblem(a, b rules.Problem) bool {
	a.Message, _, _ = strings.Cut(a.Message, ", did you mean ")
	b.Message, _, _ = strings.Cut(b.Message, ", did you mean ")
	return a == b
}

// asProblems is any error as problems of the folder.
func asProblems(err error) rules.Problems {
	if all, ok := errors.AsType[rules.Problems](err); ok {
		return all
	}
	return rules.Problems{{Message: err.Error()}}
}
