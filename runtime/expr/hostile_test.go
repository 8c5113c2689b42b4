package expr_test

import (
	"errors"
	"fmt"
	"os"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// hostile are expressions that were written to take what is not theirs: time, memory, or the process. The first part is
// what stock expr was tried with, the second is aimed at what is our own. @name(n) stands for a text that is made.
func hostile(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/hostile.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			all = append(all, made(t, line))
		}
	}
	return all
}

func made(t testing.TB, line string) string {
	if line[0] != '@' {
		return line
	}
	var name string
	var n int
	if _, err := fmt.Sscanf(line, "@%s %d", &name, &n); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	switch name {
	case "parens":
		return strings.Repeat("(", n) + "1" + strings.Repeat(")", n)
	case "open":
		return strings.Repeat("(", n)
	case "lists":
		return strings.Repeat("[", n) + strings.Repeat("]", n)
	case "objects":
		return strings.Repeat("{a:", n) + "1" + strings.Repeat("}", n)
	case "nots":
		return strings.Repeat("!", n) + "true"
	case "words":
		return strings.Repeat("not ", n) + "true"
	case "minus":
		return strings.Repeat("- ", n) + "1"
	case "powers":
		return strings.Repeat("1**", n) + "1"
	case "ternaries":
		return strings.Repeat("true?1:", n) + "1"
	case "ifs":
		return strings.Repeat("if true{1}else ", n) + "{1}"
	case "sums":
		return strings.Repeat("1+", n) + "1"
	case "ors":
		return strings.Repeat("data.s or ", n) + "true"
	case "members":
		return "data.s" + strings.Repeat(".a", n)
	case "indexes":
		return "data.s" + strings.Repeat("[0]", n)
	case "otherwise":
		return strings.Repeat("data.s.x??", n) + "1"
	case "pipes":
		return `data.s` + strings.Repeat("|upper()", n)
	case "lets": // doubles what it holds with every let, and looks at all of it at the end
		var b strings.Builder
		b.WriteString("let a0 = [data.s, data.s]; ")
		for i := range n {
			fmt.Fprintf(&b, "let a%d = [a%d, a%d]; ", i+1, i, i)
		}
		fmt.Fprintf(&b, "a%d == a%d", n, n)
		return b.String()
	case "tree": // the same, written out as JSON
		return strings.TrimSuffix(made(t, fmt.Sprintf("@lets %d", n)), fmt.Sprintf(" == a%d", n))
	case "texts": // doubles a text with every let
		var b strings.Builder
		b.WriteString(`let a0 = data.s; `)
		for i := range n {
			fmt.Fprintf(&b, "let a%d = a%d + a%d; ", i+1, i, i)
		}
		fmt.Fprintf(&b, "len(a%d)", n)
		return b.String()
	case "nested": // a quantifier in a quantifier
		return strings.Repeat("all(data.arr, ", n) + "true" + strings.Repeat(")", n)
	case "between": // the parser shares what is in the middle
		return strings.Repeat("(0 < (", n) + "data.s.x" + strings.Repeat(" ? 1 : 0) < 1)", n)
	case "strings":
		return `"` + strings.Repeat("a", n) + `"`
	}
	t.Fatalf("%s: nobody knows how to make it", line)
	return ""
}

// spite is an event with long members.
func spite() string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"eventType": "e", "data": {"n": 1000000, "s": %q, "long": %q, "arr": [`, strings.Repeat("a", 4000), strings.Repeat("ab", 200_000))
	for i := range 5000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"item%d"`, i)
	}
	b.WriteString("]}}")
	return b.String()
}

func spiteful(t testing.TB) *world {
	t.Helper()
	o := options(t, hook.Registration)
	o.Known = []string{"data.s", "data.n", "data.arr", "data.long", "data.missing"}
	return &world{t: t, env: expr.NewEnv(o)}
}

