package rules_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

const places = `
destinations:
  slack: {url: "https://hooks.example/x"}
  siem: {url: "https://siem.example/in", method: PUT}
  user: {url: "https://api.example/users", method: DELETE}
  audit: {file: /var/log/audit.jsonl}
  out: {stdout: true}
`

// delivery is a delivery of one event.
func delivery(event string) string {
	return `{"eventType":"com.okta.event_hook","eventId":"d1","source":"https://o.example/h","data":{"events":[` + event + `]}}`
}

const (
	started = `{"uuid":"u1","eventType":"user.session.start","actor":{"id":"00u1","alternateId":"ada@example.com","displayName":"A/B ?\r\nX: y"},` +
		`"outcome":{"result":"FAILURE"},"target":[{"id":"t1","type":"User"},{"id":"t2","type":"AppInstance"}],"debugContext":{"debugData":{"n":5,"yes":true}}}`
	suspended = `{"uuid":"u2","eventType":"user.lifecycle.suspend","target":null}`
)

// describePlan writes the decision's actions as "rule to json", one a line.
func describePlan(h *rules.Hook, d *rules.Decision) string {
	var all []string
	for _, a := range d.Actions {
		if strings.Contains(string(a.JSON), `"key":"`) != (a.Key != "") || !strings.Contains(string(a.JSON), a.Key) {
			all = append(all, fmt.Sprintf("another key: %q", a.Key))
		}
		all = append(all, fmt.Sprintf("%s %s %s", a.Rule, a.To, a.JSON))
	}
	return strings.Join(all, "\n")
}

