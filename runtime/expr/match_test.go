package expr_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// TestMatch: the outcome of a condition with a missing value: whether it holds, and if not, whether
// a value could have made it hold.
func TestMatch(t *testing.T) {
	const payload = `{"eventType": "e", "data": {"userProfile": {"type": "partner", "groups": ["a", null], "on": true, "off": false}}}`
	tests := []struct {
		src          string
		yes, missing bool
	}{
		{`data.userProfile.email in tables.banned`, false, true},
		{`data.userProfile.email not in tables.banned`, true, false},
		{`data.userProfile.email == "x"`, false, true},
		{`data.userProfile.email != "x"`, true, false},
		{`not (data.userProfile.email != "x")`, false, true},
		{`data.userProfile.email == nil`, true, false},
		{`data.userProfile.type == nil`, false, false},
		{`data.userProfile.email != nil`, false, false},
		{`data.userProfile.email endsWith "x" and data.userProfile.type == "partner"`, false, true},
		{`data.userProfile.email endsWith "x" and data.userProfile.type == "staff"`, false, false},
		{`data.userProfile.type == "staff" and data.userProfile.email endsWith "x"`, false, false},
		{`data.userProfile.email endsWith "x" or data.userProfile.type == "staff"`, false, true},
		{`data.userProfile.email endsWith "x" or data.userProfile.type == "partner"`, true, false},
		{`data.userProfile.email == nil and data.userProfile.email endsWith "x"`, false, true},
		{`data.userProfile.vip`, false, true},
		{`not data.userProfile.on`, false, false},
		{`data.userProfile.vip ? data.userProfile.off : data.userProfile.off`, false, false},
		{`data.userProfile.vip ? data.userProfile.on : data.userProfile.off`, false, true},
		{`any(data.userProfile.groups, # == "x")`, false, true},
		{`any(data.userProfile.none, # == "x")`, false, true},
		{`any(["a"], # == "x")`, false, false},
		{`len(data.userProfile.none) > 2`, false, true},
		{`len(data.userProfile.groups) > 2`, false, false},
		{`data.userProfile.kind == "n" and data.userProfile.type > 3`, false, true},
		{`bad`, false, true},
		{`bad and true`, false, true},
		{`good`, true, false},
	}
	w := newHarness(t, hook.Registration)
	for name, src := range map[string]string{"bad": `domain(data.userProfile.email) in tables.partners`, "good": `data.userProfile.on`} {
		if err := w.env.Let(name, src); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			x, err := expr.Compile(tt.src, w.env)
			if err != nil {
				t.Fatal(err)
			}
			r := w.begin(payload, runtime.Budget{})
			for range 2 { // lets are cached
				yes, missing, err := x.Match(r)
				if err != nil || yes != tt.yes || missing != tt.missing {
					t.Errorf("got %v %v %v, want %v %v", yes, missing, err, tt.yes, tt.missing)
				}
			}
			if tt.missing && !x.Nullable() {
				t.Error("missing, but not Nullable")
			}
		})
	}
}

