package expr_test

import (
	"errors"
	"fmt"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func TestConstant(t *testing.T) {
	words := `["` + strings.Join(strings.Fields(strings.Repeat("word ", 500)), `","`) + `"]`
	tests := []struct {
		name, src string
		want      bool
	}{
		{"a sum", `1 + 2`, true},
		{"a text", `"a" + "b"`, true},
		{"a variable's member", `vars.limits.age + 1`, true},
		{"a variable's list", `vars.domains`, true},
		{"a short range", `1..64`, true},
		{"a short list", `split("a,b,c", ",")`, true},
		{"what is asked of a short list", `len(split("a,b,c", ",")) > 2`, true},
		{"a list that is written out", words, true},
		{"an object that is written out", `{"a": ` + words + `, "b": [1, [2]]}`, true},
		{"a range", `1..65`, false},
		{"what is asked of a range", `len(1..65) > 3`, false},
		{"a list with a range in it", `[1..65]`, false},
		{"short ranges put together", `concat(1..64, 1..64)`, false},
		{"a list that doubles", `let a = [1, 2]; let b = [a, a]; let c = [b, b]; let d = [c, c]; let e = [d, d]; let f = [e, e, e, e]; concat(f)`, false},
		{"a long text", `replace("aaaaaaaaaaaaaaaa", "a", "` + strings.Repeat("b", 100) + `")`, false},
		{"an event's member", `eventType`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newHarness(t, hook.Registration)
			x, err := expr.Compile(tt.src, w.env)
			if err != nil {
				t.Fatal(err)
			}
			v, got := x.Constant()
			if got != tt.want {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			r := w.begin(`{"eventType": "e"}`, runtime.Budget{})
			computed, err := x.Eval(r)
			if err != nil {
				t.Fatal(err)
			}
			if got {
				a, _ := v.AppendJSON(nil, r.Meter)
				b, _ := computed.AppendJSON(nil, r.Meter)
				if string(a) != string(b) {
					t.Errorf("got %s, and computed %s", a, b)
				}
			}
		})
	}
}

// TestConstantsTogether: a policy of a few KB must not fold constants of a GB.
func TestConstantsTogether(t *testing.T) {
	sources := map[string]func(i int) string{
		"ranges": func(i int) string { return fmt.Sprintf(`len(map(1..9000, # * %d + 1)) > 0`, i) },
		"a variable list": func(i int) string {
			return fmt.Sprintf(`data.userProfile.title in vars.long or data.userProfile.title == "%d"`, i)
		},
		"texts": func(i int) string {
			return fmt.Sprintf(`eventType + replace("%saaaaaaaa", "a", "%s") == "x"`, fmt.Sprint(i), strings.Repeat("b", 1000))
		},
		"lists of short ranges": func(i int) string { return fmt.Sprintf(`eventType in [%d, %s"a"]`, i, strings.Repeat("1..60, ", 60)) },
	}
	vars := new(jsondoc.Doc)
	if err := vars.Parse([]byte(`{"long": ["`+strings.Join(strings.Fields(strings.Repeat("word ", 5000)), `","`)+`"]}`), jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			o := options(t, hook.Registration)
			o.Vars = vars.Root()
			env := expr.NewEnv(o)
			var kept []*expr.Expression
			before := heap()
			for i := range 400 {
				x, err := expr.Compile(source(i), env)
				if err != nil {
					t.Fatal(err)
				}
				kept = append(kept, x)
			}
			if grown := heap() - before; grown > 32<<20 {
				t.Errorf("400 rules keep %d KB", grown>>10)
			}
			goruntime.KeepAlive(kept)
		})
	}
}

func heap() int64 {
	var m goruntime.MemStats
	goruntime.GC()
	goruntime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestLongNumeral: reading a text is charged for in any function.
func TestLongNumeral(t *testing.T) {
	w := newHarness(t, hook.Registration)
	for _, src := range []string{`int(data.userProfile.s)`, `float(data.userProfile.s)`} {
		x, err := expr.Compile(src, w.env)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{strings.Repeat(" ", 500_000), strings.Repeat("7", 500_000)} {
			r := w.begin(`{"data": {"userProfile": {"s": "`+s+`"}}}`, runtime.Budget{})
			if _, err := x.Eval(r); !errors.Is(err, runtime.ErrValue) {
				t.Errorf("%s: %v", src, err)
			}
			if w.m.Spent() < 500_000/64 {
				t.Errorf("%s: spent %d", src, w.m.Spent())
			}
		}
	}
}
