package expr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// explain formats the parts of an expression, one a line, with their values; - marks skipped parts
// and ! deciding ones.
func (w *harness) explain(src, payload string) string {
	w.t.Helper()
	x, err := expr.Compile(src, w.env)
	if err != nil {
		w.t.Fatalf("%s: %v", src, err)
	}
	r := w.begin(payload, runtime.Budget{})
	x.Eval(r)
	var all []string
	for _, p := range w.env.Explain(src, r, 0, runtime.Budget{}) {
		line := strings.ReplaceAll(p.Text, "data.userProfile.", "P.") + " : " + p.Value + p.Error
		if p.Skipped {
			line += "-"
		}
		if p.Decides {
			line += " !"
		}
		all = append(all, line)
	}
	return strings.Join(all, "\n")
}

func TestExplain(t *testing.T) {
	const payload = `{"data": {"userProfile": {"email": "Ada@A.example", "plan": "gold", "n": 7, "list": ["x", "y"]}}}`
	tests := []struct {
		name, src string
		want      []string
	}{
		{"Comparison", `P.plan == "gold"`, []string{`P.plan : "gold"`, `P.plan == "gold" : true`}},
		{"AndStopsEarly", `P.plan == "silver" and P.n > 3 and true`, []string{`P.plan : "gold"`, `P.plan == "silver" : false !`,
			`P.n > 3 : -`, `P.plan == "silver" and P.n > 3 and true : false`}},
		{"NoPartAlone", `P.n > 3 and P.n < 9`, []string{`P.n : 7`, `P.n > 3 : true`, `P.n > 3 and P.n < 9 : true`, `P.n : 7`, `P.n < 9 : true`}},
		{"OrInsideNot", `not (P.n == 1 or P.n == 7)`, []string{`not (P.n == 1 or P.n == 7) : false`, `P.n : 7`, `P.n == 1 : false`,
			`P.n == 1 or P.n == 7 : true`, `P.n : 7`, `P.n == 7 : true !`}},
		{"NotIn", `P.n not in [1, 7]`, []string{`P.n : 7`, `not (P.n in [1, 7]) : false`}},
		{"Let", `mail == "x"`, []string{`mail : "ada@a.example"`, `mail == "x" : false`}},
		{"Call", `domain(P.email) in tables.banned`, []string{`domain(P.email) : "a.example"`, `P.email : "Ada@A.example"`, `domain(P.email) in tables.banned : false`}},
		{"Missing", `P.none?.x == "y"`, []string{`P.none?.x : null`, `P.none?.x == "y" : false`}},
		{"Fails", `P.list == "x" or P.n == 7`, []string{`P.list : ["x", "y"]`,
			`P.list == "x" : a value the rule cannot work with: == and != cannot compare a list with a text, a number or a boolean (1:23) !`,
			`P.list == "x" or P.n == 7 : fails`, `P.n == 7 : -`}},
		{"Quantifier", `any(P.list, # == "y")`, []string{`any(P.list, # == "y") : true`, `P.list : ["x", "y"]`}},
		{"Either", `P.n > 3 ? P.plan : P.n`, []string{`P.n : 7`, `P.n > 3 : true`, `P.n > 3 ? P.plan : P.n : "gold"`, `P.plan : "gold" !`, `P.n : -`}},
		{"Otherwise", `(P.none ?? P.plan ?? P.n) == "gold"`, []string{`P.none : null`, `P.none ?? P.plan : "gold"`, `P.plan : "gold"`,
			`(P.none ?? P.plan) ?? P.n : "gold"`, `P.n : -`, `((P.none ?? P.plan) ?? P.n) == "gold" : true`}},
		{"Declared", `let p = upper(P.plan); p == "GOLD" and p != nil`, []string{`upper(P.plan) : "GOLD"`, `P.plan : "gold"`, `p : "GOLD"`, `p == "GOLD" : true`,
			`p == "GOLD" and p != nil : true !`, `p : "GOLD"`, `p != nil : true`}},
		{"Index", `P.list[P.n - 6] == "y"`, []string{`P.list : ["x", "y"]`, `P.list[P.n - 6] : "y"`, `P.n : 7`, `P.n - 6 : 1`, `P.list[P.n - 6] == "y" : true`}},
		{"Vars", `P.plan in vars.domains`, []string{`P.plan : "gold"`, `P.plan in vars.domains : false`, `vars.domains : ["a.example", "b.example"]`}},
		{"SameSideTwice", `1 < P.n < 9`, []string{`1 < P.n : true`, `P.n : 7`, `1 < P.n && P.n < 9 : true`, `P.n < 9 : true`}},
		{"Long", `map(1..100, #) == nil`, []string{`map(1..100, #) : [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,2…`,
			`1..100 : [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,2…`, `map(1..100, #) == nil : false`}},
	}
	w := newHarness(t, hook.Registration)
	if err := w.env.Let("mail", "lower(data.userProfile.email)"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			got := w.explain(strings.ReplaceAll(tt.src, "P.", "data.userProfile."), payload)
			if want := strings.Join(tt.want, "\n"); got != want {
				t.Errorf("%s: got\n%s\nwant\n%s", tt.src, got, want)
			}
		})
	}
}