func TestLet(t *testing.T) {
	w := newHarness(t, hook.Registration)
	for _, l := range []struct{ name, src string }{
		{"email", `lower(data.userProfile.email)`},
		{"company", `domain(email)`},
		{"wrong", `data.userProfile.age startsWith "x"`},
		{"many", `all(1..9000, # != data.userProfile.badge)`},
		{"both", `any(["a", "b"], # == company) or len(map(["x"], # + email)) == 1`},
	} {
		if err := w.env.Let(l.name, l.src); err != nil {
			t.Fatal(err)
		}
	}
	compile := func(src string) *expr.Expression {
		x, err := expr.Compile(src, w.env)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	company, wrong, many := compile(`company + company`), compile(`1 == 1 and wrong`), compile(`many`)
	inside := compile(`map(["p", "q"], # + (both ? company : "no") + string(#index))`)
	payload := `{"data": {"userProfile": {"email": "ANN@Example.COM", "age": 3}}}`

	t.Run("ComputedOnce", func(t *testing.T) {
		r := w.begin(payload, runtime.Budget{})
		for range 3 {
			if v, err := company.Eval(r); err != nil || v.Text() != "example.comexample.com" {
				t.Errorf("got %q %v", v.Text(), err)
			}
		}
		first := w.m.Spent()
		if _, err := company.Eval(r); err != nil || w.m.Spent()-first > 8 {
			t.Errorf("the let cost %d again, %v", w.m.Spent()-first, err)
		}
	})
	t.Run("InsideAQuantifier", func(t *testing.T) {
		r := w.begin(payload, runtime.Budget{})
		v, err := inside.Eval(r)
		if err != nil {
			t.Fatal(err)
		}
		if out, _ := v.AppendJSON(nil, r.Meter); string(out) != `["pexample.com0","qexample.com1"]` {
			t.Errorf("got %s", out)
		}
	})
	t.Run("ErrorRemembered", func(t *testing.T) {
		r := w.begin(payload, runtime.Budget{})
		_, first := wrong.Test(r)
		spent := w.m.Spent()
		_, second := wrong.Test(r)
		if first == nil || first != second || w.m.Spent()-spent > 4 {
			t.Errorf("got %v and then %v for %d", first, second, w.m.Spent()-spent)
		}
	})
	t.Run("BudgetNotRemembered", func(t *testing.T) {
		r := w.begin(payload, runtime.Budget{Fuel: 10_000_000})
		outer := w.m.Nest(runtime.Budget{Fuel: 1000})
		_, first := many.Test(r)
		w.m.End(outer)
		if runtime.Reason(first) != "fuel" || w.m.Err() != nil {
			t.Errorf("inside the rule's budget got %v, after it %v", first, w.m.Err())
		}
		if v, err := company.Eval(r); err != nil {
			t.Errorf("after it %v %v", v, err)
		}
		spent := w.m.Spent()
		if many.Test(r); w.m.Spent() < spent+1000 {
			t.Error("a let that ran out of a rule's budget was not computed again")
		}
	})
	t.Run("NextEvent", func(t *testing.T) {
		w.begin(payload, runtime.Budget{})
		r := w.begin(`{"data": {"userProfile": {"email": "bob@other.example"}}}`, runtime.Budget{})
		if v, err := company.Eval(r); err != nil || v.Text() != "other.exampleother.example" {
			t.Errorf("got %q %v", v.Text(), err)
		}
	})
}

// TestMissingIsNoticed removes random members from random events: when a condition no longer holds,
// Match says that something is missing, and Nullable predicted it.
func TestMissingIsNoticed(t *testing.T) {
	n := 4_000
	if testing.Short() {
		n /= 4
	}
	if noticed := checkRemovals(t, 1, n); noticed < n/40 {
		t.Errorf("only %d of %d conditions came to depend on what is missing", noticed, n)
	}
}

// FuzzMissing is TestMissingIsNoticed for any seed.
func FuzzMissing(f *testing.F) {
	f.Add(uint64(2))
	f.Fuzz(func(t *testing.T, seed uint64) { checkRemovals(t, seed, 100) })
}

// checkRemovals removes something from the events of n conditions, and returns how many no longer
// hold.
func checkRemovals(t *testing.T, seed uint64, n int) (noticed int) {
	const payload = `{"eventType": "e", "data": {"userProfile": {
		"name": "Ann Lee", "mail": "ann@example.com", "empty": "", "word": "abcabc",
		"age": 41, "zero": 0, "neg": -7, "half": 2.5, "yes": true, "no": false,
		"tags": ["a", "b", "abc", "ann@example.com"], "ages": [41, 3, 0, -7, 12],
		"people": [{"name": "Bo", "age": 3, "in": true}, {"name": "Cy", "age": 41, "in": false}]}}}`
	g := newGenerator(seed)
	w := newHarness(t, hook.Registration)
	for range n {
		src := g.boolean(4)
		if strings.Contains(src, "??") || strings.Contains(src, "in data.userProfile)") {
			continue // they test for presence
		}
		x, err := expr.Compile(src, w.env)
		if err != nil {
			continue
		}
		if yes, err := x.Test(w.begin(payload, runtime.Budget{})); err != nil || !yes {
			continue
		}
		var less map[string]any
		if err := json.Unmarshal([]byte(payload), &less); err != nil {
			t.Fatal(err)
		}
		profile := less["data"].(map[string]any)["userProfile"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(profile)) {
			if g.IntN(3) == 0 {
				delete(profile, name)
			}
		}
		text, err := json.Marshal(less)
		if err != nil {
			t.Fatal(err)
		}
		yes, missing, err := x.Match(w.begin(string(text), runtime.Budget{}))
		if err != nil || yes {
			continue
		}
		noticed++
		if !missing || !x.Nullable() {
			t.Errorf("%s\nheld, and does not on %s: missing %v, nullable %v", src, text, missing, x.Nullable())
		}
	}
	return noticed
}
