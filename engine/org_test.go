package engine

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// loadOrgs loads a policy with a hook for each of the words: the org's name, or - for none. more is
// added to the policy.
func loadOrgs(t *testing.T, more string, words ...string) *rules.Set {
	t.Helper()
	text := "tenterhook: 1\n" + more + "\nhooks:\n"
	for i, org := range words {
		text += fmt.Sprintf("  - {name: h%d, type: token, auth: none, rules: [{name: r, debug: {a: b}}]", i)
		if org != "-" {
			text += ", org: " + org
		}
		text += "}\n"
	}
	return mustLoad(t, text)
}

// TestOrgsShare: an org gets its slots at any load of another one.
func TestOrgsShare(t *testing.T) {
	const two = "orgs: {a: {hosts: a.example}, b: {hosts: b.example}}"
	tests := []struct {
		name  string
		more  string
		words []string
		want  []int // calls of each hook that are let in, when every hook in turn takes all it can
	}{
		{"NoOrgs", "", []string{"-", "-"}, []int{12, 0}},
		{"OneOrg", "orgs: {a: {hosts: a.example}}", []string{"a", "a"}, []int{12, 0}},
		{"Two", two, []string{"a", "b"}, []int{6, 6}},
		{"TwoHooksOfOne", two, []string{"a", "a", "b"}, []int{6, 0, 6}},
		{"BesideOthers", two, []string{"a", "-", "b"}, []int{4, 4, 4}},
		{"AsWritten", "orgs: {a: {hosts: a.example, concurrency: 2}, b: {hosts: b.example}}", []string{"a", "b"}, []int{2, 6}},
		{"MoreThanThereIs", "orgs: {a: {hosts: a.example, concurrency: 100}, b: {hosts: b.example}}", []string{"a", "b"}, []int{12, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newEngine(t, Options{Concurrency: 12})
			e.Swap(loadOrgs(t, tt.more, tt.words...))
			now := time.Now()
			c := &hook.Call{Deadline: now.Add(time.Minute)}
			var inside []*Hook
			for i, h := range e.live.Load().hooks {
				got := 0
				for range 20 {
					if o, ok := h.acquire(c, now); ok {
						got++
						inside = append(inside, h)
					} else if o != Shed {
						t.Fatal(o)
					}
				}
				if got != tt.want[i] {
					t.Errorf("%s: %d let in, want %d", h.Rules.Name, got, tt.want[i])
				}
			}
			e.Swap(loadOrgs(t, tt.more, tt.words...)) // calls in progress keep their slots
			for _, h := range inside {
				h.release()
			}
			for _, h := range e.live.Load().hooks {
				if n := h.stats.running.Load(); n != 0 || h.org != nil && h.org.running.Load() != 0 || e.running.Load() != 0 {
					t.Errorf("%s: %d running in the end", h.Rules.Name, n)
				}
			}
		})
	}
}

func TestOrgIsNamed(t *testing.T) {
	var log bytes.Buffer
	registry := prometheus.NewPedanticRegistry()
	e := newEngine(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Registry: registry})
	e.Swap(loadOrgs(t, "orgs: {a: {hosts: a.example}}", "a", "-"))
	h := e.live.Load().byName["h0"]
	h.CountUnauthorized(netip.Addr{}, "")
	for range 3 {
		h.CountForeign("event", "evil.example\nlevel=ERROR"+strings.Repeat("x", 1000), netip.Addr{})
	}
	e.live.Load().byName["h1"].CountUnauthorized(netip.Addr{}, "")
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) < 3 || !strings.Contains(lines[0], "hook=h0 org=a") || !strings.Contains(lines[1], `host="evil.example\nlevel=ERROR`) || strings.Contains(lines[len(lines)-1], "org=") {
		t.Errorf("logged\n%s", log.String())
	}
	want := `
# HELP tenterhook_foreign_calls_total Calls rejected because they named a host of another org.
# TYPE tenterhook_foreign_calls_total counter
tenterhook_foreign_calls_total{hook="h0"} 3
tenterhook_foreign_calls_total{hook="h1"} 0
# HELP tenterhook_hook_info The hooks of the live Set; always 1.
# TYPE tenterhook_hook_info gauge
tenterhook_hook_info{hook="h0",org="a",type="token"} 1
tenterhook_hook_info{hook="h1",org="",type="token"} 1
# HELP tenterhook_org_calls_running Calls of an org that are running rules.
# TYPE tenterhook_org_calls_running gauge
tenterhook_org_calls_running{org=""} 0
tenterhook_org_calls_running{org="a"} 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "tenterhook_foreign_calls_total", "tenterhook_hook_info", "tenterhook_org_calls_running"); err != nil {
		t.Error(err)
	}
}

// TestSecretsAreCounted: by name, as long as there is one of the name.
func TestSecretsAreCounted(t *testing.T) {
	set := func(secrets string) *rules.Set {
		return mustLoad(t, "tenterhook: 1\nhooks:\n  - {name: h, type: token, auth: [{header: A, secret: "+secrets+"}], rules: [{name: r, debug: {a: b}}]}\n")
	}
	e := newEngine(t, Options{})
	status := func() string {
		text := ""
		for _, s := range e.Status().Hooks[0].Secrets {
			text += fmt.Sprintf("%s %d %v; ", s.Name, s.Used, !s.Last.IsZero())
		}
		return text
	}
	e.Swap(set("[{name: old, value: k8Jq2mVx0PzL4tRw}, {name: new, value: b5Ns9cYd7HfG3aUe}]"))
	h := e.live.Load().hooks[0]
	h.CountSecrets(0)
	h.CountSecrets(1)
	h.CountSecrets(1 | 2)
	h.CountSecrets(1 << 63) // of no secret
	if got := status(); got != "old 2 true; new 1 true; " {
		t.Errorf("got %s", got)
	}
	e.Swap(set("[{name: new, value: b5Ns9cYd7HfG3aUe}, Zr6WkQ1uTj8EoMv3]"))
	e.live.Load().hooks[0].CountSecrets(1)
	h.CountSecrets(2) // a call that began under the Set before
	if got := status(); got != "new 3 true; 2 0 false; " {
		t.Errorf("got %s", got)
	}
}
