package expr_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	stock "github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// rule is rule i of eight kinds that are common in policies; few of them match.
func rule(i int) string {
	n := i / 8
	switch i % 8 {
	case 0:
		return fmt.Sprintf(`data.identity.claims.email endsWith "@contractor%d.example"`, n)
	case 1:
		return fmt.Sprintf(`data.context.session.status == "ACTIVE" && data.context.session.login startsWith "svc-%d"`, n)
	case 2:
		return fmt.Sprintf(`data.context.request.ipAddress in ["10.0.%d.1", "10.0.%d.2", "192.168.%d.7", "127.1.0.%d"]`, n, n, n, n)
	case 3:
		return fmt.Sprintf(`data.identity.claims.auth_time < %d || data.context.protocol.type != "OAUTH2.0"`, 50+n)
	case 4:
		return fmt.Sprintf(`any(data.context.session.amr, # == "swk-%d")`, n)
	case 5:
		return fmt.Sprintf(`data.context.user.profile.locale == "en" && data.access.claims.cid contains "Native%d"`, n)
	case 6:
		return fmt.Sprintf(`data.identity.claims.email matches "^[a-z]+@clouditude%d[.]net$"`, n)
	default:
		return fmt.Sprintf(`data.context.user.profile.locale == "en" && not (data.access.claims.aud startsWith "api://d%d")`, n)
	}
}

// celRule is the same rule in CEL.
func celRule(i int) string {
	n := i / 8
	switch i % 8 {
	case 0:
		return fmt.Sprintf(`data.identity.claims.email.endsWith("@contractor%d.example")`, n)
	case 1:
		return fmt.Sprintf(`data.context.session.status == "ACTIVE" && data.context.session.login.startsWith("svc-%d")`, n)
	case 4:
		return fmt.Sprintf(`data.context.session.amr.exists(x, x == "swk-%d")`, n)
	case 5:
		return fmt.Sprintf(`data.context.user.profile.locale == "en" && data.access.claims.cid.contains("Native%d")`, n)
	case 6:
		return fmt.Sprintf(`data.identity.claims.email.matches("^[a-z]+@clouditude%d[.]net$")`, n)
	case 7:
		return fmt.Sprintf(`data.context.user.profile.locale == "en" && !data.access.claims.aud.startsWith("api://d%d")`, n)
	}
	return rule(i)
}

// rules are n rules for each of three evaluators.
type rules struct {
	ours   []*expr.Expression
	theirs []*vm.Program
	cels   []cel.Program
}

func newRules(t testing.TB, env *expr.Env, n int) (all rules) {
	e, err := cel.NewEnv(cel.Variable("data", cel.DynType))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		x, err := expr.Compile(rule(i), env)
		if err != nil {
			t.Fatal(err)
		}
		p, err := stock.Compile(rule(i), stock.AsBool())
		if err != nil {
			t.Fatal(err)
		}
		tree, issues := e.Compile(celRule(i))
		if issues.Err() != nil {
			t.Fatal(issues.Err())
		}
		c, err := e.Program(tree, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			t.Fatal(err)
		}
		all.ours, all.theirs, all.cels = append(all.ours, x), append(all.theirs, p), append(all.cels, c)
	}
	return all
}

func (a rules) runOurs(t testing.TB, r *runtime.Run) (matches int) {
	for _, x := range a.ours {
		yes, err := x.Test(r)
		if err != nil {
			t.Fatal(err)
		}
		if yes {
			matches++
		}
	}
	return matches
}

func (a rules) runStock(t testing.TB, v *vm.VM, call map[string]any) (matches int) {
	for _, p := range a.theirs {
		out, err := v.Run(p, call)
		if err != nil {
			t.Fatal(err)
		}
		if out == true {
			matches++
		}
	}
	return matches
}

func (a rules) runCEL(t testing.TB, call map[string]any) (matches int) {
	for _, p := range a.cels {
		out, _, err := p.Eval(call)
		if err != nil {
			t.Fatal(err)
		}
		if out == types.True {
			matches++
		}
	}
	return matches
}

