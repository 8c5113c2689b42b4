package expr_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/runtime/password"
	"github.com/tenterhook/tenterhook/runtime/table"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// harness is an Env with a Run for its expressions.
type harness struct {
	t   testing.TB
	env *expr.Env
	run runtime.Run
	m   runtime.Meter
	doc jsondoc.Doc
}

const someVars = `{"company": "example.com", "limits": {"age": 18}, "domains": ["a.example", "b.example"]}`

func newHarness(t testing.TB, kind hook.Type) *harness {
	t.Helper()
	return &harness{t: t, env: expr.NewEnv(options(t, kind))}
}

func options(t testing.TB, kind hook.Type) expr.Options {
	t.Helper()
	vars := new(jsondoc.Doc)
	if err := vars.Parse([]byte(someVars), jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	workers := password.NewWorkers(2)
	t.Cleanup(workers.Close)
	return expr.Options{Type: kind, Workers: workers, Vars: vars.Root(), Known: []string{"data.context.device.id"}, Tables: map[string]*table.Table{
		"partners": newTable(t, table.Domains, table.Entry{Key: "partner.example"}),
		"banned":   newTable(t, table.Set, table.Entry{Key: "eve@example.com"}, table.Entry{Key: "7"}),
		"tiers":    newTable(t, table.Map, table.Entry{Key: "gold", Value: []byte(`3`)}),
		"rows":     newTable(t, table.Rows, table.Entry{Key: "1", Value: []byte(`{"member": "one"}`)}),
	}}
}

func newTable(t testing.TB, as string, entries ...table.Entry) *table.Table {
	t.Helper()
	made, err := table.New(as, entries)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// begin makes payload the event. A budget without Time excludes a minute of time, because the
// machine may be busy and the race detector slow.
func (w *harness) begin(payload string, b runtime.Budget) *runtime.Run {
	w.t.Helper()
	if err := w.doc.Parse([]byte(payload), jsondoc.Limits{}); err != nil {
		w.t.Fatalf("%s: %v", payload, err)
	}
	now := time.Now()
	w.m.Start(b, now, time.Time{})
	if b.Time == 0 {
		w.m.ExcludeTime(time.Minute)
	}
	w.run.Begin(hook.Event{Call: &hook.Call{Doc: &w.doc}, Node: w.doc.Root()}, now, &w.m)
	return &w.run
}

// eval is the value of the expression as JSON.
func (w *harness) eval(src, payload string) (string, error) {
	w.t.Helper()
	x, err := expr.Compile(src, w.env)
	if err != nil {
		return "", err
	}
	r := w.begin(payload, runtime.Budget{})
	v, err := x.Eval(r)
	if err != nil {
		return "", err
	}
	out, err := v.AppendJSON(nil, r.Meter)
	return string(out), err
}

func TestValues(t *testing.T) {
	const payload = `{"eventType": "e", "data": {
		"userProfile": {"email": "Ann@Mail.Example", "age": 41, "tags": ["x", "y", null, 3], "none": null, "on": true,
			"big": 12345678901234567890, "half": 0.5, "one": 1.0, "plain": "a.b.c", "umlaut": "Grüße", "address": {"zip": "012"}},
		"action": "ALLOW"}}`
	tests := []struct{ name, src, want string }{
		{"text", `"a" + 'b'`, `"ab"`},
		{"path", `data.userProfile.email`, `"Ann@Mail.Example"`},
		{"optional path", `data?.userProfile?.email`, `"Ann@Mail.Example"`},
		{"index path", `data["userProfile"]["email"]`, `"Ann@Mail.Example"`},
		{"number as read", `data.userProfile.one`, `1.0`},
		{"large number as read", `data.userProfile.big`, `12345678901234567890`},
		{"sum", `data.userProfile.age + 1`, `42`},
		{"division", `data.userProfile.age / 2`, `20.5`},
		{"remainder", `data.userProfile.age % 2`, `1`},
		{"power", `2 ** 10`, `1024`},
		{"precedence", `1 + 2 * 3 - 4`, `3`},
		{"domain", `domain(data.userProfile.email)`, `"mail.example"`},
		{"local part", `localPart(data.userProfile.email)`, `"Ann"`},
		{"domain of none", `domain("nobody")`, `null`},
		{"last at", `domain('"a@b"@C.example')`, `"c.example"`},
		{"upper", `upper(data.userProfile.umlaut)`, `"GRÜSSE"`},
		{"len of text", `len(data.userProfile.umlaut)`, `5`},
		{"slice of text", `data.userProfile.umlaut[1:-1]`, `"rüß"`},
		{"split", `split(data.userProfile.plain, ".")`, `["a","b","c"]`},
		{"split with limit", `split(data.userProfile.plain, ".", 2)`, `["a","b.c"]`},
		{"join", `join(["a", 1, true, nil], "-")`, `"a-1-true"`},
		{"replace", `replace(data.userProfile.plain, ".", "::")`, `"a::b::c"`},
		{"trim", `trim("  a ") + trim("xxaxx", "x")`, `"aa"`},
		{"filter", `filter(data.userProfile.tags, # != nil)`, `["x","y",3]`},
		{"map", `map(filter(data.userProfile.tags, # == "x" or # == "y"), upper(#))`, `["X","Y"]`},
		{"map with index", `map(["a", "b"], string(#index) + #)`, `["0a","1b"]`},
		{"nested quantifiers", `filter([1, 2, 3], any([2, 3], # == 2) and # > 1)`, `[2,3]`},
		{"count", `count(data.userProfile.tags, # == "x")`, `1`},
		{"find", `find(data.userProfile.tags, # == 3)`, `3`},
		{"find index", `findIndex(data.userProfile.tags, # == 3)`, `3`},
		{"sum of list", `sum([1, 2, 3.5])`, `6.5`},
		{"sum with body", `sum(["a", "bb"], len(#))`, `3`},
		{"min and max", `[min(3, 1, 2), max([3, nil, 9])]`, `[1,9]`},
		{"first and last", `[first(data.userProfile.tags), last(data.userProfile.tags)]`, `["x",3]`},
		{"negative index", `data.userProfile.tags[-1]`, `3`},
		{"beyond a list", `data.userProfile.tags[9]`, `null`},
		{"keys and values", `[keys(data.userProfile.address), values(data.userProfile.address)]`, `[["zip"],["012"]]`},
		{"concat", `concat([1], [2, 3], data.userProfile.tags)`, `[1,2,3,"x","y",null,3]`},
		{"uniq", `uniq([1, 1.0, "a", "a", nil])`, `[1,"a"]`},
		{"sort", `sort([3, 1, 2])`, `[1,2,3]`},
		{"range", `1..4`, `[1,2,3,4]`},
		{"object", `{"a": 1, b: data.action, (data.action): nil}`, `{"a":1,"b":"ALLOW","ALLOW":null}`},
		{"member of object", `{"a": {"b": 2}}.a.b`, `2`},
		{"ternary", `data.userProfile.on ? "y" : "n"`, `"y"`},
		{"short ternary", `data.userProfile.on ?: "n"`, `true`},
		{"if", `if data.userProfile.age > 40 { "old" } else { "young" }`, `"old"`},
		{"let", `let d = domain(data.userProfile.email); let e = upper(d); d + e`, `"mail.exampleMAIL.EXAMPLE"`},
		{"pipe", `data.userProfile.plain | split(".") | join("")`, `"abc"`},
		{"int", `[int("42"), int(3.9), int(-3.9)]`, `[42,3,-3]`},
		{"rounding", `[round(2.5), ceil(2.1), floor(2.9), abs(-3)]`, `[3,3,2,3]`},
		{"string", `[string(1.50), string(true), string("a")]`, `["1.5","true","a"]`},
		{"vars", `vars.company + string(vars.limits.age)`, `"example.com18"`},
		{"in table", `domain("x@sub.partner.example") in tables.partners`, `true`},
		{"not in table", `"other.example" not in tables.partners`, `true`},
		{"lookup", `tables.tiers["gold"] + 1`, `4`},
		{"lookup of none", `tables.tiers[data.action]`, `null`},
		{"row member", `tables.rows["1"].member`, `"one"`},
		{"row by number", `tables.rows[1].member`, `"one"`},
		{"len of table", `len(tables.banned)`, `2`},
		{"comparison chain", `1 < 2 < 3`, `true`},
		{"texts in order", `"a" < "b"`, `true`},
		{"exact comparison", `9007199254740993 == 9007199254740992.0`, `false`},
		{"large number equals itself", `data.userProfile.big == data.userProfile.big`, `true`},
		{"in span", `data.userProfile.age in 1..1000000`, `true`},
		{"in vars", `"a.example" in vars.domains`, `true`},
		{"number in object", `5 in {"": 1}`, `false`},
		{"in object", `"zip" in data.userProfile.address`, `true`},
		{"matches", `data.userProfile.email matches "^[A-Z][a-z]+@"`, `true`},
		{"event type", `eventType`, `"e"`},
		{"known path", `data.context.device.id ?? "none"`, `"none"`},
		{"quotes", `"a\"\n\\"`, `"a\"\n\\"`},
	}
	w := newHarness(t, hook.Registration)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := w.eval(tt.src, payload)
			if tt.name == "upper" {
				tt.want = `"GRÜßE"` // letter by letter: ß has no single capital
			}
			if err != nil || got != tt.want {
				t.Errorf("%s\n got %s %v\nwant %s", tt.src, got, err, tt.want)
			}
		})
	}
}

