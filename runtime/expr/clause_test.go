package expr_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/expr-lang/expr/parser"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// TestClauses counts the outcomes of the parts of a condition on calls with these values of x.
func TestClauses(t *testing.T) {
	tests := []struct{ name, src, xs, want string }{
		{"One", `data.x == 1`, "1", ""},
		{"And", `data.x > 1 and data.x < 3`, "1 2", "data.x > 1 1/1, data.x < 3 1/0"},
		{"Or", `data.x == 1 || data.x == 3`, "1 2", "data.x == 1 1/1, data.x == 3 0/1"},
		{"Chain", `data.x != 1 && data.x != 2 && data.x != 3`, "2", "data.x != 1 1/0, data.x != 2 0/1, data.x != 3 0/0"},
		{"Nested", `(data.x == 1 or data.x == 2) and not (data.y == nil)`, "1 3",
			"data.x == 1 or data.x == 2 1/1, data.x == 1 1/1, data.x == 2 0/1, not (data.y == nil) 0/1"},
		{"NotIsOneWithItsOperand", `not (data.x == 1)`, "1", ""},
		{"NotOfParts", `!(data.x == 1 or data.x == 2)`, "1", "data.x == 1 1/0, data.x == 2 0/0"},
		{"Either", `data.x == 1 ? data.y == nil : data.x in [2, 3]`, "1 4", "data.x == 1 1/1, data.y == nil 1/0, data.x in [2, 3] 0/1"},
		{"EitherOfValues", `(data.x == 1 ? "a" : "b") == "a"`, "1", "data.x == 1 1/0"},
		{"If", `if data.x == 1 {data.x > 0} else {data.y == 2}`, "1", "data.x == 1 1/0, data.x > 0 1/0, data.y == 2 0/0"},
		{"Constant", `data.x == 1 and true`, "1", "data.x == 1 1/0"},
		{"Loop", `any([1, 2], # == data.x and # > 1)`, "2", "# == data.x 1/1, # > 1 1/0"},
		{"LoopWords", `any(["a", "b"], # == "b" or # == "c")`, "2", "# == \"b\" 1/1, # == \"c\" 0/1"},
		{"Declared", `let b = data.x == 1; b and data.y == nil`, "1", "b 1/0, data.y == nil 1/0"},
		{"Calls", `len(string(data.x)) == 1 and upper('é') != string(data.x)`, "1", "len(string(data.x)) == 1 1/0, upper('é') != string(data.x) 1/0"},
		{"NumbersFirst", `1 < data.x and 3 > data.x // so it is`, "2", "1 < data.x 1/0, 3 > data.x 1/0"},
		{"Optional", `(data?.x ?? 1) == 1 and data["x"] != nil`, "2", `(data?.x ?? 1) == 1 0/1, data["x"] != nil 0/0`},
		{"Fails", `data.x > 1 and data.x startsWith "a"`, "2", `data.x > 1 1/0, data.x startsWith "a" 0/0`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x, err := expr.Compile(tt.src, expr.NewEnv(expr.Options{Type: hook.Registration, Known: []string{"data.x", "data.y"}, Clauses: true}))
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range strings.Fields(tt.xs) {
				var doc jsondoc.Doc
				if err := doc.Parse([]byte(`{"data":{"x":`+value+`}}`), jsondoc.Limits{}); err != nil {
					t.Fatal(err)
				}
				var m runtime.Meter
				var r runtime.Run
				m.Start(runtime.Default, time.Now(), time.Time{})
				r.Begin(hook.Event{Node: doc.Root()}, time.Now(), &m)
				x.Test(&r)
			}
			var got []string
			for _, c := range x.Clauses() {
				yes, no := c.Counts()
				got = append(got, fmt.Sprintf("%s %d/%d", c.Text, yes, no))
				if !strings.HasPrefix(tt.src[c.Offset:], c.Text) {
					t.Errorf("%q is not at %d", c.Text, c.Offset)
				}
			}
			if all := strings.Join(got, ", "); all != tt.want {
				t.Errorf("got\n%s\nwant\n%s", all, tt.want)
			}
		})
	}
}

// FuzzClauses: counting the outcomes of clauses does not change the result, and each clause is an
// expression.
func FuzzClauses(f *testing.F) {
	for _, src := range hostileExpressions(f) {
		if len(src) < 1<<10 {
			f.Add(src)
		}
	}
	g := newGenerator(3)
	for range 50 {
		f.Add(g.expression())
	}
	for i := range 8 {
		f.Add(rule(i))
	}
	f.Add(`not (data.userProfile.a == 1 || !(data.userProfile.b > 2)) ? (true) && data.userProfile.c ?? false : 1 in [2] /* or */ or "and" == data.userProfile?.and`)
	payload := string(sample.Of(hook.Registration))
	o := options(f, hook.Registration)
	o.Clauses = true
	f.Fuzz(func(t *testing.T, src string) {
		a, errA := expr.Compile(src, expr.NewEnv(options(t, hook.Registration)))
		b, errB := expr.Compile(src, expr.NewEnv(o))
		if fmt.Sprint(errA) != fmt.Sprint(errB) {
			t.Fatalf("%q: %v, with clauses %v", src, errA, errB)
		}
		if errA != nil {
			return
		}
		yesA, errA := a.Test(newHarness(t, hook.Registration).begin(payload, tight))
		yesB, errB := b.Test(newHarness(t, hook.Registration).begin(payload, tight))
		spent := errors.Is(errA, runtime.ErrFuel) || errors.Is(errB, runtime.ErrFuel)
		if !spent && (yesA != yesB || fmt.Sprint(errA) != fmt.Sprint(errB)) {
			t.Errorf("%q: %v, %v; with clauses %v, %v", src, yesA, errA, yesB, errB)
		}
		for _, c := range b.Clauses() {
			if c.Offset < 0 || c.Offset+len(c.Text) > len(src) || src[c.Offset:c.Offset+len(c.Text)] != c.Text {
				t.Fatalf("%q: %q is not at %d", src, c.Text, c.Offset)
			}
			if _, err := parser.Parse("any(x, {" + c.Text + "})"); err != nil {
				t.Errorf("%q: the part %q is no expression: %v", src, c.Text, err)
			}
		}
	})
}
