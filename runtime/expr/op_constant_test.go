package expr_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// result is the outcome of a condition: whether it matches, lacks something, or fails.
func (w *harness) result(src, payload string) string {
	w.t.Helper()
	x, err := expr.Compile(src, w.env)
	if err != nil {
		w.t.Fatalf("%s: %v", src, err)
	}
	yes, missing, err := x.Match(w.begin(payload, runtime.Budget{}))
	return fmt.Sprint(yes, missing, runtime.Reason(err))
}

// TestShortcuts: a condition with a specialised test for a constant, a Slot or elements has the
// same outcome as the general one, which is forced by a value that is not known before the run.
func TestShortcuts(t *testing.T) {
	conditions := []string{`X == "a"`, `X != "a"`, `"a" == X`, `X == 3`, `X != 3`, `X == 3.5`, `X == true`, `X != false`, `X == nil`,
		`X < 3`, `X >= 3`, `3 > X`, `X <= 3.5`, `X < "b"`, `X startsWith "a"`, `X endsWith "a"`, `X contains "a"`, `X matches "a$"`,
		`X matches "^(a|x.*a)$"`, `X in ["a", "b"]`, `X in [3, 3.5, "a"]`, `X not in ["a", 100000000000000000]`, `X in tables.banned`,
		`X in vars.domains`, `not (X == "a")`, `X == "a" and X != "b"`, `X == "b" or X startsWith "a"`, `X == "a" or X > 2`,
		`not (X == "a" or X == 3)`}
	values := []string{`"a"`, `"xa"`, `"b"`, `""`, `"eve@example.com"`, `"7"`, `7`, `3`, `3.0`, `3.5`, `4`, `-3`, `1e17`, `100000000000000000`,
		`12345678901234567890`, `true`, `false`, `null`, `[]`, `["a"]`, `{}`, `{"a": 1}`, `"a.example"`}
	lists := []string{"[]", "[%[1]s]", `["z", %[1]s]`, `[null, %[1]s, "a"]`, `[%[1]s, %[1]s, 3]`}
	if testing.Short() {
		values = everyNth(values, 2)
	}
	w := newHarness(t, hook.Registration)
	for _, c := range conditions {
		t.Run(c, func(t *testing.T) {
			w.t = t
			short, long := strings.ReplaceAll(c, "X", "data.userProfile.x"), strings.ReplaceAll(c, "X", `([data.userProfile.x][0])`)
			element := strings.ReplaceAll(c, "X", "#")
			member := strings.ReplaceAll(c, "X", ".x")
			for _, v := range values {
				payload := `{"data": {"userProfile": {"x": ` + v + `}}}`
				if a, b := w.result(short, payload), w.result(long, payload); a != b {
					t.Errorf("%s of %s: %s, the long way %s", short, v, a, b)
				}
				for _, list := range lists {
					w.loops(element, fmt.Sprintf(list, v))
					w.loops(member, fmt.Sprintf(list, `{"x": `+v+`}`))
				}
			}
		})
	}
}

// loops compares quantifiers over the condition with those whose condition has a part that forces
// the general path.
func (w *harness) loops(condition, list string) {
	w.t.Helper()
	if strings.Contains(list, "%!(EXTRA") {
		list = "[]"
	}
	payload := `{"data": {"userProfile": {"l": ` + list + `}}}`
	for _, q := range []string{"any", "all", "none", "one"} {
		short := fmt.Sprintf("%s(data.userProfile.l, %s)", q, condition)
		long := fmt.Sprintf("%s(data.userProfile.l, true ? (%s) : #index == 0)", q, condition)
		if a, b := w.result(short, payload), w.result(long, payload); a != b {
			w.t.Errorf("%s of %s: %s, the long way %s", short, list, a, b)
		}
	}
}

// FuzzMatches: the texts that a pattern requires are found correctly.
func FuzzMatches(f *testing.F) {
	for _, p := range []string{`^[a-z]+@x[.]net$`, `a|b$`, `(?i)abc$`, `(ab)+c\z`, `x(y(z))$`, `a(b|c)d`, `^$`, `(?m)a$`, `\Aab\z`, `a.c`, `ü$`, `a{2}$`, `(?s).*end`, `x*y$`, `(a)?b$`} {
		for _, s := range []string{"", "abc", "ABC", "a\n", "ab\nc", "q@x.net", "xyz", "abd", "ü", "aa", "the end", "b"} {
			f.Add(p, s)
		}
	}
	w := newHarness(f, hook.Registration)
	f.Fuzz(func(t *testing.T, pattern, text string) {
		w.t, w.env = t, expr.NewEnv(expr.Options{Type: hook.Registration})
		re, err := regexp.Compile(pattern)
		if err != nil || !utf8.ValidString(text) || !utf8.ValidString(pattern) || len(text) > 1000 {
			return
		}
		x, err := expr.Compile("data.userProfile.s matches "+quote(pattern), w.env)
		if err != nil {
			return
		}
		got, err := x.Test(w.begin(string(jsondoc.AppendString([]byte(`{"data": {"userProfile": {"s": `), text))+"}}}", runtime.Budget{}))
		if want := re.MatchString(text); err != nil || got != want {
			t.Errorf("%q matches %q: got %v %v, want %v", text, pattern, got, err, want)
		}
	})
}

// quote is s as an expression writes it.
func quote(s string) string { return string(jsondoc.AppendString(nil, s)) }