func TestEventRules(t *testing.T) {
	tests := []struct {
		name, head, rules, event string
		results, actions         string
		outcome                  rules.Outcome
	}{
		{name: "TheEventItself", rules: "- {name: a, on: user.session.start, send: {to: slack}}", event: started,
			results: "a", actions: `a slack {"to":"slack","body":` + started + `}`, outcome: rules.Answered},
		{name: "AnotherType", rules: "- {name: a, on: user.session.end, send: {to: slack}}", event: started, outcome: rules.Silent},
		{name: "OrderOfTheFile", rules: "- {name: a, on: 'user.*', log: x}\n- {name: b, log: x}\n- {name: c, on: [user.session.end, user.session.start], log: x}\n" +
			"- {name: d, on: 'user.lifecycle.*', log: x}\n- {name: e, on: ['user.session.*', user.session.start, '*'], log: x}", event: started,
			results: "a,b,c,e", outcome: rules.Silent},
		{name: "Stop", rules: "- {name: a, on: 'user.*', stop: true}\n- {name: b, send: {to: slack}}", event: started, results: "a", outcome: rules.Silent},
		{name: "WhenAndLet", head: "let: {failed: event.outcome.result == 'FAILURE'}",
			rules: "- {name: a, when: failed, send: {to: slack, body: {text: '${event.actor.alternateId} failed', n: '${event.debugContext.debugData.n}', none: '${event.client.id}'}}}\n" +
				"- {name: b, when: not failed, send: {to: slack}}", event: started,
			results: "a", actions: `a slack {"to":"slack","body":{"text":"ada@example.com failed","n":5}}`, outcome: rules.Answered},
		{name: "Delivery", rules: "- {name: a, send: {to: slack, body: '${delivery.eventId}'}}", event: started,
			results: "a", actions: `a slack {"to":"slack","body":"d1"}`, outcome: rules.Answered},
		{name: "Targets", rules: "- {name: a, when: \"any(event.target, .type == 'AppInstance')\", send: {to: slack, body: \"${find(event.target, .type == 'User').id}\"}}", event: started,
			results: "a", actions: `a slack {"to":"slack","body":"t1"}`, outcome: rules.Answered},
		{name: "NoTargets", rules: "- {name: a, when: \"any(event.target, .type == 'AppInstance')\", log: x}", event: suspended, outcome: rules.Silent},
		{name: "NullBodyIsSent", rules: "- {name: a, send: {to: slack, body: '${event.client.id}'}}", event: suspended,
			results: "a", actions: `a slack {"to":"slack","body":null}`, outcome: rules.Answered},
		{name: "WhatIsMissingIsEmptyInAText", rules: "- {name: a, send: {to: slack, body: {text: '${event.actor.alternateId} granted ${event.displayMessage}', " +
			"list: ['${event.uuid}: ${event.client.id}', '${event.client.id}'], both: '${event.client.id}${event.client.id}', none: '${event.client.id}'}}}", event: suspended,
			results: "a", actions: `a slack {"to":"slack","body":{"text":" granted ","list":["u2: "],"both":""}}`, outcome: rules.Answered},
		{name: "ABodyOfTextIsSent", rules: "- {name: a, send: {to: slack, body: 'by \"${event.client.id}\"'}}", event: suspended,
			results: "a", actions: `a slack {"to":"slack","body":"by \"\""}`, outcome: rules.Answered},
		{name: "NobodyToSendTo", rules: "- {name: a, send: [{to: \"${event.target == nil ? nil : 'slack'}\"}, {to: out, body: 1}]}", event: suspended,
			results: "a", actions: `a out {"to":"out","body":1}`, outcome: rules.Answered},
		{name: "ComputedReceiver", rules: "- {name: a, send: {to: \"${'sl' + 'ack'}\", body: 1}}", event: suspended,
			results: "a", actions: `a slack {"to":"slack","body":1}`, outcome: rules.Answered},
		{name: "ReceiverThatIsNone", rules: "- {name: a, send: {to: '${event.uuid}', body: 1}}\n- {name: b, send: {to: out, body: 2}}", event: suspended,
			results: "a contract,b", actions: `b out {"to":"out","body":2}`, outcome: rules.Answered},
		{name: "NoBodyOfADelete", rules: "- {name: a, send: [{to: user, path: '/${event.uuid}'}, {to: slack, method: GET}, {to: user, method: PUT, encoding: form}]}", event: suspended,
			results: "a", actions: `a user {"to":"user","path":"/u2"}` + "\n" + `a slack {"to":"slack","method":"GET"}` + "\n" +
				`a user {"to":"user","method":"PUT","encoding":"form","body":` + suspended + `}`, outcome: rules.Answered},
		{name: "FilesHaveABody", rules: "- {name: a, send: {to: audit}}", event: suspended, results: "a", actions: `a audit {"to":"audit","body":` + suspended + `}`, outcome: rules.Answered},
		{name: "WhatIsFilledInStaysInItsPlace", rules: "- name: a\n  send: {to: siem, path: '/a/${event.actor.displayName}/b', query: {q: '${event.actor.displayName}', n: 1, none: '${event.client.id}'},\n" +
			"         headers: {X-Who: '<${event.actor.displayName}>', X-None: '${event.client.id}'}, key: 'k-${event.actor.displayName}', body: 1}", event: started,
			results: "a", actions: `a siem {"to":"siem","path":"/a/A%2FB%20%3F%0D%0AX%3A%20y/b","query":{"q":"A/B ?\r\nX: y","n":"1"},` +
				`"headers":{"X-Who":"<A/B ?  X: y>"},"key":"k-A/B%20?%0D%0AX:%20y","body":1}`, outcome: rules.Answered},
		{name: "MembersThatAreAllNull", rules: "- {name: a, send: {to: siem, query: {a: '${event.client.id}'}, headers: '${event.client.id}', key: '${event.client.id}', body: 1}}", event: started,
			results: "a", actions: `a siem {"to":"siem","body":1}`, outcome: rules.Answered},
		{name: "PathThatLacksSomething", rules: "- {name: a, log: x, send: [{to: out, body: 1}, {to: user, path: '/users/${event.target[0].id}'}]}\n" +
			"- {name: b, send: {to: user, path: '/users/${event.displayMessage}/x'}}\n- {name: c, send: {to: user, path: '${event.client.id}'}}\n" +
			"- {name: d, send: {path: '${event.client.id}', to: '${event.client.id}'}}\n- {name: e, send: {path: '/${event.uuid}', to: user}}",
			event: `{"uuid":"u","displayMessage":"","target":[{}]}`, results: "a value,b value,c value,d,e",
			actions: `e user {"to":"user","path":"/u"}`, outcome: rules.Answered},
		{name: "LongKey", rules: "- {name: a, send: {to: out, key: \"${long}\", body: 1}}", head: "let: {long: \"join(map(1..300, 'x'))\"}", event: started,
			results: "a", actions: `a out {"to":"out","key":"0d4e2ca9e9cbced7a7a5380eb29e1a3783b9b6d0db72de36a1051038e1c1fbc7","body":1}`, outcome: rules.Answered},
		{name: "OneForEachTarget", rules: "- {name: a, send: \"${map(event.target, ({to: 'out', body: #.id}))}\"}", event: started,
			results: "a", actions: `a out {"to":"out","body":"t1"}` + "\n" + `a out {"to":"out","body":"t2"}`, outcome: rules.Answered},
		{name: "NoneForNoTarget", rules: "- {name: a, send: \"${map(event.target, ({to: 'out', body: #.id}))}\"}", event: suspended, results: "a", outcome: rules.Silent},
		{name: "FailedRulesSendNothing", rules: "- {name: a, send: [{to: out, body: 1}, {to: out, body: '${event.debugContext.debugData.yes + 1}'}]}\n- {name: b, send: {to: out, body: 2}}", event: started,
			results: "a value,b", actions: `b out {"to":"out","body":2}`, outcome: rules.Answered},
		{name: "OutOfFuel", head: "budget: {fuel: 1000}", rules: "- {name: a, send: {to: out, body: 1}}\n- {name: b, when: '" + slow + "', send: {to: out}}\n- {name: c, send: {to: out}}", event: started,
			results: "a,b fuel", actions: `a out {"to":"out","body":1}`, outcome: rules.Failed},
		{name: "TooManyActions", rules: "- {name: a, send: \"${map(1..300, ({to: 'out', body: #}))}\"}", event: started, results: "a contract", outcome: rules.Silent},
		{name: "NoObject", rules: "- {name: a, send: {to: out}}", event: `null`, outcome: rules.Silent},
		{name: "NoEvent", rules: "- {name: a, send: {to: out}}", event: ``, outcome: rules.Silent},
		{name: "NoType", rules: "- {name: a, log: x}\n- {name: b, on: 'user.*', log: x}\n- {name: c, on: '*', log: x}", event: `{}`, results: "a,c", outcome: rules.Silent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := policy("event", tt.head, tt.rules) + places
			d := decide(t, text, delivery(tt.event))
			h := load(t, text).Hook("h")
			if got := describePlan(h, &d); got != tt.actions {
				t.Errorf("got actions\n%s\nwant\n%s", got, tt.actions)
			}
			if got := describeDecision(h, &d); got != tt.results || d.Outcome != tt.outcome {
				t.Errorf("got %s, %q, want %s, %q", d.Outcome, got, tt.outcome, tt.results)
			}
		})
	}
}

