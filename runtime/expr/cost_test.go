package expr_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// largePayload has members of the sizes that Cost assumes.
func largePayload(t *testing.T) string {
	long := strings.Repeat("ab@c.", expr.Assumed/5)
	text := func(i int) string { return fmt.Sprintf("%s%03d", long[3:], i) }
	list := func(make func(i int) any) (all []any) {
		for i := range expr.Assumed {
			all = append(all, make(i))
		}
		return all
	}
	profile := map[string]any{"name": text(1), "mail": text(2), "empty": "", "word": text(3), "age": 41, "zero": 0, "neg": -7, "half": 2.5,
		"yes": true, "no": false, "tags": list(func(i int) any { return text(i) }), "ages": list(func(i int) any { return i }),
		"none": []any{}, "people": list(func(i int) any { return map[string]any{"name": text(i), "age": i, "in": i%2 == 0} })}
	for i := len(profile); i < expr.Assumed; i++ {
		profile[fmt.Sprintf("more%d", i)] = i
	}
	payload, err := json.Marshal(map[string]any{"eventType": "e", "data": map[string]any{"userProfile": profile}})
	if err != nil {
		t.Fatal(err)
	}
	return string(payload)
}

// TestCostIsABound: no expression exceeds its Cost on an event of the assumed sizes.
func TestCostIsABound(t *testing.T) {
	n := 3_000
	if testing.Short() {
		n /= 4
	}
	if ran := checkCosts(t, 1, n); ran < n/2 {
		t.Errorf("only %d of %d expressions ran", ran, n)
	}
}

// FuzzCost is TestCostIsABound for any seed.
func FuzzCost(f *testing.F) {
	f.Add(uint64(2))
	f.Fuzz(func(t *testing.T, seed uint64) { checkCosts(t, seed, 50) })
}

// checkCosts runs those of n expressions whose Cost is small, and returns how many ran.
func checkCosts(t *testing.T, seed uint64, n int) (ran int) {
	g, w, payload := newGenerator(seed), newHarness(t, hook.Registration), largePayload(t)
	for range n {
		src := g.expression()
		x, err := expr.Compile(src, w.env)
		if err != nil {
			continue
		}
		if bound := x.Cost().Fuel; bound < 5_000_000 {
			ran++
			wantWithin(t, w, x, src, payload, bound)
		}
	}
	return ran
}

func wantWithin(t *testing.T, w *harness, x *expr.Expression, src, payload string, bound int64) {
	t.Helper()
	if _, err := x.Eval(w.begin(payload, runtime.Budget{})); errors.Is(err, runtime.ErrFuel) {
		t.Errorf("%s: bound %d, but %v", src, bound, err)
	}
	if spent := w.m.Spent(); spent > bound {
		t.Errorf("%s: spent %d, bound %d", src, spent, bound)
	}
}

