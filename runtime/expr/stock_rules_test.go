package expr_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	stock "github.com/expr-lang/expr"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// agreed is the data of expr's own corpora as JSON. Functions and methods are not data and are left
// out on both sides.
const agreed = `{"ok": true, "i": 1, "i64": 1, "i32": 1, "str": "str", "f64": 0.5, "f32": 0.5, "array": [1, 2, 3, 4, 5],
	"foo": {"Bar": "foo"}, "list": [{"Bar": "bar"}, {"Bar": "baz"}]}`

// outcome is the outcome of an expression in both evaluators: an error, or a value.
type outcome struct {
	src     string
	refused string // our compile error; "" without one
	failed  string // our run-time error; "" without one
	out     string // as JSON
	theirs  string // their error
	same    bool   // both have equal values
}

// difference is a way in which the two differ, with the reason for ours. The first that applies
// counts.
type difference struct {
	what, why string
	is        func(o outcome) bool
}

func isRejected(parts ...string) func(outcome) bool {
	return func(o outcome) bool { return hasAny(o.refused, parts) }
}

func isFailure(parts ...string) func(outcome) bool {
	return func(o outcome) bool { return hasAny(o.failed, parts) }
}

func writes(parts ...string) func(outcome) bool {
	return func(o outcome) bool { return o.refused == "" && o.failed == "" && hasAny(o.src, parts) }
}

func hasAny(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// differences are all that occur in expr's corpora. RATIONALE.md has this table.
var differences = []difference{
	{"refused by name", "each has its own message: what can be written instead, or why no hook needs it",
		isRejected("is not supported", "unknown name", "unknown function", "values have no methods")},
	{"a member that is written twice in an object", "the second is a slip; expr keeps the first", isRejected("occurs twice")},
	{"a pattern that is no constant", "a payload must not choose a pattern, whose work is paid for by us", isRejected("wants its pattern written out")},
	{"several expressions with ; between", "all but the last compute nothing", isRejected("want one expression")},
	{"an argument that expr takes for granted, or more than there are", "trimPrefix(x) cuts nothing off", isRejected(" arguments")},
	{"kinds that never fit, at load", "false, nil or a crash there, and most likely a slip of the pen", isRejected(" wants ", "never equal", "cannot compare", "want a condition", "has no members")},
	{"division by zero", "infinite or no number there: no JSON can say it", func(o outcome) bool {
		return isRejected("division by zero", "not a finite number")(o) || isFailure("division by zero", "not a finite number")(o)
	}},
	{"bytes that are no text", "no JSON can say them", func(o outcome) bool {
		return isRejected("bytes are not a text")(o) || isFailure("bytes are not a text")(o)
	}},
	{"an index with a fraction", "expr cuts it off", isFailure("with a fraction")},
	{"more than the budget", "no list is ever larger than memory allows; expr has no budget for its time", isFailure("out of")},
	{"kinds that do not fit, when it runs", "a payload must not make a rule come out false by sending a list for a text: the rule fails, and says so",
		isFailure("cannot compare", "wants ", "want ")},
	{"string(nil) and toJSON(nil)", "null there is the text <nil> or null; any function given null gives null here", func(o outcome) bool {
		return writes("string(", "toJSON(")(o) && strings.Contains(o.out, "null")
	}},
	{"toJSON", "the text as it was sent, or without white space; expr indents it", writes("toJSON")},
	{"the order of an object's members", "as they were written; a map of Go has none", writes("keys(", "values(")},
	{"what is missing", "two missing values are equal there; operators given nil give false or fail, uniq keeps it; here null is unequal to " +
		"everything, any operator given null gives null, and lists are freed of it", writes("nil", ".String", "uniq(", "?.", "{foo:", `{"foo"`)},
	{"findLast, findLastIndex and min in the middle of something", "expr's machine leaves the wrong value on its stack: [1, findLastIndex(x, true)] has a true in it",
		writes("findLast", "min(")},
	{"numbers that no float64 holds", "they are handed on as they were written", writes("fromJSON")},
}

func TestAgreesWithStock(t *testing.T) {
	lines := corpora(t)
	if testing.Short() {
		lines = everyNth(lines, 20)
	}
	w := &harness{t: t, env: expr.NewEnv(expr.Options{Type: hook.Registration, Known: []string{"ok", "i", "i64", "i32", "str", "f64", "f32", "array", "foo", "list"}})}
	theirs := decodePayload(t, agreed)
	same, both, counts := 0, 0, make([]int, len(differences))
	for _, src := range lines {
		o := w.compare(src, theirs)
		switch at := o.difference(); {
		case o.same:
			same++
		case o.theirs != "" && (o.refused != "" || o.failed != ""):
			both++
		case at < 0:
			t.Errorf("%s\nhere %s %s %s, there %s", src, o.out, o.refused, o.failed, o.theirs)
		default:
			counts[at]++
		}
	}
	t.Logf("%6d expressions", len(lines))
	t.Logf("%6d the same value", same)
	t.Logf("%6d refused by both, or failing in both", both)
	for i, d := range differences {
		t.Logf("%6d %s", counts[i], d.what)
	}
}

// corpora are the expressions in expr's own module.
func corpora(t *testing.T) (all []string) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/expr-lang/expr").Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		t.Skipf("expr's module is not in the cache: %v", err)
	}
	for _, name := range []string{"testdata/generated.txt", "test/fuzz/fuzz_corpus.txt"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Skip(err)
		}
		all = append(all, strings.Split(strings.TrimSpace(string(text)), "\n")...)
	}
	examples, err := os.ReadFile(filepath.Join(dir, "testdata/examples.md"))
	if err != nil {
		t.Skip(err)
	}
	for i, block := range strings.Split(string(examples), "```") {
		if i%2 == 1 {
			all = append(all, block)
		}
	}
	return all
}

func everyNth(all []string, every int) (few []string) {
	for i := 0; i < len(all); i += every {
		few = append(few, all[i])
	}
	return few
}

// compare runs src on both sides.
func (w *harness) compare(src string, env map[string]any) (o outcome) {
	o.src = src
	var want any
	p, err := stock.Compile(src, stock.Env(env))
	if err == nil {
		want, err = stock.Run(p, env)
	}
	if err != nil {
		o.theirs = err.Error()
	}
	x, err := expr.Compile(src, w.env)
	if err != nil {
		o.refused = err.Error()
		return o
	}
	r := w.begin(agreed, runtime.Budget{})
	out, err := render(x, r)
	if err != nil {
		o.failed = err.Error()
		return o
	}
	o.out = string(out)
	o.same = o.theirs == "" && equalJSON(out, want)
	if !json.Valid(out) {
		w.t.Errorf("%s: not JSON: %s", src, out)
	}
	return o
}

// difference is the one of differences that o is, -1 when it is none.
func (o outcome) difference() int {
	for i, d := range differences {
		if d.is(o) {
			return i
		}
	}
	return -1
}
