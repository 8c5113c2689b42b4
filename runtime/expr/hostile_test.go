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

// attack is an expression that tries to take too much time or memory, or to crash the process.
type attack struct {
	line, src string // in the file, and expanded
	outcome   string // refused, a reason, or ends
	message   string // the beginning of the error text
}

// attacks reads testdata/hostile.txt. Its first part holds attacks on stock expr, the rest is aimed
// at this package.
func attacks(t testing.TB) (all []attack) {
	t.Helper()
	text, err := os.ReadFile("testdata/hostile.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		outcome, line, ok := strings.Cut(line, "\t")
		if !ok {
			t.Fatalf("%q: want an outcome, a tab and an expression", line)
		}
		line, message, _ := strings.Cut(line, "\t")
		all = append(all, attack{line, expandAttack(t, line), outcome, message})
	}
	return all
}

// hostileExpressions are the attacks' expressions.
func hostileExpressions(t testing.TB) (all []string) {
	for _, a := range attacks(t) {
		all = append(all, a.src)
	}
	return all
}

func expandAttack(t testing.TB, line string) string {
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
		return strings.TrimSuffix(expandAttack(t, fmt.Sprintf("@lets %d", n)), fmt.Sprintf(" == a%d", n))
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
	case "chains":
		return "data.s == nil" + strings.Repeat(" ?? data.s", n)
	case "commas":
		return "[" + strings.Repeat("1,", n) + "1]"
	case "keys":
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "k%d:1,", i)
		}
		return "{" + b.String() + "}"
	case "ins": // a list of its own for every value of another
		return "all(data.arr, # in [" + strings.Repeat("#,", n) + "#])"
	case "ands":
		return strings.Repeat("all(data.arr, true) and ", n) + "all(data.arr, false)"
	case "quantified": // each in the list of the next
		return strings.Repeat("map(", n) + "data.arr" + strings.Repeat(", map(data.arr, #))", n)
	case "strung":
		return `data.s == "` + strings.Repeat(`" + "`, n) + `"`
	case "comments":
		return strings.Repeat("/**/", n) + "1"
	case "slashes":
		return strings.Repeat("//", n)
	case "numbers":
		return strings.Repeat("9", n)
	case "names":
		return strings.Repeat("a", n)
	case "strings":
		return `"` + strings.Repeat("a", n) + `"`
	}
	t.Fatalf("%s: nobody knows how to make it", line)
	return ""
}

// hostilePayload is an event with long members.
func hostilePayload() string {
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

func newHostileHarness(t testing.TB) *harness {
	t.Helper()
	o := options(t, hook.Registration)
	o.Known = []string{"data.s", "data.n", "data.arr", "data.long", "data.missing"}
	return &harness{t: t, env: expr.NewEnv(o)}
}

// TestHostile: every attack is rejected, stopped for the expected reason, or ends, and the next
// event works as before.
func TestHostile(t *testing.T) {
	const memory, output = 8 << 20, 64 << 10
	fuel := int64(3_000_000)
	if testing.Short() {
		fuel /= 10
	}
	w, payload := newHostileHarness(t), hostilePayload()
	next, err := expr.Compile(`data.n == 1000000 and len(data.arr) == 5000`, w.env)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range attacks(t) {
		t.Run(fmt.Sprintf("%.70s", a.line), func(t *testing.T) {
			x, err := expr.Compile(a.src, w.env)
			if err != nil {
				wantRejected(t, a, err)
				return
			}
			r := w.begin(payload, runtime.Budget{Fuel: fuel, Memory: memory, Output: output})
			var before, after goruntime.MemStats
			goruntime.ReadMemStats(&before)
			_, err = render(x, r)
			goruntime.ReadMemStats(&after)
			if got := outcomeOf(err); got != a.outcome && (got != "fuel" || !testing.Short()) {
				t.Errorf("%s: %v, want %s", got, err, a.outcome)
			}
			// One operator may charge for a text of 64 KiB before it is stopped.
			if w.m.Spent() > fuel+(1<<20) {
				t.Errorf("spent %d of %d", w.m.Spent(), fuel)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > memory+memory/2 {
				t.Errorf("allocated %d bytes of %d", got, memory)
			}
			if ok, err := next.Test(w.begin(payload, runtime.Budget{})); !ok || err != nil {
				t.Errorf("the next event: %v %v", ok, err)
			}
		})
	}
}

func outcomeOf(err error) string {
	if err == nil {
		return "ends"
	}
	return runtime.Reason(err)
}

func wantRejected(t *testing.T, a attack, err error) {
	var mistakes expr.Errors
	if !errors.As(err, &mistakes) {
		t.Fatalf("got %T, want Errors", err)
	}
	if a.outcome != "refused" || !strings.HasPrefix(mistakes[0].Message, a.message) {
		t.Errorf("refused: %s, want %s %s", mistakes[0].Message, a.outcome, a.message)
	}
}

// TestLongListsCompared: two lists of the payload are compared in one pass, because indexing a
// document's list takes linear time.
func TestLongListsCompared(t *testing.T) {
	w := newHarness(t, hook.Registration)
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

// BenchmarkOvershoot reports how far past a deadline of 1 ms expressions are stopped. The first one
// only counts, as a control for other load on the machine.
func BenchmarkOvershoot(b *testing.B) {
	w, payload := newHostileHarness(b), hostilePayload()
	budget := runtime.Budget{Time: time.Millisecond, Fuel: runtime.Max.Fuel, Memory: runtime.Max.Memory}
	var slow []*expr.Expression
	for _, src := range append([]string{`all(data.arr, all(data.arr, all(data.arr, true)))`}, hostileExpressions(b)...) {
		x, err := expr.Compile(src, w.env)
		if err != nil {
			continue
		}
		if _, err := x.Eval(w.begin(payload, budget)); errors.Is(err, runtime.ErrTime) {
			slow = append(slow, x)
		}
	}
	for _, test := range []struct {
		name string
		all  []*expr.Expression
	}{{"counting", slow[:1]}, {"hostile", slow[1:]}} {
		b.Run(test.name, func(b *testing.B) {
			var over []time.Duration
			for i := range b.N {
				r := w.begin(payload, budget)
				start := time.Now()
				test.all[i%len(test.all)].Eval(r)
				over = append(over, time.Since(start)-budget.Time)
			}
			slices.Sort(over)
			b.ReportMetric(float64(len(test.all)), "expressions")
			for name, at := range map[string]float64{"p50": .5, "p99": .99, "p99.9": .999, "max": 1} {
				b.ReportMetric(float64(over[int(at*float64(len(over)-1))].Microseconds()), "µs-over-"+name)
			}
		})
	}
}
