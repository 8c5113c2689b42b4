package engine

import (
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime/wasm"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// loadModuleSet loads a hook with one rule, whose module is one of the test modules of package
// rules.
func loadModuleSet(t *testing.T, kind, rule, module string) *rules.Set {
	t.Helper()
	code, err := os.ReadFile("../rules/testdata/modules/" + module + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	r, err := wasm.New(wasm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := "tenterhook: 1\nhooks: [{name: hook-a, type: " + kind + ", auth: none, rules: [{name: r, wasm: m.wasm" + rule + "}]}]\n"
	s, err := rules.Load(folder.New(map[string][]byte{"policy.yaml": []byte(text), "m.wasm": code}), rules.Options{Modules: r})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustAnswer(t *testing.T, e *Engine, kind hook.Type, body string) Reply {
	t.Helper()
	doc := new(jsondoc.Doc)
	if err := doc.Parse([]byte(body), jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	r, err := e.Answer(&hook.Call{Hook: "hook-a", ID: body, Type: kind, Doc: doc, Start: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestModuleMetrics: the metrics show a module's consumption and the reason for an aborted run.
func TestModuleMetrics(t *testing.T) {
	r := prometheus.NewPedanticRegistry()
	e := newEngine(t, Options{Registry: r})
	e.Swap(loadModuleSet(t, "token", ", budget: {fuel: 100000}", "evil"))
	mustAnswer(t, e, hook.Token, `{"data":{}}`)
	mustAnswer(t, e, hook.Token, `{"data":{"evil":1}}`)
	want := `
# HELP tenterhook_module_memory_peak_bytes Peak memory of a run of a rule's module.
# TYPE tenterhook_module_memory_peak_bytes gauge
tenterhook_module_memory_peak_bytes{hook="hook-a",rule="r"} 65536
# HELP tenterhook_module_runs_total Runs of a rule's module.
# TYPE tenterhook_module_runs_total counter
tenterhook_module_runs_total{hook="hook-a",rule="r"} 2
# HELP tenterhook_rule_failures_total Failures of a rule, by reason.
# TYPE tenterhook_rule_failures_total counter
tenterhook_rule_failures_total{hook="hook-a",reason="fuel",rule="r"} 1
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), "tenterhook_module_runs_total", "tenterhook_module_memory_peak_bytes",
		"tenterhook_rule_failures_total"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(r, "tenterhook_module_fuel_total", "tenterhook_module_seconds_total"); err != nil || n != 2 {
		t.Errorf("%d series, %v", n, err)
	}
}

// TestModuleLogs: a module's text is logged, unless the call has a password or a one-time code.
func TestModuleLogs(t *testing.T) {
	for kind, logged := range map[hook.Type]bool{hook.Token: true, hook.PasswordImport: false, hook.Telephony: false} {
		var lines strings.Builder
		e := newEngine(t, Options{Log: slog.New(slog.NewTextHandler(&lines, nil))})
		e.Swap(loadModuleSet(t, kind.String(), "", "talk"))
		mustAnswer(t, e, kind, `{"data":{}}`)
		if got := strings.Contains(lines.String(), "text=hello"); got != logged {
			t.Errorf("%s: %s", kind, lines.String())
		}
	}
}
