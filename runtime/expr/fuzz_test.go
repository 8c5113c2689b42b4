package expr_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

var tight = runtime.Budget{Fuel: 100_000, Memory: 1 << 20, Output: 64 << 10}

// FuzzCompile: any text compiles or gives Errors with places inside it.
func FuzzCompile(f *testing.F) {
	for _, src := range hostileExpressions(f) {
		if len(src) < 1<<16 {
			f.Add(src)
		}
	}
	for i := range 8 {
		f.Add(rule(i))
	}
	o := options(f, hook.Token)
	f.Fuzz(func(t *testing.T, src string) {
		_, err := expr.Compile(src, expr.NewEnv(o))
		var all expr.Errors
		if err != nil && (!errors.As(err, &all) || len(all) == 0) {
			t.Fatalf("%q: %T", src, err)
		}
		for _, e := range all {
			if e.Offset < 0 || e.Offset > len(src) || e.Line < 1 || e.Column < 1 || e.Message == "" {
				t.Errorf("%q: %+v", src, e)
			}
		}
	})
}

// FuzzDecide: any expression on any event of any type ends within its budget, with JSON or one of
// the reasons, and the same twice.
func FuzzDecide(f *testing.F) {
	payloads := []string{`{"data": {"s": "abc", "n": 1e999, "arr": [1, "a", null, {"x": [true]}], "long": 12345678901234567890}}`, `{}`, `[]`, `null`}
	for i, src := range hostileExpressions(f) {
		if len(src) < 1<<12 {
			f.Add(src, payloads[i%len(payloads)], uint8(i))
		}
	}
	g := newGenerator(1)
	for range 50 {
		f.Add(g.expression(), `{"data": {"userProfile": {"name": 1, "age": "x", "tags": {"a": []}, "ages": null}}}`, uint8(hook.Registration))
	}
	for i := range 8 {
		f.Add(rule(i), string(sample.Of(hook.Token)), uint8(hook.Token))
	}
	for _, kind := range hook.Types() {
		for name := range strings.FieldsSeq("data.action event.outcome.result event.target requestType data.messageProfile.otpCode") {
			f.Add(fmt.Sprintf(`any([%s], # == "SUCCESS") or %s in ["x"]`, name, name), string(sample.Of(kind)), uint8(kind))
		}
	}
	o := options(f, hook.Registration)
	f.Fuzz(func(t *testing.T, src, payload string, kind uint8) {
		o.Type, o.Known = hook.Type(kind%8), nil
		if o.Type == hook.Registration {
			o.Known = []string{"data.s", "data.n", "data.arr", "data.long"}
		}
		w := &harness{t: t, env: expr.NewEnv(o)}
		x, err := expr.Compile(src, w.env)
		if err != nil || (&jsondoc.Doc{}).Parse([]byte(payload), jsondoc.Limits{}) != nil {
			return
		}
		decide(t, w, x, src, payload)
	})
}

func decide(t *testing.T, w *harness, x *expr.Expression, src, payload string) {
	first, err := render(x, w.begin(payload, tight))
	if got := runtime.Reason(err); got == "internal" {
		t.Fatalf("%s: %v", src, err)
	}
	if err == nil && !json.Valid(first) {
		t.Fatalf("%s: not JSON: %s", src, first)
	}
	yes, missing, matchErr := x.Match(w.begin(payload, tight))
	if yes && missing {
		t.Errorf("%s: matches, and is missing something to", src)
	}
	if missing && !x.Nullable() {
		t.Errorf("%s: is missing something, and is not Nullable", src)
	}
	if c := x.Cost(); c.Fuel < 1 || c.Loops < 0 || c.Loops > 3 {
		t.Errorf("%s: cost %+v", src, c)
	}
	if err != nil {
		return
	}
	if yes != (string(first) == "true") && matchErr == nil {
		t.Errorf("%s: is %s, and matches: %v", src, first, yes)
	}
	again, err := render(x, w.begin(payload, tight))
	if err == nil && string(first) != string(again) {
		t.Errorf("%s: %s, then %s", src, first, again)
	}
}

func render(x *expr.Expression, r *runtime.Run) ([]byte, error) {
	v, err := x.Eval(r)
	if err != nil {
		return nil, err
	}
	return v.AppendJSON(nil, r.Meter)
}

// FuzzText: any leaf compiles or gives Errors, and renders as JSON.
func FuzzText(f *testing.F) {
	for _, src := range []string{"plain", "${1}", "a ${data.userProfile.name} b", "$${", "${'}'}", `${"\"}"}`, "${{a: 1}}", "${", "${a", "$${${1}}",
		"${`}`}", "${[1,2][0]}${nil}", "${1 // }\n}", "\x00${\"\\u0000\"}"} {
		f.Add(src, `{"data": {"userProfile": {"name": "x\"\u0007"}}}`)
	}
	w := newHarness(f, hook.Registration)
	o := options(f, hook.Registration)
	f.Fuzz(func(t *testing.T, src, payload string) {
		w.t, w.env = t, expr.NewEnv(o)
		leaf, err := expr.CompileText(src, w.env)
		var all expr.Errors
		if err != nil && (!errors.As(err, &all) || len(all) == 0) {
			t.Fatalf("%q: %T", src, err)
		}
		for _, e := range all {
			if e.Offset < 0 || e.Offset > len(src) {
				t.Errorf("%q: %+v", src, e)
			}
		}
		if err != nil || (&jsondoc.Doc{}).Parse([]byte(payload), jsondoc.Limits{}) != nil {
			return
		}
		out, null, err := leaf.AppendJSON(nil, w.begin(payload, tight))
		if err != nil && len(out) > 0 || null && len(out) > 0 {
			t.Errorf("%q: %s is left over: %v %v", src, out, null, err)
		}
		if err == nil && !null && !json.Valid(out) {
			t.Errorf("%q: not JSON: %s", src, out)
		}
		if s, ok := leaf.Literal(); ok {
			if text, err := leaf.AppendText(nil, w.begin(payload, tight)); err != nil || string(text) != s {
				t.Errorf("%q: literal %q, text %q %v", src, s, text, err)
			}
		}
	})
}

// TestConcurrentRuns: many goroutines run the expressions of one Env on events of their own.
func TestConcurrentRuns(t *testing.T) {
	shared := newHarness(t, hook.Registration)
	if err := shared.env.Let("company", `domain(data.userProfile.email)`); err != nil {
		t.Fatal(err)
	}
	var all []*expr.Expression
	for _, src := range []string{
		`company == "a.example"`, `company in ["a.example", "b.example"]`, `any(data.userProfile.tags, # == company)`,
		`upper(company) matches "^[AB]"`, `len(map(data.userProfile.tags, # + company)) == 2`,
	} {
		x, err := expr.Compile(src, shared.env)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	var wait sync.WaitGroup
	for _, payload := range []string{
		`{"data": {"userProfile": {"email": "x@a.example", "tags": ["a.example", "q"]}}}`,
		`{"data": {"userProfile": {"email": "x@A.EXAMPLE", "tags": ["z", "a.example"]}}}`,
		`{"data": {"userProfile": {"email": "y@a.example", "tags": ["a.example", null]}}}`,
	} {
		wait.Go(func() {
			w := &harness{t: t, env: shared.env}
			for range 300 {
				r := w.begin(payload, runtime.Budget{})
				for i, x := range all {
					if yes, err := x.Test(r); err != nil || !yes {
						t.Errorf("%s: expression %d: %v %v", payload, i, yes, err)
						return
					}
				}
				r.End()
			}
		})
	}
	wait.Wait()
}