// TestRulesAgree: the three evaluators agree on the rules of the benchmarks.
func TestRulesAgree(t *testing.T) {
	w := newHarness(t, hook.Token)
	a := newRules(t, w.env, 200)
	call := decodePayload(t, string(sample.Of(hook.Token)))
	ours, theirs, cels := a.runOurs(t, w.begin(string(sample.Of(hook.Token)), runtime.Budget{})), a.runStock(t, new(vm.VM), call), a.runCEL(t, call)
	if ours != theirs || ours != cels || ours == 0 {
		t.Errorf("%d of ours match, %d of stock's, %d of cel-go's", ours, theirs, cels)
	}
}

// BenchmarkEval runs n rules on one parsed call.
func BenchmarkEval(b *testing.B) {
	call := decodePayload(b, string(sample.Of(hook.Token)))
	for _, n := range []int{1, 10, 200} {
		w := newHarness(b, hook.Token)
		a := newRules(b, w.env, n)
		b.Run(fmt.Sprintf("ours/%d", n), func(b *testing.B) {
			r := w.begin(string(sample.Of(hook.Token)), runtime.Budget{})
			b.ReportAllocs()
			for b.Loop() {
				now := time.Now()
				w.m.Start(runtime.Budget{}, now, time.Time{})
				r.Begin(r.Event, now, &w.m)
				a.runOurs(b, r)
			}
			perRule(b, n)
		})
		b.Run(fmt.Sprintf("stock/%d", n), func(b *testing.B) {
			var v vm.VM
			b.ReportAllocs()
			for b.Loop() {
				a.runStock(b, &v, call)
			}
			perRule(b, n)
		})
		b.Run(fmt.Sprintf("cel/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a.runCEL(b, call)
			}
			perRule(b, n)
		})
	}
}

func perRule(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/rule")
}

// BenchmarkBytes is the same, including parsing the call.
func BenchmarkBytes(b *testing.B) {
	text := sample.Of(hook.Token)
	for _, n := range []int{1, 10, 200} {
		w := newHarness(b, hook.Token)
		a := newRules(b, w.env, n)
		b.Run(fmt.Sprintf("ours/%d", n), func(b *testing.B) {
			r := w.begin(string(text), runtime.Budget{})
			b.ReportAllocs()
			for b.Loop() {
				if err := w.doc.Parse(text, jsondoc.Limits{}); err != nil {
					b.Fatal(err)
				}
				now := time.Now()
				w.m.Start(runtime.Budget{}, now, time.Time{})
				r.Begin(hook.Event{Node: w.doc.Root()}, now, &w.m)
				a.runOurs(b, r)
			}
		})
		b.Run(fmt.Sprintf("stock/%d", n), func(b *testing.B) {
			var v vm.VM
			b.ReportAllocs()
			for b.Loop() {
				var call map[string]any
				if err := json.Unmarshal(text, &call); err != nil {
					b.Fatal(err)
				}
				a.runStock(b, &v, call)
			}
		})
		b.Run(fmt.Sprintf("cel/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var call map[string]any
				if err := json.Unmarshal(text, &call); err != nil {
					b.Fatal(err)
				}
				a.runCEL(b, call)
			}
		})
	}
}

// TestNoAllocations: after a first run nothing allocates, also when texts are built.
func TestNoAllocations(t *testing.T) {
	w := newHarness(t, hook.Token)
	if err := w.env.Let("company", `domain(upper(data.identity.claims.email))`); err != nil {
		t.Fatal(err)
	}
	for _, src := range []string{
		rule(0), rule(1), rule(2), rule(3), rule(4), rule(5), rule(7),
		`company in tables.partners`,
		`any(split(data.identity.claims.email, "@"), # + "x" == company)`,
		`len(filter(data.identity.claims.groups, # startsWith "Eng")) > 7`,
		`data.identity.claims.auth_time / 2 > 1.5`,
		`{"a": data.identity.claims.email}.a == "x"`,
		`sum(map(1..100, # * 2)) == 1`,
		`split(data.identity.claims.email, "@") == ["a", "b"] or data.context.session.amr == data.context.session.amr`,
	} {
		x, err := expr.Compile(src, w.env)
		if err != nil {
			t.Fatal(err)
		}
		r := w.begin(string(sample.Of(hook.Token)), runtime.Budget{})
		got := testing.AllocsPerRun(20, func() {
			w.m.Start(runtime.Budget{}, time.Now(), time.Time{})
			r.Begin(r.Event, r.Now, &w.m)
			if _, err := x.Test(r); err != nil {
				t.Fatal(err)
			}
		})
		if got != 0 {
			t.Errorf("%s: %v allocations", src, got)
		}
	}
}
