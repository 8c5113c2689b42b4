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

// judgement is a Change being judged.
type judgement struct {
	Change
	w      *Watcher
	module *wasm.Module // nil: one is taken back
	before state        // of the folder, without the change
	done   Changed
}

// judge loads the folder with the change and runs its tests. It returns no Set where the folder has problems of its own.
func (j *judgement) judge(ctx context.Context, s state) (*rules.Set, error) {
	set, err := j.w.load(s, func(f *rules.Folder, set *rules.Set) error { return j.test(ctx, f, set) })
	if _, refused := errors.AsType[*Refusal](err); refused {
		return nil, err
	}
	if err != nil {
		return nil, j.blame(err)
	}
	j.run(ctx, s, set)
	return set, nil
}

// test runs the folder's tests.
func (j *judgement) test(ctx context.Context, folder *rules.Folder, set *rules.Set) error {
	deadline, _ := ctx.Deadline()
	report, err := suite.Run(folder, set, suite.Options{Until: deadline})
	if problems, ok := errors.AsType[rules.Problems](err); ok {
		return &Refusal{Problems: problems}
	}
	if err != nil {
		return err
	}
	if failed := failing(report, set); len(failed) > 0 {
		return &Refusal{Tests: failed}
	}
	if j.w.o.Tests && len(report.Cases) == 0 {
		return &Unproven{} // the folder's own problem, not the change's
	}
	j.done.Tests = report.Passed
	return nil
}

// run says what a sample call costs the rules that run the module; when none does, what it costs on every type of hook.
func (j *judgement) run(ctx context.Context, s state, set *rules.Set) {
	folder, err := s.whole()
	if j.module == nil || err != nil {
		return
	}
	for _, t := range set.Trials() {
		if t.File == moduleFile(j.Name) {
			j.done.Runs = append(j.done.Runs, t)
		}
	}
	if len(j.done.Runs) == 0 {
		tables, _ := rules.Tables(folder) // which were loaded a moment ago
		j.done.Runs = rules.Trials(ctx, j.module, rules.TrialOptions{Tables: tables})
	}
}

// blame finds out whose problems these are: the change's, which is refused then, or the folder's own.
func (j *judgement) blame(err error) error {
	if _, untested := errors.AsType[*Unproven](err); untested {
		j.done.Problems = problems(err)
		return nil
	}
	var without rules.Problems
	set, fault := j.w.load(j.before, nil)
	if fault != nil {
		without = problems(fault)
	} else if err := set.Close(); err != nil {
		return err
	}
	all := problems(err)
	fresh := slices.DeleteFunc(slices.Clone(all), func(p rules.Problem) bool {
		return p.Warning || slices.ContainsFunc(without, func(known rules.Problem) bool { return same(p, known) })
	})
	if len(fresh) == 0 {
		j.done.Problems = all
		return nil
	}
	if j.Code == nil && !j.before.has(moduleFile(j.Name)) {
		return fmt.Errorf("%w: %s", ErrReferenced, fresh[0])
	}
	return &Refusal{Problems: fresh}
}

// same reports whether two problems are one, whatever may have been meant in its place.
func same(a, b rules.Problem) bool {
	a.Message, _, _ = strings.Cut(a.Message, ", did you mean ")
	b.Message, _, _ = strings.Cut(b.Message, ", did you mean ")
	return a == b
}

// problems is any error as problems of the folder.
func problems(err error) rules.Problems {
	if all, ok := errors.AsType[rules.Problems](err); ok {
		return all
	}
	return rules.Problems{{Message: err.Error()}}
}
