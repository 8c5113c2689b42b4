package expr

import (
	"fmt"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
)

// wantWhole reports a constant that has a fraction: the run would fail each time.
func (k *compiler) wantWhole(n ast.Node, c *code) {
	if problem := wholeProblem(c.value); c.constant && problem != "" {
		k.report(n, "%s", problem)
	}
}

// wholeProblem says why a number is not a whole one; "" for others.
func wholeProblem(v runtime.Value) string {
	if _, ok := intOf(v); ok || !numeric(v) {
		return ""
	}
	return fmt.Sprintf("want a whole number, got %s", describe(v))
}

// checkConstants reports the constant arguments with which every call fails.
func (k *compiler) checkConstants(f *function, args []ast.Node, from []*code) {
	if f.constProblem == nil {
		return
	}
	for i, c := range from {
		if !c.constant || c.null || f.kinds(i)&c.types == 0 {
			continue
		}
		if problem := f.constProblem(i, c.value); problem != "" {
			k.report(args[i], "%s", problem)
		}
	}
}

// notEmptyText makes a constProblem: the text at place at must not be empty.
func notEmptyText(at int, problem string) func(int, runtime.Value) string {
	return func(i int, v runtime.Value) string {
		if i == at && v.Text() == "" {
			return problem
		}
		return wholeProblem(v)
	}
}

// onlyWhole is the constProblem of functions whose numbers are whole.
func onlyWhole(i int, v runtime.Value) string {
	if i == 0 { // a time
		return ""
	}
	return wholeProblem(v)
}