// TestSendInline: an answer does not cancel actions, and a call whose rule says nothing of the body
// sends no part of it but its ids.
func TestSendInline(t *testing.T) {
	const told = `"body":{"hook":"h","rule":"a","outcome":%q}}`
	tests := []struct{ name, kind, rules, body, answer, actions string }{
		{"RefusedSignUp", "registration", "- {name: a, deny: no, send: {to: siem}}", ada, denied, `a siem {"to":"siem",` + fmt.Sprintf(told, "denied")},
		{"SilentRule", "registration", "- {name: a, send: {to: siem}}", ada, `{}`, `a siem {"to":"siem",` + fmt.Sprintf(told, "silent")},
		{"BeforeAnError", "registration", "- {name: a, send: {to: siem, body: '${data.userProfile.email}'}}\n- {name: b, error: no}", ada,
			`{"error":{"errorSummary":"no"}}`, `a siem {"to":"siem","body":"ada@example.com"}`},
		{"BesideCommands", "registration", "- {name: a, profile: {x: 1}, send: {to: out, body: 1}}", ada, fmt.Sprintf(updated, `"x":1`), `a out {"to":"out","body":1}`},
		{"BeforeAFailure", "registration", "- {name: a, send: {to: out, body: 1}}\n- {name: b, when: int(data.userProfile.email) > 2, missing: skip, deny: no}", ada,
			closedUp, `a out {"to":"out","body":1}`},
		{"Password", "password-import", "- {name: a, verify: false, send: {to: out}}", `{"eventId":"e","eventType":"t","eventTime":"now","source":"s","data":{"context":{"credential":{"password":"pw"}}}}`,
			`{"commands":[{"type":"com.okta.action.update","value":{"credential":"UNVERIFIED"}}]}`,
			`a out {"to":"out","body":{"hook":"h","rule":"a","eventType":"t","eventId":"e","eventTime":"now","source":"s","outcome":"answered"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := policy(tt.kind, "", tt.rules) + places
			d := decide(t, text, tt.body)
			if got := describePlan(load(t, text).Hook("h"), &d); got != tt.actions || string(d.Answer) != tt.answer {
				t.Errorf("got  %s\n%s\nwant %s\n%s", d.Answer, got, tt.answer, tt.actions)
			}
		})
	}
}

// TestEventAllocations: an event that nothing is done about costs no memory, however many rules
// there are for others.
func TestEventAllocations(t *testing.T) {
	if raced {
		t.Skip("the race detector empties pools")
	}
	h := load(t, manyRules(2000)).Hook("h")
	c := call(t, h, string(sample.Of(hook.EventHook)))
	var d rules.Decision
	h.Decide(c, &d)
	if n := testing.AllocsPerRun(200, func() { h.Decide(c, &d) }); n > 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

// TestActionsOutliveTheirDecision: a caller may keep actions without copying them.
func TestActionsOutliveTheirDecision(t *testing.T) {
	h := load(t, policy("event", "", "- {name: a, send: {to: out}}")+places).Hook("h")
	d := rules.Decision{Fixed: &rules.Fixed{}}
	h.Decide(call(t, h, delivery(started)), &d)
	kept := d.Actions[0].JSON
	h.Decide(call(t, h, delivery(suspended)), &d)
	if want := `{"to":"out","body":` + started + `}`; string(kept) != want {
		t.Errorf("got %s, want %s", kept, want)
	}
}

// manyRules is a policy with a rule for each of n event types, none of which is the sample's.
func manyRules(n int) string {
	var all strings.Builder
	types := hook.EventTypes()
	for i := range n {
		if at := types[i%len(types)]; !strings.Contains(string(sample.Of(hook.EventHook)), at) {
			fmt.Fprintf(&all, "- {name: r%d, on: %s, when: event.outcome.result == 'UNKNOWN', log: x}\n", i, at)
		}
	}
	all.WriteString("- {name: mine, on: ['user.*', 'group.*'], when: event.outcome.result == 'UNANSWERED', send: {to: out}}")
	return policy("event", "", all.String()) + places
}

func BenchmarkEvent(b *testing.B) {
	for _, bb := range []struct{ name, policy string }{
		{"nothing to do, 1 rule", manyRules(0)},
		{"nothing to do, 10000 rules", manyRules(10_000)},
		{"one action", policy("event", "", "- {name: a, on: 'user.*', when: event.outcome.result != nil, send: {to: siem, path: '/${event.actor.id}', body: {who: '${event.actor.alternateId}', what: '${event.eventType}'}}}\n- {name: g, on: 'group.*', send: {to: out}}") + places},
		{"the event itself", policy("event", "", "- {name: a, send: {to: out}}") + places},
	} {
		b.Run(bb.name, func(b *testing.B) {
			h := load(b, bb.policy).Hook("h")
			c := call(b, h, string(sample.Of(hook.EventHook)))
			var d rules.Decision
			b.ReportAllocs()
			for b.Loop() {
				h.Decide(c, &d)
			}
		})
	}
}

// TestEventsAtOnce: state of one event must not leak into the plan of another, and a kept plan
// must not change.
func TestEventsAtOnce(t *testing.T) {
	h := load(t, policy("event", "", "- {name: a, on: 'user.*', send: [{to: out}, {to: siem, path: '/${event.uuid}', body: '${event.eventType}'}]}")+places).Hook("h")
	wants := map[string][2]string{}
	for _, event := range []string{started, suspended} {
		d := rules.Decision{Fixed: &rules.Fixed{}}
		h.Decide(call(t, h, delivery(event)), &d)
		wants[event] = [2]string{string(d.Actions[0].JSON), string(d.Actions[1].JSON)}
	}
	done := make(chan error)
	for range 4 {
		go func() {
			d := rules.Decision{Fixed: &rules.Fixed{}}
			var kept []hook.Action
			for i := range 500 {
				event := []string{started, suspended}[i%2]
				var doc jsondoc.Doc
				if err := doc.Parse([]byte(delivery(event)), jsondoc.Limits{}); err != nil {
					done <- err
					return
				}
				h.Decide(&hook.Call{Type: h.Type, Doc: &doc}, &d)
				kept = append(kept, d.Actions...)
			}
			for i, a := range kept {
				if want := wants[[]string{started, suspended}[i/2%2]][i%2]; string(a.JSON) != want {
					done <- fmt.Errorf("action %d: got %s, want %s", i, a.JSON, want)
					return
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

// TestTooMuchToSend has a rule that asks for 200 copies of an event of half a megabyte: it fails,
// before one is made, and its neighbours do not.
func TestTooMuchToSend(t *testing.T) {
	h := load(t, policy("event", "", "- {name: first, send: {to: out, body: 1}}\n"+
		"- {name: many, log: x, send: \"${map(event.target, ({to: 'out'}))}\"}\n"+
		"- {name: last, send: {to: out}}")+places).Hook("h")
	event := `{"target":[` + strings.TrimSuffix(strings.Repeat(`1,`, 200), ",") + `],"x":"` + strings.Repeat("x", 1<<19) + `"}`
	c := call(t, h, delivery(event))
	d := rules.Decision{Fixed: &rules.Fixed{}}
	h.Decide(c, &d)
	if len(d.Results) != 3 || !errors.Is(d.Results[1].Err, runtime.ErrOutput) || d.Exhausted || len(d.Logs) != 0 {
		t.Errorf("results %+v, logs %d", d.Results, len(d.Logs))
	}
	if len(d.Actions) != 2 || d.Actions[0].Rule != "first" || d.Actions[1].Rule != "last" || len(d.Actions[1].JSON) < 1<<19 {
		t.Errorf("%d actions", len(d.Actions))
	}
}
