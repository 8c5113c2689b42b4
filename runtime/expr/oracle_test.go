package expr_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	stock "github.com/expr-lang/expr"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Random expressions of the part of the language that both evaluators have, on data in which nothing is missing, must
// come out the same here and in expr's own VM. The generator leaves out the differences:
//
//   - null: everything about it (see Compile);
//   - whole numbers that overflow: an error here, wrapped around there;
//   - x / 0: an error here, infinite there;
//   - len and [ : ] of a text that is not ASCII: characters here; bytes there for [ : ];
//   - numbers of the data: whole ones stay whole here, all are float64 there. The generator's data has int there;
//   - == of two different kinds that are known beforehand, or of upper(x) and "a": a mistake here, false there;
//   - ==, != and in between a list or object and anything of another form: an error here, false there;
//   - first, last and find of an empty list: null, as there, but null is not compared;
//   - a number with a fraction in a range: not one of its whole numbers here, between them there;
//   - % of numbers with a fraction: an error here, a mistake there;
//   - join, which takes texts only there; split and replace of "", an error here;
//   - upper and lower go letter by letter here: ß stays what it is.
func TestOracle(t *testing.T) {
	n := 6_000
	if testing.Short() {
		n /= 4
	}
	if compared := compareWithStock(t, 1, n); compared < n/2 {
		t.Errorf("only %d of %d expressions were compared", compared, n)
	}
}

// FuzzOracle is TestOracle for any seed.
func FuzzOracle(f *testing.F) {
	f.Add(uint64(2))
	f.Fuzz(func(t *testing.T, seed uint64) { compareWithStock(t, seed, 100) })
}

// Errors that only this package has, at compile time and at run time.
var (
	compileOnly = []string{"is never equal to", "never gives", "nested quantifiers over lists of the event"}
	failOnly    = []string{"a number beyond 64 bits", "division by zero", "not a finite number", "% wants whole numbers"}
)

// compareWithStock compares n expressions with stock expr, and returns how many both computed.
func compareWithStock(t *testing.T, seed uint64, n int) (compared int) {
	const payload = `{"eventType": "e", "data": {"userProfile": {
		"name": "Ann Lee", "mail": "ann@example.com", "empty": "", "word": "abcabc",
		"age": 41, "zero": 0, "neg": -7, "half": 2.5, "yes": true, "no": false,
		"tags": ["a", "b", "abc", "ann@example.com"], "ages": [41, 3, 0, -7, 12], "none": [],
		"people": [{"name": "Bo", "age": 3, "in": true}, {"name": "Cy", "age": 41, "in": false}]}}}`
	g := newGenerator(seed)
	w := newHarness(t, hook.Registration)
	env := decodePayload(t, payload)
	for range n {
		src := g.expression()
		theirs, err := stock.Compile(src, stock.Env(env))
		if err != nil {
			continue // expr's checker is stricter about the data's types
		}
		ours, err := expr.Compile(src, w.env)
		if err != nil {
			if hasAny(err.Error(), compileOnly) || hasAny(err.Error(), failOnly) { // failing constants are folded
				continue
			}
			t.Errorf("%s\ndoes not compile: %v", src, err)
			continue
		}
		want, err := stock.Run(theirs, env)
		if err != nil {
			continue
		}
		r := w.begin(payload, runtime.Budget{})
		v, err := ours.Eval(r)
		if err != nil {
			if !errors.Is(err, runtime.ErrValue) || !hasAny(err.Error(), failOnly) {
				t.Errorf("%s\ngot %v, want %v", src, err, want)
			}
			continue
		}
		out, err := v.AppendJSON(nil, r.Meter)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		compared++
		if !equalJSON(out, want) {
			t.Errorf("%s\n got %s\nwant %#v", src, out, want)
		}
	}
	return compared
}

// decodePayload is the payload as stock expr reads it, with whole numbers as int.
func decodePayload(t testing.TB, payload string) map[string]any {
	var v map[string]any
	d := json.NewDecoder(strings.NewReader(payload))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return convertNumbers(v).(map[string]any)
}

func convertNumbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = convertNumbers(v[name])
		}
	case []any:
		for i := range v {
			v[i] = convertNumbers(v[i])
		}
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return int(i)
		}
		f, _ := v.Float64()
		return f
	}
	return v
}

