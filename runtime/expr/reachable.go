package expr

import (
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/schema"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// form is a function whose results have one form: apply changes a text that cannot be a result.
type form struct {
	name  string
	apply func(string) string
}

// markForm marks the result of a function with a form.
func markForm(name string, c *code) *code {
	if f := functions[name]; f != nil && f.form != nil && !c.constant {
		c.form = &form{name, f.form}
	}
	return c
}

// checkText reports a comparison for equality of x, a text of the event, with a constant text that
// it never is. n is the constant's node.
func (k *compiler) checkText(n ast.Node, x *code, v runtime.Value) {
	if v.Kind() != runtime.String || x.constant {
		return
	}
	s := v.Text()
	if x.form != nil && x.form.apply(s) != s {
		k.report(n, "%s never gives %q: want %q", x.form.name, s, x.form.apply(s))
		return
	}
	if x.shape.Values().Allows(s) {
		return
	}
	k.reportValue(n, s, x.shape.Values())
}

// reportValue reports an impossible text, with the possible ones.
func (k *compiler) reportValue(n ast.Node, s string, v *schema.Values) {
	meant := schema.Guess(s, v.All)
	hint := ", did you mean " + meant + "?"
	if meant == "" {
		hint = ": want " + hook.OneOf(v.All)
	}
	if v.Lenient {
		k.warn(n, "Okta never sends %q here%s", s, hint)
		return
	}
	before := len(k.errs)
	if k.report(n, "Okta never sends %q here%s", s, hint); len(k.errs) > before {
		k.errs[before].Suggest = meant
	}
}

// maxListedProblems limits the problems of a list that is not written out: they have the same
// place.
const maxListedProblems = 10

// checkTexts checks each text of a constant list.
func (k *compiler) checkTexts(n ast.Node, x *code, list runtime.Value) {
	if x.form == nil && x.shape.Values() == nil {
		return
	}
	if written, ok := n.(*ast.ArrayNode); ok {
		for _, item := range written.Nodes {
			if s, ok := item.(*ast.StringNode); ok {
				k.checkText(item, x, runtime.TextOf(s.Value))
			}
		}
		return
	}
	before := len(k.errs) + len(k.warnings)
	told := func(v runtime.Value) (enough bool) {
		k.checkText(n, x, v)
		return len(k.errs)+len(k.warnings)-before >= maxListedProblems
	}
	if slices.ContainsFunc(list.Items(), told) {
		return
	}
	for item := range list.Node().Elements() {
		if told(runtime.NodeOf(item)) {
			return
		}
	}
}

// checkReachable reports a test (op and its operand, what) that none of the possible texts of x passes.
func (k *compiler) checkReachable(n ast.Node, x *code, op, what string, passes func(string) bool) {
	values := x.shape.Values()
	if x.constant || values == nil || !values.Closed {
		return
	}
	for _, word := range values.All {
		if passes(word) {
			return
		}
	}
	say := func(format string, args ...any) { k.report(n, format, args...) }
	if values.Lenient {
		say = func(format string, args ...any) { k.warn(n, format, args...) }
	}
	say("Okta sends nothing here that %s %q: it sends %s", op, what, hook.OneOf(values.All))
}

var finders = map[string]func(s, part string) bool{
	"contains": strings.Contains, "startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix,
}

func (k *compiler) checkSearch(n ast.Node, x, y *code, op string) {
	if y.constant && y.value.Kind() == runtime.String {
		part := y.value.Text()
		k.checkReachable(n, x, op, part, func(s string) bool { return finders[op](s, part) })
	}
}

func (k *compiler) checkPattern(n ast.Node, x *code, pattern string, re *regexp.Regexp) {
	k.checkReachable(n, x, "matches", pattern, re.MatchString)
}