// TestExplainKeeps: an explanation shows no secret, costs the run nothing, and draws the same
// random values.
func TestExplainKeeps(t *testing.T) {
	w := newHarness(t, hook.PasswordImport)
	got := w.explain(`data.context.credential.password + "x" == "Passx" and data.context.credential.password != nil`, `{"data": {"context": {"credential": {"password": "Pass"}}}}`)
	if strings.Contains(got, ": \"Pass") || strings.Count(got, expr.Mask) != 3 {
		t.Errorf("got\n%s", got)
	}
	r := w.begin(`{}`, runtime.Budget{})
	r.SetSeed([32]byte{1})
	x, err := expr.Compile(`uuid() + uuid()`, w.env)
	if err != nil {
		t.Fatal(err)
	}
	v, err := x.Eval(r)
	spent, drawn := r.Meter.Spent(), r.Scratch.Draws
	parts := w.env.Explain(`uuid() + uuid()`, r, 0, runtime.Budget{})
	if want := fmt.Sprintf("%q", v.Text()); err != nil || len(parts) != 3 || !strings.HasPrefix(want, strings.TrimSuffix(parts[1].Value, "…")) {
		t.Errorf("%v: want %s, got %+v", err, want, parts)
	}
	if r.Meter.Spent() != spent || r.Scratch.Draws != drawn {
		t.Error("the first look paid for the second")
	}
}

// FuzzExplain: any expression can be explained on any event within a budget; the parts lie in its
// text and contain no secret.
func FuzzExplain(f *testing.F) {
	for i, src := range hostileExpressions(f) {
		if len(src) < 1<<12 {
			f.Add(src, `{"data": {"context": {"credential": {"password": "t5mQzv0Lk2"}}, "s": 1, "list": [{}]}}`, uint8(i))
		}
	}
	g := newGenerator(1)
	for range 50 {
		f.Add(g.expression(), `{"data": {"userProfile": {"name": 1, "age": "x", "tags": {"a": []}, "ages": null}}}`, uint8(hook.Registration))
	}
	o := options(f, hook.Registration)
	f.Fuzz(func(t *testing.T, src, payload string, kind uint8) {
		o.Type = hook.Type(kind % 8)
		w := &harness{t: t, env: expr.NewEnv(o)}
		x, err := expr.Compile(src, w.env)
		if err != nil || (&jsondoc.Doc{}).Parse([]byte(payload), jsondoc.Limits{}) != nil {
			return
		}
		r := w.begin(payload, tight)
		x.Test(r)
		for _, p := range w.env.Explain(src, r, 0, tight) {
			if p.Offset < 0 || p.Offset > len(src) || p.Text == "" {
				t.Errorf("%q: %+v", src, p)
			}
			if o.Type == hook.PasswordImport && !strings.Contains(src, "t5mQzv") && strings.Contains(p.Value+p.Error, "t5mQzv0Lk2") {
				t.Errorf("%q tells the password: %+v", src, p)
			}
		}
	})
}