func TestCost(t *testing.T) {
	w, payload := newHarness(t, hook.Registration), largePayload(t)
	for _, let := range [][2]string{{"mails", `filter(data.userProfile.tags, # contains "@")`}, {"many", `len(mails)`}} {
		if err := w.env.Let(let[0], let[1]); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		src   string
		least int64 // of the bound
		most  int64
		loops int
	}{
		{`true`, 1, 4, 0},
		{`1 + 2 * 3 == 7`, 1, 4, 0},
		{`eventType == "x"`, 4, 40, 0},
		{`data.userProfile.name == "x"`, 20, 100, 0},
		{`data.userProfile.name in ["x", "y"] and data.userProfile.age > 3`, 40, 250, 0},
		{`any(data.userProfile.tags, # == "x")`, 128, 3_000, 1},
		{`any(vars.domains, # == "x")`, 1, 100, 0},
		{`any([data.userProfile.name, "a"], # == "x")`, 10, 300, 0},
		{`any(data.userProfile.tags, any(data.userProfile.ages, #index == 1))`, 128 * 128, 1_000_000, 2},
		{`any(data.userProfile.tags, any(data.userProfile.ages, any(data.userProfile.people, #index == 1)))`, 128 * 128 * 128, 100_000_000, 3},
		{`uniq(data.userProfile.tags)`, 128 * 128 / 2, 1_000_000, 0},
		{`sort(data.userProfile.tags)`, 128 * 7, 100_000, 0},
		{`len(1..9000)`, 9_000, 200_000, 0},
		{`sum(map(1..9000, # * 2))`, 18_000, 1_000_000, 1},
		{`data.userProfile.name matches "^(a|b)+x{1,9}@"`, 100, 10_000, 0},
		{`regexReplace(data.userProfile.name, "a+", "b")`, 100, 1_000_000, 0},
		{`replace(data.userProfile.name, "a", data.userProfile.mail)`, 500, 100_000, 0},
		{`split(data.userProfile.name, data.userProfile.name[:0])`, 128, 10_000, 0},
		{`glob(data.userProfile.name, "*a*b")`, 100, 100_000, 0},
		{`toJSON(data.userProfile.tags)`, 128, 200_000, 0},
		{`domain(data.userProfile.mail) in tables.partners`, 10, 1_000, 0},
		{`len(mails) + len(mails)`, 500, 10_000, 0},
		{`many > 3 or many < 1`, 500, 10_000, 0},
		{`let x = data.userProfile.name; x + x + x + x == x`, 30, 500, 0},
		{`{"a": data.userProfile.name, "b": 2}.a`, 10, 500, 0},
		{`(data.userProfile.yes ? data.userProfile.tags : [])[3:] == data.userProfile.tags`, 500, 30_000, 0},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			x, err := expr.Compile(tt.src, w.env)
			if err != nil {
				t.Fatal(err)
			}
			c := x.Cost()
			if c.Fuel < tt.least || c.Fuel > tt.most || c.Loops != tt.loops {
				t.Errorf("got %+v, want %d to %d and %d loops", c, tt.least, tt.most, tt.loops)
			}
			wantWithin(t, w, x, tt.src, payload, c.Fuel)
		})
	}
}

func TestCostOfNests(t *testing.T) {
	w := newHarness(t, hook.Registration)
	src := strings.Repeat("(0 < (", 20) + "data.userProfile.age" + strings.Repeat(" ? 1 : 0) < 1)", 20)
	x, err := expr.Compile(src, w.env)
	if err != nil {
		t.Fatal(err)
	}
	if got := x.Cost().Fuel; got < 1<<20 {
		t.Errorf("what the parser has put on two sides is computed twice: got %d", got)
	}
	x, err = expr.Compile(`sum(1..9999, sum(1..9999, sum(1..9999, len(data.userProfile.name + "x"))))`, w.env)
	if err != nil {
		t.Fatal(err)
	}
	if c := x.Cost(); c.Fuel < 1e12 || c.Fuel == math.MaxInt64 || c.Loops != 3 {
		t.Errorf("got %+v", c)
	}
	leaf, err := expr.CompileText("${data.userProfile.name} and ${any(data.userProfile.tags, true)}", w.env)
	if err != nil {
		t.Fatal(err)
	}
	if c := leaf.Cost(); c.Fuel < 128 || c.Loops != 1 {
		t.Errorf("got %+v", c)
	}
}

func TestTooManyLoops(t *testing.T) {
	const inside = "inside 3 others: want at most 3 nested quantifiers over lists of the event"
	tests := []struct {
		name, src string
		want      []string
	}{
		{"three", `any(data.a, any(data.b, any(data.c, # == 1)))`, nil},
		{"four", `any(data.a, any(data.b, any(data.c, any(data.d, # == 1))))`, []string{"1:37: " + inside}},
		{"four in one, twice", `any(data.a, any(data.b, any(data.c, any(data.d, true) and all(data.e, all(data.f, true)))))`,
			[]string{"1:37: " + inside, "1:59: " + inside}},
		{"of constants", `any(data.a, any(vars.domains, any(data.b, any([1, #], any(data.c, # == 1)))))`, nil},
		{"one after the other", `any(filter(map(filter(data.a, true), true), true), any(data.b, true))`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t, hook.Registration)
			o.Known = []string{"data.a", "data.b", "data.c", "data.d", "data.e", "data.f"}
			_, err := expr.Compile(tt.src, expr.NewEnv(o))
			if got := lines(err); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
