package expr_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	stock "github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/runtime/expr"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
)

// rule is rule i of eight kinds that policies are made of; few of them match.
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

func BenchmarkEval(b *testing.B) {
	var decoded map[string]any
	if err := json.Unmarshal(sample.Of(hook.Token), &decoded); err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 10, 200} {
		w := newWorld(b, hook.Token)
		var ours []*expr.Expression
		var theirs []*vm.Program
		for i := range n {
			x, err := expr.Compile(rule(i), w.env)
			if err != nil {
				b.Fatal(err)
			}
			p, err := stock.Compile(rule(i), stock.AsBool())
			if err != nil {
				b.Fatal(err)
			}
			ours, theirs = append(ours, x), append(theirs, p)
		}
		b.Run(fmt.Sprintf("ours/%d", n), func(b *testing.B) {
			r := w.begin(string(sample.Of(hook.Token)), runtime.Budget{})
			b.ReportAllocs()
			for b.Loop() {
				now := time.Now()
				w.m.Start(runtime.Budget{}, now, time.Time{})
				r.Begin(r.Event, now, &w.m)
				for _, x := range ours {
					if _, err := x.Test(r); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(fmt.Sprintf("stock/%d", n), func(b *testing.B) {
			var v vm.VM
			b.ReportAllocs()
			for b.Loop() {
				for _, p := range theirs {
					if _, err := v.Run(p, decoded); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// What has warmed up does not allocate, whether it builds texts or not.
func TestNoAllocations(t *testing.T) {
	w := newWorld(t, hook.Token)
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
			w.m.Start(runtime.Budget{}, r.Now, time.Time{})
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