func TestNull(t *testing.T) {
	const payload = `{"eventType": "e", "data": {"userProfile": {"a": "x", "null": null, "no": false, "list": [null]}}}`
	tests := []struct{ src, want string }{
		{`data.userProfile.gone`, `null`},
		{`data.userProfile.null`, `null`},
		{`data.userProfile.gone.deeper["still"]`, `null`},
		{`data.userProfile.a.b`, `null`},
		{`data.userProfile.gone == "x"`, `false`},
		{`data.userProfile.gone != "x"`, `true`},
		{`data.userProfile.gone == data.userProfile.null`, `false`},
		{`data.userProfile.gone != data.userProfile.null`, `true`},
		{`data.userProfile.gone == data.userProfile.gone`, `false`},
		{`data.userProfile.gone == nil`, `true`},
		{`nil == data.userProfile.null`, `true`},
		{`data.userProfile.a == nil`, `false`},
		{`data.userProfile.a != nil`, `true`},
		{`nil == nil`, `true`},
		{`[nil] == [nil]`, `false`},
		{`data.userProfile.gone in ["x"]`, `false`},
		{`data.userProfile.gone not in ["x"]`, `true`},
		{`nil in [nil]`, `false`},
		{`data.userProfile.null in data.userProfile.list`, `false`},
		{`data.userProfile.gone in tables.banned`, `false`},
		{`data.userProfile.gone not in tables.banned`, `true`},
		{`"x" in data.userProfile.gone`, `false`},
		{`"x" not in data.userProfile.gone`, `true`},
		{`"null" in data.userProfile`, `false`},
		{`not data.userProfile.gone`, `true`},
		{`!data.userProfile.gone`, `true`},
		{`data.userProfile.gone and true`, `false`},
		{`data.userProfile.gone or true`, `true`},
		{`data.userProfile.gone or data.userProfile.null`, `false`},
		{`data.userProfile.gone ? 1 : 2`, `2`},
		{`data.userProfile.gone ?? 3`, `3`},
		{`data.userProfile.no ?? 3`, `false`},
		{`data.userProfile.gone > 1`, `null`},
		{`not (data.userProfile.gone > 1)`, `true`},
		{`data.userProfile.gone contains "x"`, `null`},
		{`data.userProfile.gone matches "x"`, `null`},
		{`not (data.userProfile.gone startsWith "x")`, `true`},
		{`data.userProfile.gone + 1`, `null`},
		{`data.userProfile.gone + "a"`, `null`},
		{`-data.userProfile.gone`, `null`},
		{`upper(data.userProfile.gone)`, `null`},
		{`split("a", data.userProfile.gone)`, `null`},
		{`max(1, data.userProfile.gone)`, `null`},
		{`data.userProfile.gone[1:2]`, `null`},
		{`[1][data.userProfile.gone]`, `null`},
		{`1..data.userProfile.gone`, `null`},
		{`tables.tiers[data.userProfile.gone]`, `null`},
		{`len(data.userProfile.gone)`, `0`},
		{`all(data.userProfile.gone, false)`, `true`},
		{`any(data.userProfile.gone, true)`, `false`},
		{`none(data.userProfile.gone, true)`, `true`},
		{`one(data.userProfile.gone, true)`, `false`},
		{`count(data.userProfile.gone, true)`, `0`},
		{`filter(data.userProfile.gone, true)`, `null`},
		{`map(data.userProfile.gone, 1)`, `null`},
		{`find(data.userProfile.gone, true)`, `null`},
		{`sum(data.userProfile.gone)`, `null`},
		{`domain(data.userProfile.gone) == "a.example"`, `false`},
	}
	w := newHarness(t, hook.Registration)
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			if got, err := w.eval(tt.src, payload); err != nil || got != tt.want {
				t.Errorf("got %s %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestErrValue(t *testing.T) {
	const payload = `{"eventType": "e", "data": {"userProfile": {"n": 1, "s": "x", "l": [1], "o": {}, "max": 9223372036854775807}}}`
	for _, src := range []string{
		`data.userProfile.n + data.userProfile.s`,
		`data.userProfile.n startsWith "x"`,
		`data.userProfile.l endsWith "x"`,
		`data.userProfile.l contains "x"`,
		`data.userProfile.o matches "x"`,
		`data.userProfile.n and true`,
		`not data.userProfile.s`,
		`data.userProfile.s ? 1 : 2`,
		`data.userProfile.s > 1`,
		`"x" in data.userProfile.s`,
		`any(data.userProfile.s, true)`,
		`any(data.userProfile.l, #)`,
		`upper(data.userProfile.l)`,
		`data.userProfile.max + 1`,
		`data.userProfile.max * 2`,
		`-data.userProfile.max - 2`,
		`data.userProfile.n / len(data.userProfile.gone)`,
		`data.userProfile.n % len(data.userProfile.gone)`,
		`int(data.userProfile.s)`,
		`data.userProfile.l in tables.banned`,
		`data.userProfile.l[data.userProfile.l]`,
		`1 in data.userProfile.s`,
		`sort([data.userProfile.n, data.userProfile.s])`,
	} {
		t.Run(src, func(t *testing.T) {
			if got, err := newHarness(t, hook.Registration).eval(src, payload); !errors.Is(err, runtime.ErrValue) {
				t.Errorf("got %s %v, want ErrValue", got, err)
			}
		})
	}
}

// TestErrMemory: no value exceeds its limit, whatever the budget.
func TestErrMemory(t *testing.T) {
	long := strings.Repeat("a", 40_000)
	payload := `{"eventType": "e", "data": {"userProfile": {"s": "` + long + `", "max": 9223372036854775807, "ten": 10}}}`
	for _, src := range []string{
		`data.userProfile.s + data.userProfile.s`,
		`join([data.userProfile.s, data.userProfile.s])`,
		`replace(data.userProfile.s, "a", "bb")`,
		`0..data.userProfile.max`,
		`split(data.userProfile.s, "a")`,
		`let l = map(1..10000, data.userProfile.ten); concat(l, l)`,
	} {
		t.Run(src, func(t *testing.T) {
			if got, err := newHarness(t, hook.Registration).eval(src, payload); !errors.Is(err, runtime.ErrMemory) {
				t.Errorf("got %.40s %v, want ErrMemory", got, err)
			}
		})
	}
}