// equalJSON compares our JSON with a Go value of stock expr.
func equalJSON(out []byte, want any) bool {
	if f, ok := want.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return false
	}
	theirs, err := json.Marshal(want)
	if err != nil {
		return false
	}
	var a, b any
	if json.Unmarshal(out, &a) != nil || json.Unmarshal(theirs, &b) != nil {
		return false
	}
	if x, ok := a.([]any); ok && len(x) == 0 {
		y, ok := b.([]any)
		return (ok && len(y) == 0) || b == nil
	}
	return reflect.DeepEqual(a, b)
}

// generator writes random expressions of fitting kinds.
type generator struct {
	*rand.Rand
	element []string // kinds of #, innermost last: text, number
}

func newGenerator(seed uint64) *generator { return &generator{rand.New(rand.NewPCG(seed, 1)), nil} }

func (g *generator) expression() string {
	switch g.IntN(5) {
	case 0:
		return g.text(4)
	case 1:
		return g.number(4)
	case 2:
		return g.texts(3)
	default:
		return g.boolean(5)
	}
}

func (g *generator) pick(all ...string) string { return all[g.IntN(len(all))] }

func (g *generator) hash(kind string) (string, bool) {
	n := len(g.element)
	return "#", n > 0 && g.element[n-1] == kind && g.IntN(2) == 0
}

func (g *generator) within(kind string, body func() string) string {
	g.element = append(g.element, kind)
	defer func() { g.element = g.element[:len(g.element)-1] }()
	return body()
}

func (g *generator) boolean(depth int) string {
	if depth <= 0 {
		return g.pick("true", "false", "data.userProfile.yes", "data.userProfile.no")
	}
	d := depth - 1
	switch g.IntN(16) {
	case 0, 1:
		return fmt.Sprintf("(%s %s %s)", g.boolean(d), g.pick("and", "&&", "or", "||"), g.boolean(d))
	case 2:
		return fmt.Sprintf("%s (%s)", g.pick("not", "!"), g.boolean(d))
	case 3, 4:
		return fmt.Sprintf("(%s %s %s)", g.number(d), g.pick("<", ">", "<=", ">=", "==", "!="), g.number(d))
	case 5:
		return fmt.Sprintf("(%s %s %s)", g.text(d), g.pick("==", "!=", "<", ">"), g.text(d))
	case 6:
		return fmt.Sprintf("(%s %s %s)", g.text(d), g.pick("contains", "startsWith", "endsWith", "not contains"), g.text(d))
	case 7:
		return fmt.Sprintf(`(%s matches "%s")`, g.text(d), g.pick("^a", "b+", "[a-c]*$", "n@.*m$", "(a|b)c"))
	case 8:
		return fmt.Sprintf("(%s %s %s)", g.text(d), g.pick("in", "not in"), g.texts(d))
	case 9:
		list, n := g.numbers(d), g.number(d)
		if strings.Contains(list, "..") {
			n = "int(" + n + ")"
		}
		return fmt.Sprintf("(%s in %s)", n, list)
	case 10:
		return fmt.Sprintf("(%s ? %s : %s)", g.boolean(d), g.boolean(d), g.boolean(d))
	case 11:
		list := g.texts(d)
		return g.within("text", func() string {
			return fmt.Sprintf("%s(%s, %s)", g.pick("any", "all", "none", "one"), list, g.boolean(d))
		})
	case 12:
		list := g.numbers(d)
		return g.within("number", func() string {
			return fmt.Sprintf("%s(%s, %s)", g.pick("any", "all", "none", "one"), list, g.boolean(d))
		})
	case 13:
		return fmt.Sprintf("%s(data.userProfile.people, {#.age > %d and (.in or #.name == %q)})", g.pick("any", "all", "one"), g.IntN(50), g.pick("Bo", "Cy"))
	case 14:
		return fmt.Sprintf("(%s == %s)", g.texts(d), g.texts(d))
	}
	return fmt.Sprintf("(%q in data.userProfile)", g.pick("name", "nobody"))
}

