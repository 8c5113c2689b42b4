package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// expensiveValue costs more fuel than a budget of 100.
const expensiveValue = `"${len(filter(1..1000, # > 3))}"`

// testFailures exhausts budgets in every way, and wants the failure answer of the type and
// on_failure.
func testFailures(t *testing.T, bin string) {
	const poor = "budget: {fuel: 100}"
	tests := []struct {
		name  string
		kind  hook.Type
		hook  string // beside name, type and auth
		rules string
		want  string
	}{
		{"open-rule", hook.Token, "", "{name: r, " + poor + ", debug: {n: " + expensiveValue + "}}, {name: next, debug: {b: c}}", `{"debugContext":{"b":"c"}}`},
		{"closed-rule", hook.Token, "", "{name: r, " + poor + ", on_failure: closed, debug: {n: " + expensiveValue + "}}, {name: next, debug: {b: c}}", string(hook.ClosedAnswer(hook.Token))},
		{"restricting-rule", hook.Registration, "", "{name: r, " + poor + ", deny: " + expensiveValue + "}, {name: next, profile: {division: x}}", string(hook.ClosedAnswer(hook.Registration))},
		{"adding-rule", hook.Registration, "", "{name: r, " + poor + ", profile: {title: " + expensiveValue + "}}, {name: next, profile: {division: x}}",
			`{"commands":[{"type":"com.okta.user.profile.update","value":{"division":"x"}}]}`},
		{"spent-open", hook.Token, poor + ", on_failure: open,", "{name: first, debug: {b: c}}, {name: r, debug: {n: " + expensiveValue + "}}", string(hook.OpenAnswer(hook.Token))},
		{"spent-closed", hook.SAML, poor + ", on_failure: closed,", "{name: r, debug: {n: " + expensiveValue + "}}", string(hook.ClosedAnswer(hook.SAML))},
		{"import", hook.UserImport, poor + ",", "{name: r, profile: {title: " + expensiveValue + "}}", string(hook.OpenAnswer(hook.UserImport))},
		{"password", hook.PasswordImport, poor + ",", `{name: r, verify: "${len(filter(1..1000, # > 3)) == 997}"}`, string(hook.ClosedAnswer(hook.PasswordImport))},
		{"telephony", hook.Telephony, poor + ",", "{name: r, telephony: {status: PENDING, provider: " + expensiveValue + "}}", string(hook.ClosedAnswer(hook.Telephony))},
		{"time", hook.Token, "budget: {time: 1ms, fuel: 1000000000}, on_failure: closed,", `{name: r, debug: {n: "${len(filter(1..9999, any(1..9999, # == -1)))}"}}`, string(hook.ClosedAnswer(hook.Token))},
		{"contract", hook.Token, "", `{name: r, on_failure: open, commands: [{type: com.okta.access.patch, value: [{op: replace, path: "/claims/${eventType}", value: 1}]}]}, {name: next, debug: {b: c}}`, `{"debugContext":{"b":"c"}}`},
	}
	var policy strings.Builder
	policy.WriteString("tenterhook: 1\nhooks:\n")
	for _, test := range tests {
		fmt.Fprintf(&policy, "  - {name: %s, type: %s, auth: none, %s rules: [%s]}\n", test.name, test.kind, test.hook, test.rules)
	}
	p := startServer(t, bin, newFolder(t, map[string]string{"policy.yaml": policy.String()}))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := p.mustPost("/hooks/"+test.name, sampleCall(test.kind, "e1"))
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if n := p.metric("rule_failures_total", `hook="`+test.name+`"`); n != 1 {
				t.Errorf("%v failures counted", n)
			}
		})
	}
	p.stop(0)
}

// testOverload sends more concurrent calls than a hook allows: excess calls get the failure answer.
func testOverload(t *testing.T, bin string) {
	const slow = `tenterhook: 1
hooks:
  - name: busy
    type: token
    auth: none
    concurrency: 1
    on_failure: closed
    budget: {fuel: 1000000000}
    rules:
      - {name: r, debug: {n: "${len(filter(1..300, any(1..300, # == -1)))}"}}
`
	p := startServer(t, bin, newFolder(t, map[string]string{"policy.yaml": slow}))
	shed := string(hook.ClosedAnswer(hook.Token))
	p.waitUntil("overloaded", func() bool {
		var all sync.WaitGroup
		for i := range 32 {
			all.Go(func() {
				got := p.mustPost("/hooks/busy", sampleCall(hook.Token, fmt.Sprintf("e%d", i)))
				if got != shed && got != `{"debugContext":{"n":0}}` {
					t.Errorf("got %s", got)
				}
			})
		}
		all.Wait()
		return p.metric("calls_total", `outcome="shed"`) > 0 && p.metric("calls_total", `outcome="answered"`) > 0
	})
	p.stop(0)
}

