package rules_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// policy is a policy file with one hook, called h. Its parts are indented here so that they need
// not be there.
func policy(kind, head, rules string) string {
	known := func(kind string) string {
		if kind == "token" || kind == "saml" { // tests have other members there than Okta
			return "known: [data.context.user.profile]\n"
		}
		return ""
	}
	indent := func(s, by string) string {
		if s == "" {
			return ""
		}
		return by + strings.ReplaceAll(strings.Trim(s, "\n"), "\n", "\n"+by) + "\n"
	}
	return "tenterhook: 1\nhooks:\n  - name: h\n    type: " + kind + "\n    auth: none\n" +
		indent(head, "    ") + "    rules:\n" + indent(rules, "      ") + known(kind)
}

func load(t testing.TB, text string) *rules.Set {
	t.Helper()
	s, err := rules.Load(folder.New(map[string][]byte{"policy.yaml": []byte(text)}), rules.Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func call(t testing.TB, h *rules.Hook, body string) *hook.Call {
	t.Helper()
	doc := new(jsondoc.Doc)
	if err := doc.Parse([]byte(body), jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	return &hook.Call{Hook: h.Name, Type: h.Type, Doc: doc, Start: time.Now(), Deadline: time.Now().Add(10 * time.Second)}
}

// valid holds every answer of every test against the contract.
func valid(t testing.TB, h *rules.Hook, answer []byte) {
	t.Helper()
	if !h.Type.Inline() {
		if len(answer) > 0 {
			t.Errorf("an event hook answers %s", answer)
		}
		return
	}
	var doc jsondoc.Doc
	if err := doc.Parse(answer, jsondoc.Limits{}); err != nil {
		t.Fatalf("answer %s: %v", answer, err)
	}
	if problems := hook.CheckAnswer(h.Type, doc.Root(), h.Released...); len(problems) > 0 {
		t.Errorf("answer %s: %v", answer, problems)
	}
}

// decide gives the decision of the hook h. The call is a test's, so that a busy machine decides as
// any other does.
func decide(t testing.TB, text, body string) (d rules.Decision) {
	t.Helper()
	h := load(t, text).Hook("h")
	d.Fixed = &rules.Fixed{Now: time.Now()}
	h.Decide(call(t, h, body), &d)
	valid(t, h, d.Answer)
	return d
}

const (
	ada      = `{"requestType":"self.service.registration","data":{"userProfile":{"email":"ada@example.com","division":null},"action":"ALLOW"}}`
	eve      = `{"data":{"userProfile":{"email":"eve@gmail.example"},"action":"ALLOW"}}`
	nobody   = `{"data":{"userProfile":{},"action":"ALLOW"}}`
	denied   = `{"commands":[{"type":"com.okta.action.update","value":{"registration":"DENY"}}],"error":{"errorSummary":"no"}}`
	updated  = `{"commands":[{"type":"com.okta.user.profile.update","value":{%s}}]}`
	closedUp = `{"commands":[{"type":"com.okta.action.update","value":{"registration":"DENY"}}],"error":{"errorSummary":"This request cannot be completed right now. Please try again later."}}`
	// slow runs out of any small budget of fuel.
	slow = `all(1..10000, # > 0)`
)

func TestDecide(t *testing.T) {
	tests := []struct {
		name, head, rules, body string
		outcome                 rules.Outcome
		answer                  string
		results                 string // of each rule that matched or failed: name, reason
	}{
		{name: "Silent", rules: "- {name: a, when: data.action != 'ALLOW', deny: no}", body: ada, outcome: rules.Silent, answer: `{}`},
		{name: "Answered", rules: "- {name: a, profile: {x: y}}\n- {name: b, profile: {z: 1}}", body: ada,
			outcome: rules.Answered, answer: fmt.Sprintf(updated, `"x":"y","z":1`), results: "a,b"},
		{name: "DenyEndsTheChain", rules: "- {name: a, profile: {x: y}}\n- {name: b, deny: no}\n- {name: c, profile: {z: 1}}", body: ada,
			outcome: rules.Denied, answer: denied, results: "a,b"},
		{name: "StopEndsTheChain", rules: "- {name: a, profile: {x: y}, stop: true}\n- {name: b, deny: no}", body: ada,
			outcome: rules.Answered, answer: fmt.Sprintf(updated, `"x":"y"`), results: "a"},
		{name: "StopThatDoesNotMatch", rules: "- {name: a, when: data.action != 'ALLOW', stop: true}\n- {name: b, deny: no}", body: ada,
			outcome: rules.Denied, answer: denied, results: "b"},
		{name: "StopAloneSaysNothing", rules: "- {name: a, stop: true}\n- {name: b, deny: no}", body: ada,
			outcome: rules.Silent, answer: `{}`, results: "a"},
		{name: "OpenRuleFails", rules: "- {name: a, when: int(data.userProfile.email) > 2, profile: {x: y}}\n- {name: b, profile: {z: 1}}", body: ada,
			outcome: rules.Answered, answer: fmt.Sprintf(updated, `"z":1`), results: "a value,b"},
		{name: "ClosedRuleFails", rules: "- {name: b, profile: {z: 1}}\n- {name: a, when: int(data.userProfile.email) > 2, missing: skip, deny: no}", body: ada,
			outcome: rules.Failed, answer: closedUp, results: "b,a value"},
		{name: "RefusingRuleMadeOpen", rules: "- {name: a, when: int(data.userProfile.email) > 2, missing: skip, on_failure: open, deny: no}\n- {name: b, profile: {z: 1}}", body: ada,
			outcome: rules.Answered, answer: fmt.Sprintf(updated, `"z":1`), results: "a value,b"},
		{name: "AddingRuleMadeClosed", rules: "- {name: a, on_failure: closed, profile: {x: \"${int(data.userProfile.email)}\"}}\n- {name: b, profile: {z: 1}}", body: ada,
			outcome: rules.Failed, answer: closedUp, results: "a value"},
		{name: "OutsideTheContract", rules: "- {name: a, on_failure: open, commands: [{type: \"${data.userProfile.email}\"}]}\n- {name: b, profile: {z: 1}}", body: ada,
			outcome: rules.Answered, answer: fmt.Sprintf(updated, `"z":1`), results: "a contract,b"},
		{name: "HookOutOfFuelOpen", head: "budget: {fuel: 1000}", rules: "- {name: b, profile: {z: 1}}\n- {name: a, when: '" + slow + "', profile: {x: y}}\n- {name: c, profile: {x: y}}", body: ada,
			outcome: rules.Failed, answer: `{}`, results: "b,a fuel"},
		{name: "HookOutOfFuelClosed", head: "budget: {fuel: 1000}", rules: "- {name: a, when: '" + slow + "', profile: {x: y}}\n- {name: b, deny: no}", body: ada,
			outcome: rules.Failed, answer: closedUp, results: "a fuel"},
		{name: "HookOutOfFuelChosenOpen", head: "budget: {fuel: 1000}\non_failure: open", rules: "- {name: a, when: '" + slow + "', profile: {x: y}}\n- {name: b, deny: no}", body: ada,
			outcome: rules.Failed, answer: `{}`, results: "a fuel"},
		{name: "RuleOutOfItsOwnFuel", rules: "- {name: a, budget: {fuel: 1000}, when: '" + slow + "', profile: {x: y}}\n- {name: b, profile: {z: 1}}", body: ada,
			outcome: rules.Answered, answer: fmt.Sprintf(updated, `"z":1`), results: "a fuel,b"},
		{name: "RuleOutOfItsOwnFuelClosed", rules: "- {name: a, budget: {fuel: 1000}, when: '" + slow + "', deny: no}\n- {name: b, profile: {z: 1}}", body: ada,
			outcome: rules.Failed, answer: closedUp, results: "a fuel"},
		{name: "TooMuchOutput", head: "budget: {output: 100}", rules: "- {name: a, profile: {x: \"${map(1..100, # )}\"}}", body: ada,
			outcome: rules.Failed, answer: `{}`, results: "a output"},
		{name: "AllowListRefusesWhatIsMissing", rules: "- {name: a, when: \"data.userProfile.email not in ['a@b.example']\", deny: no}", body: nobody,
			outcome: rules.Denied, answer: denied, results: "a"},
		{name: "DenyListLetsWhatIsMissingIn", rules: "- {name: a, when: \"data.userProfile.email in ['a@b.example']\", deny: no}", body: nobody,
			outcome: rules.Silent, answer: `{}`},
		{name: "MissingMatches", rules: "- {name: a, missing: match, when: \"data.userProfile.email in ['a@b.example']\", deny: no}", body: nobody,
			outcome: rules.Denied, answer: denied, results: "a"},
		{name: "MissingMatchesOnlyWhatIsMissing", rules: "- {name: a, missing: match, when: \"data.userProfile.email in ['a@b.example']\", deny: no}", body: ada,
			outcome: rules.Silent, answer: `{}`},
		{name: "MissingSkips", rules: "- {name: a, missing: skip, when: \"data.userProfile.email in ['a@b.example']\", deny: no}", body: nobody,
			outcome: rules.Silent, answer: `{}`},
		{name: "ErrorClearsCommands", rules: "- {name: a, profile: {x: y}}\n- {name: b, error: no}\n- {name: c, log: on}", body: ada,
			outcome: rules.Denied, answer: `{"error":{"errorSummary":"no"}}`, results: "a,b,c"},
		{name: "DebugAlone", rules: "- {name: a, debug: {rule: a, who: \"${data.userProfile.email}\"}}", body: ada,
			outcome: rules.Answered, answer: `{"debugContext":{"rule":"a","who":"ada@example.com"}}`, results: "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := policy("registration", tt.head, tt.rules)
			d := decide(t, text, tt.body)
			if string(d.Answer) != tt.answer || d.Outcome != tt.outcome {
				t.Errorf("got  %s %s\nwant %s %s", d.Outcome, d.Answer, tt.outcome, tt.answer)
			}
			if got := describeDecision(load(t, text).Hook("h"), &d); got != tt.results {
				t.Errorf("got results %q, want %q", got, tt.results)
			}
		})
	}
}

// describeDecision writes a decision's results as "name reason,name".
func describeDecision(h *rules.Hook, d *rules.Decision) string {
	var all []string
	for _, r := range d.Results {
		all = append(all, strings.TrimSpace(h.RuleNames()[r.Rule]+" "+runtime.Reason(r.Err)))
	}
	return strings.Join(all, ",")
}

func TestDecideConflicts(t *testing.T) {
	d := decide(t, policy("registration", "", "- {name: a, profile: {x: 1}}\n- {name: b, when: data.action == 'ALLOW', profile: {x: 2}}"), ada)
	want := hook.Conflict{Rule: "b", Earlier: "a", Path: "com.okta.user.profile.update.x"}
	if len(d.Conflicts) != 1 || d.Conflicts[0] != want {
		t.Errorf("got %v, want %v", d.Conflicts, want)
	}
	if string(d.Answer) != fmt.Sprintf(updated, `"x":2`) {
		t.Errorf("got %s, want the later rule's value", d.Answer)
	}
}

func TestDecideLogs(t *testing.T) {
	d := decide(t, policy("registration", "", "- {name: a, log: \"${data.userProfile.email} and ${data.userProfile.none}.\"}"), ada)
	if len(d.Logs) != 1 || d.Logs[0] != (rules.Log{Rule: "a", Text: "ada@example.com and ."}) {
		t.Errorf("got %v", d.Logs)
	}
	if d.Outcome != rules.Silent {
		t.Errorf("got %s, want silent: a log is no answer", d.Outcome)
	}
}

func TestDecideDeadline(t *testing.T) {
	h := load(t, policy("registration", "", "- {name: a, deny: no}")).Hook("h")
	c := call(t, h, ada)
	c.Deadline = time.Now().Add(-time.Second)
	var d rules.Decision
	h.Decide(c, &d)
	if d.Outcome != rules.Failed || string(d.Answer) != closedUp {
		t.Errorf("got %s %s", d.Outcome, d.Answer)
	}
	if len(d.Results) != 1 || !errors.Is(d.Results[0].Err, runtime.ErrTime) {
		t.Errorf("got %v, want out of time", d.Results)
	}
}

// TestFixedTime: a test's call is not held to the clock, neither by its hook's budget nor by a
// rule's, and any other is.
func TestFixedTime(t *testing.T) {
	for name, text := range map[string]string{
		"Hook": policy("registration", "budget: {time: 1µs}", "- {name: a, when: 'all(1..5000, # > 0)', deny: no}"),
		"Rule": policy("registration", "", "- {name: a, when: 'all(1..5000, # > 0)', budget: {time: 1µs}, deny: no}"),
	} {
		t.Run(name, func(t *testing.T) {
			if d := decide(t, text, ada); d.Outcome != rules.Denied {
				t.Errorf("a test's: got %s %+v", d.Outcome, d.Results)
			}
			h := load(t, text).Hook("h")
			var d rules.Decision
			if h.Decide(call(t, h, ada), &d); len(d.Results) != 1 || !errors.Is(d.Results[0].Err, runtime.ErrTime) {
				t.Errorf("another: got %s %+v", d.Outcome, d.Results)
			}
		})
	}
}

// TestDecidePanic: a fault of ours must not take the process down, nor let anybody in.
func TestDecidePanic(t *testing.T) {
	h := load(t, policy("registration", "", "- {name: a, when: data.action == 'ALLOW', deny: no}")).Hook("h")
	c := call(t, h, ada)
	whole := c.Doc
	c.Doc = nil
	var d rules.Decision
	h.Decide(c, &d)
	if d.Outcome != rules.Failed || string(d.Answer) != closedUp || len(d.Results) != 1 || !errors.Is(d.Results[0].Err, rules.ErrBug) {
		t.Errorf("got %s %s %v", d.Outcome, d.Answer, d.Results)
	}
	c.Doc = whole
	if h.Decide(c, &d); d.Outcome != rules.Denied || len(d.Results) != 1 {
		t.Errorf("the next call got %s %s", d.Outcome, d.Answer)
	}
}

func TestDecideTrace(t *testing.T) {
	text := policy("registration", "let: {who: domain(data.userProfile.email), never: 1 + 1}",
		"- {name: a, when: who == 'x', missing: skip, deny: no}\n- {name: b, profile: {org: \"${who}\"}}\n- {name: c, commands: [{type: \"${who}\"}]}")
	h := load(t, text).Hook("h")
	d := rules.Decision{Trace: &rules.Trace{}}
	for range 2 { // a trace is reused like the rest
		h.Decide(call(t, h, ada), &d)
	}
	got := d.Trace.Rules
	if len(got) != 3 {
		t.Fatalf("got %d rules, want 3", len(got))
	}
	if a := got[0]; a.Matched || a.When != "who == 'x'" || len(a.Lets) != 1 || a.Lets[0].Name != "who" || a.Lets[0].Value != `"example.com"` || a.Fuel == 0 {
		t.Errorf("got %+v", a)
	}
	if b := got[1]; !b.Matched || b.Draft != fmt.Sprintf(updated, `"org":"example.com"`) || len(b.Lets) != 0 {
		t.Errorf("got %+v", b)
	}
	if c := got[2]; !errors.Is(c.Err, hook.ErrContract) || !strings.Contains(c.Error, "unknown command") || c.Draft == "" {
		t.Errorf("got %+v", c)
	}
}

// TestDecideAgain: state of one call must not leak into the next.
func TestDecideAgain(t *testing.T) {
	h := load(t, policy("registration", "let: {who: data.userProfile.email}", "- {name: a, when: who == nil, deny: no}\n- {name: b, profile: {who: \"${who}\"}}")).Hook("h")
	bodies := map[string]string{ada: fmt.Sprintf(updated, `"who":"ada@example.com"`), nobody: denied, eve: fmt.Sprintf(updated, `"who":"eve@gmail.example"`)}
	done := make(chan error)
	for range 4 {
		go func() {
			d := rules.Decision{Fixed: &rules.Fixed{}}
			for range 500 {
				for body, want := range bodies {
					var doc jsondoc.Doc
					if err := doc.Parse([]byte(body), jsondoc.Limits{}); err != nil {
						done <- err
						return
					}
					h.Decide(&hook.Call{Type: h.Type, Doc: &doc}, &d)
					if string(d.Answer) != want {
						done <- fmt.Errorf("got %s, want %s", d.Answer, want)
						return
					}
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func splitLines(s string) []string { return strings.Split(strings.TrimRight(s, "\n"), "\n") }

// TestFailureInALet: a failure says which let it is in, and where the rule stands.
func TestFailureInALet(t *testing.T) {
	h := load(t, policy("registration", `
let: {plan: "lower(data.userProfile.plan)", gold: plan == 'gold'}`, `
- {name: first, stop: true, when: data.userProfile.login == 'x'}
- {name: gold, when: gold, profile: {a: b}}
`)).Hook("h")
	d := rules.Decision{Fixed: &rules.Fixed{}}
	h.Decide(call(t, h, `{"data": {"userProfile": {"plan": ["gold"]}, "action": "ALLOW"}}`), &d)
	if len(d.Results) != 1 || d.Results[0].Rule != 1 || h.RuleAt(1) != "policy.yaml:9" {
		t.Fatalf("%+v at %s", d.Results, h.RuleAt(1))
	}
	if want := "let gold: let plan: " + runtime.ErrValue.Error() + ": "; !strings.HasPrefix(d.Results[0].Err.Error(), want) {
		t.Errorf("got %v, want %s", d.Results[0].Err, want)
	}
}