func TestHostile(t *testing.T) {
	const fuel, memory, output = 3_000_000, 8 << 20, 64 << 10
	w, payload := spiteful(t), spite()
	for _, src := range hostile(t) {
		t.Run(fmt.Sprintf("%.70s", src), func(t *testing.T) {
			x, err := expr.Compile(src, w.env)
			if err != nil {
				var mistakes expr.Errors
				if !errors.As(err, &mistakes) {
					t.Errorf("compile: got %T, want Errors", err)
				}
				return
			}
			r := w.begin(payload, runtime.Budget{Time: 2 * time.Second, Fuel: fuel, Memory: memory, Output: output})
			var before, after goruntime.MemStats
			goruntime.ReadMemStats(&before)
			v, err := x.Eval(r)
			if err == nil {
				_, err = v.AppendJSON(nil, r.Meter)
			}
			goruntime.ReadMemStats(&after)
			if got := runtime.Reason(err); got == "internal" {
				t.Errorf("got %v, want one of the reasons", err)
			}
			// One operator may ask for what a text of 64 KiB costs before it is told that there is none.
			if w.m.Spent() > fuel+(1<<20) {
				t.Errorf("spent %d of %d", w.m.Spent(), fuel)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 4*memory {
				t.Errorf("allocated %d bytes of %d", got, memory)
			}
			r = w.begin(payload, runtime.Budget{})
			next, err := expr.Compile(`data.n == 1000000 and len(data.arr) == 5000`, w.env)
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := next.Test(r); !ok || err != nil {
				t.Errorf("the next event: %v %v", ok, err)
			}
		})
	}
}

// Two lists of the payload's are compared in one walk: a list whose values have parts of their own cannot be counted into.
func TestLongListsCompared(t *testing.T) {
	w := newWorld(t, hook.Registration)
	const n = 40_000
	long := "[" + strings.Repeat("1,", n) + "[1]]"
	tests := []struct{ name, src, want string }{
		{"both sent", `data.userProfile.a == data.userProfile.b`, "true"},
		{"different at the end", `data.userProfile.a == data.userProfile.c`, "false"},
		{"built and sent", `let l = filter(data.userProfile.s, true); l == data.userProfile.s and data.userProfile.s == l`, "true"},
		{"built", `let l = filter(data.userProfile.s, true); l == l`, "true"},
		{"short", `data.userProfile.t == data.userProfile.t`, "true"},
	}
	short := "[" + strings.Repeat("1,", 5_000) + "[1]]"
	payload := fmt.Sprintf(`{"data": {"userProfile": {"a": %s, "b": %s, "c": %s, "s": %s, "t": [1, [2], {"x": [3]}]}}}`,
		long, long, strings.TrimSuffix(long, "[1]]")+"[2]]", short)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := w.eval(tt.src, payload); err != nil || got != tt.want {
				t.Errorf("got %s %v, want %s", got, err, tt.want)
			}
			if w.m.Spent() > 10*n {
				t.Errorf("spent %d for %d values", w.m.Spent(), n)
			}
		})
	}
}

// BenchmarkOvershoot reports how far past a deadline of 1 ms an expression is stopped. What others do to the machine
// shows in it: compare with the expression that only counts.
func BenchmarkOvershoot(b *testing.B) {
	w, payload := spiteful(b), spite()
	for i, src := range append([]string{`all(data.arr, all(data.arr, all(data.arr, true)))`}, hostile(b)...) {
		x, err := expr.Compile(src, w.env)
		if err != nil {
			continue
		}
		budget := runtime.Budget{Time: time.Millisecond, Fuel: runtime.Most.Fuel, Memory: runtime.Most.Memory}
		if r := w.begin(payload, budget); true {
			if _, err := x.Eval(r); !errors.Is(err, runtime.ErrTime) {
				continue
			}
		}
		b.Run(fmt.Sprintf("%d %.40s", i, src), func(b *testing.B) {
			var over []time.Duration
			for range b.N {
				r := w.begin(payload, budget)
				start := time.Now()
				x.Eval(r)
				over = append(over, time.Since(start)-budget.Time)
			}
			slices.Sort(over)
			b.ReportMetric(float64(over[0].Microseconds()), "µs-over-min")
			b.ReportMetric(float64(over[len(over)/2].Microseconds()), "µs-over-p50")
			b.ReportMetric(float64(over[len(over)-1].Microseconds()), "µs-over-max")
		})
	}
}