func (g *generator) number(depth int) string {
	if s, ok := g.hash("number"); ok {
		return s
	}
	if depth <= 0 {
		return g.pick("0", "1", "2", "41", "2.5", "1e3", "-3", "data.userProfile.age", "data.userProfile.zero",
			"data.userProfile.neg", "data.userProfile.half", `data["userProfile"]["age"]`)
	}
	d := depth - 1
	switch g.IntN(12) {
	case 0, 1:
		return fmt.Sprintf("(%s %s %s)", g.number(d), g.pick("+", "-", "*", "/"), g.number(d))
	case 2:
		return fmt.Sprintf("(%d %% %d)", g.IntN(100), 1+g.IntN(9))
	case 3:
		return fmt.Sprintf("(%s ** %d)", g.number(0), g.IntN(3))
	case 4:
		return fmt.Sprintf("-(%s)", g.number(d))
	case 5:
		return fmt.Sprintf("len(%s)", g.pick(g.text(d), g.texts(d)))
	case 6:
		list := g.numbers(d)
		return g.within("number", func() string { return fmt.Sprintf("count(%s, %s)", list, g.boolean(d)) })
	case 7:
		return fmt.Sprintf("sum(%s)", g.numbers(d))
	case 8:
		return fmt.Sprintf("%s(%s, %s)", g.pick("min", "max"), g.number(d), g.number(d))
	case 9:
		return fmt.Sprintf("%s(%s)", g.pick("abs", "floor", "ceil", "round", "int", "float"), g.number(d))
	case 10:
		return fmt.Sprintf("data.userProfile.ages[%d]", g.IntN(5)-1)
	}
	return fmt.Sprintf("(%s ? %s : %s)", g.boolean(d), g.number(d), g.number(d))
}

func (g *generator) numbers(depth int) string {
	switch g.IntN(5) {
	case 0:
		return fmt.Sprintf("[%s, %s]", g.number(depth-1), g.number(depth-1))
	case 1:
		return fmt.Sprintf("%d..%d", g.IntN(5), g.IntN(9))
	case 2:
		return g.pick("[1, 2, 3]", "[41]", "[2.5, 0]")
	case 3:
		if depth > 0 {
			return g.within("number", func() string { return fmt.Sprintf("map(data.userProfile.ages, %s)", g.number(depth-1)) })
		}
	}
	return "data.userProfile.ages"
}

func (g *generator) text(depth int) string {
	if s, ok := g.hash("text"); ok {
		return s
	}
	if depth <= 0 {
		return g.pick(`"a"`, `"ann@example.com"`, `"abc"`, `""`, `"b"`, "data.userProfile.name", "data.userProfile.mail",
			"data.userProfile.word", "data.userProfile.empty", "data?.userProfile?.word")
	}
	d := depth - 1
	switch g.IntN(12) {
	case 0, 1:
		return fmt.Sprintf("(%s + %s)", g.text(d), g.text(d))
	case 2:
		return fmt.Sprintf("%s(%s)", g.pick("upper", "lower", "trim"), g.text(d))
	case 3:
		return fmt.Sprintf("%s(%s, %s)", g.pick("trimPrefix", "trimSuffix", "trim"), g.text(d), g.text(d))
	case 4:
		return fmt.Sprintf(`replace(%s, %q, %s)`, g.text(d), g.pick("a", "ab", "c"), g.text(d))
	case 5:
		return fmt.Sprintf(`join(%s, %s)`, g.texts(d), g.text(0))
	case 6:
		return fmt.Sprintf("%s[%d:%d]", g.text(0), g.IntN(4), 2+g.IntN(4))
	case 7:
		return fmt.Sprintf("string(%s)", g.pick(g.text(d), "data.userProfile.age", "data.userProfile.yes"))
	case 8:
		return fmt.Sprintf("(let x = %s; x + x)", g.text(d))
	case 9:
		return fmt.Sprintf("(%s ?? %s)", g.text(0), g.text(0))
	case 10:
		return fmt.Sprintf("(%s | %s())", g.text(0), g.pick("upper", "lower"))
	}
	return fmt.Sprintf("(%s ? %s : %s)", g.boolean(d), g.text(d), g.text(d))
}

func (g *generator) texts(depth int) string {
	d := depth - 1
	switch g.IntN(8) {
	case 0:
		return fmt.Sprintf("[%s, %s]", g.text(d), g.text(d))
	case 1:
		return fmt.Sprintf("split(%s, %q)", g.text(d), g.pick("a", "@", "bc"))
	case 2:
		return fmt.Sprintf("data.userProfile.tags[%d:]", g.IntN(4))
	case 3:
		if depth > 0 {
			return g.within("text", func() string { return fmt.Sprintf("filter(data.userProfile.tags, %s)", g.boolean(d)) })
		}
	case 4:
		if depth > 0 {
			return g.within("text", func() string { return fmt.Sprintf("map(data.userProfile.tags, %s)", g.text(d)) })
		}
	case 5:
		return `["a", "b", "abc"]`
	}
	return "data.userProfile.tags"
}