// testRepeats: a repeated call gets the same bytes, and its rules do not run again.
func testRepeats(t *testing.T, bin string) {
	p := startServer(t, bin, newFolder(t, map[string]string{"policy.yaml": `tenterhook: 1
hooks: [{name: a, type: token, auth: none, rules: [{name: r, debug: {id: "${eventId}"}}]}]
`}))
	first := p.mustPost("/hooks/a", sampleCall(hook.Token, "one"))
	for range 5 {
		if again := p.mustPost("/hooks/a", sampleCall(hook.Token, "one")); again != first {
			t.Errorf("got %s, was %s", again, first)
		}
	}
	if other := p.mustPost("/hooks/a", sampleCall(hook.Token, "two")); other == first {
		t.Error("another call got the same answer")
	}
	if n := p.metric("repeats_total"); n != 5 {
		t.Errorf("%v repeats counted, want 5", n)
	}
	if n := p.metric("rule_matches_total"); n != 2 {
		t.Errorf("the rule ran %v times, want 2", n)
	}
	p.stop(0)
}

// testTwins: 50 concurrent copies of a call are decided once.
func testTwins(t *testing.T, bin string) {
	p := startServer(t, bin, newFolder(t, map[string]string{"policy.yaml": `tenterhook: 1
hooks:
  - name: a
    type: token
    auth: none
    budget: {fuel: 1000000000}
    rules: [{name: r, debug: {n: "${len(filter(1..300, any(1..300, # == -1)))}"}}]
`}))
	const n, unanswered = 50, "{}"
	answers := make([]string, n)
	ran := 0.0
	for try := 0; try == 0 || try < 20 && slices.Contains(answers, unanswered); try++ { // try again if the machine was too slow for one
		ran = p.metric("rule_matches_total")
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { answers[i] = p.mustPost("/hooks/a", sampleCall(hook.Token, fmt.Sprint("one-", try))) })
		}
		all.Wait()
		ran = p.metric("rule_matches_total") - ran
	}
	for _, a := range answers {
		if a != answers[0] || a != `{"debugContext":{"n":0}}` {
			t.Errorf("got %s", a)
		}
	}
	if ran != 1 {
		t.Errorf("the rule ran %v times for %d twins", ran, n)
	}
	t.Logf("%v twins waited, %v repeats", p.metric("twins_total"), p.metric("repeats_total"))
	p.stop(0)
}

// testRestartOverBroken: a start over an invalid folder uses the last good copy, and logs it.
func testRestartOverBroken(t *testing.T, bin string) {
	dir, data := newFolder(t, map[string]string{"policy.yaml": policyVersion(1)}), t.TempDir()
	p := startServer(t, bin, dir, "--data", data)
	p.stop(0)
	writeFile(t, filepath.Join(dir, "policy.yaml"), "tenterhook: 1\nhooks: 7\n")
	p = startServer(t, bin, dir, "--data", data)
	if got := p.mustPost("/hooks/a", sampleCall(hook.Token, "e")); got != `{"debugContext":{"b":1}}` {
		t.Errorf("got %s", got)
	}
	if p.metric("set_stale") != 1 {
		t.Error("set_stale is not set")
	}
	p.waitUntil("loud", func() bool { return strings.Contains(p.errs.String(), "last good copy") })
	writeFile(t, filepath.Join(dir, "policy.yaml"), policyVersion(2))
	p.waitUntil("mended", func() bool { return p.metric("set_stale") == 0 })
	if got := p.mustPost("/hooks/a", sampleCall(hook.Token, "e")); got != `{"debugContext":{"b":2}}` {
		t.Errorf("got %s", got)
	}
	p.stop(0)
}

func policyVersion(n int) string {
	return fmt.Sprintf("tenterhook: 1\nhooks: [{name: a, type: token, auth: none, rules: [{name: r, debug: {b: %d}}]}]\n", n)
}

// testKill: a killed server can start again.
func testKill(t *testing.T, bin string) {
	dir, data := newFolder(t, map[string]string{"policy.yaml": policyVersion(1)}), t.TempDir()
	for range 3 {
		p := startServer(t, bin, dir, "--data", data)
		if got := p.mustPost("/hooks/a", sampleCall(hook.Token, "e")); got != `{"debugContext":{"b":1}}` {
			t.Errorf("got %s", got)
		}
		p.cmd.Process.Kill()
		<-p.done
	}
	p := startServer(t, bin, dir, "--data", data)
	response, err := http.Get(p.admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("readyz: %d", response.StatusCode)
	}
	if !json.Valid([]byte(p.mustPost("/hooks/a", sampleCall(hook.Token, "e")))) {
		t.Error("no answer")
	}
	p.stop(0)
}
