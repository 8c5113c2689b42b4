package suite_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/rules/suite"
)

const policy = `tenterhook: 1
hooks:
  - name: signup
    type: registration
    auth: none
    rules:
      - {name: nobody from example.org, when: domain(data.userProfile.email) == "example.org", missing: skip, deny: Go away.}
      - {name: stamp, profile: {division: sales, level: 3}}
      - {name: never, when: data.userProfile.email == "never", profile: {x: y}}
  - name: token
    type: token
    auth: none
    rules:
      - {name: role, claims: {id: {app_role: admin, "a/b": 2}, access: {app_role: member}}}
      - {name: reserved, when: "data.identity.claims.email == 'x'", commands: [{type: com.okta.access.patch, value: [{op: add, path: "/claims/${data.identity.claims.name}", value: x}]}]}
  - name: audit
    type: event
    auth: none
    rules:
      - {name: suspended, on: user.lifecycle.*, send: {to: slack, path: "/${event.target[0].id}", body: {text: "${event.displayMessage}"}}}
      - {name: failed, when: event.outcome.result == "FAILURE", send: {to: log}}
      - {name: broken, on: group.user_membership.remove, log: "${event.debugContext.debugData.triggeredByGroupRuleId * 2}"}
destinations:
  slack: {url: "https://hooks.example/x"}
  log: {stdout: true}
`

// load reads a folder of the policy above and a test file.
func load(t testing.TB, tests string) (*folder.Folder, *rules.Set) {
	t.Helper()
	f := folder.New(map[string][]byte{
		"policy.yaml": []byte(policy), "policy_test.yaml": []byte(tests),
		"signup.json": []byte(`{"eventType": "com.okta.user.pre-registration", "data": {"userProfile": {"email": "eve@example.org"}}}`),
		"list.json":   []byte(`[]`),
	})
	s, err := rules.Load(f, rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f, s
}

// text runs the tests and gives the report as text, without its durations.
func text(t testing.TB, tests string) (*suite.Report, string) {
	t.Helper()
	f, s := load(t, tests)
	r, err := suite.Run(f, s, suite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.Duration = 0
	for i := range r.Cases {
		r.Cases[i].Duration = 0
	}
	var out strings.Builder
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	return r, out.String()
}

func TestPasses(t *testing.T) {
	tests := []struct{ name, test string }{
		{"a file of the folder", `{hook: signup, input: signup.json, expect: {rules: nobody from example.org}}`},
		{"a sample", `{hook: signup, input: {sample: registration}, expect: {rules: [stamp]}}`},
		{"an object", `{hook: signup, input: {eventType: com.okta.user.pre-registration, data: {userProfile: {}}}, expect: {rules: [stamp]}}`},
		{"set changes a member", `{hook: signup, input: signup.json, set: {data.userProfile.email: a@example.com}, expect: {rules: [stamp]}}`},
		{"set makes members", `{hook: signup, input: {eventType: com.okta.user.pre-registration}, set: {data.userProfile.email: a@example.org}, expect: {rules: [nobody from example.org]}}`},
		{"actions of every event", `{hook: audit, input: {sample: event-batch}, expect: {rules: [suspended, failed], failed: [broken], actions: [{to: slack, rule: suspended, path: /00u4xa2cDeFgHjKl50g7}, {to: log}]}}`},
		{"no actions", `{hook: audit, input: {sample: event}, set: {data.events.0.eventType: user.session.start}, expect: {rules: [], actions: []}}`},
		{"an inline hook's actions", `{hook: signup, input: signup.json, expect: {actions: []}}`},
		{"the time", `{hook: token, input: {sample: token}, now: 2026-01-02T03:04:05Z, seed: s, expect: {rules: role}}`},
		{"set to null", `{hook: signup, input: signup.json, set: {data.userProfile.email: ~}, expect: {rules: [stamp]}}`},
		{"set by JSON Pointer", `{hook: signup, input: signup.json, set: {/data/userProfile/email: a@example.com}, expect: {rules: [stamp]}}`},
		{"members in another order", `{hook: signup, input: signup.json, set: {data.userProfile.email: a@example.com}, expect: {answer: {commands: [{value: {level: 3.0, division: sales}, type: com.okta.user.profile.update}]}}}`},
		{"commands", `{hook: signup, input: signup.json, set: {data: {}}, expect: {commands: [{type: com.okta.user.profile.update, value: {division: sales, level: 3}}]}}`},
		{"no commands beside an error", `{hook: signup, input: signup.json, expect: {rules: [nobody from example.org]}}`},
		{"no error", `{hook: signup, input: {sample: registration}, expect: {error: ~}}`},
		{"the text of an error", `{hook: signup, input: signup.json, expect: {error: "Go away."}}`},
		{"a rule that fails", `{hook: token, input: {sample: token}, set: {data.identity.claims.email: x, data.identity.claims.name: iss}, expect: {rules: role, failed: reserved}}`},
		{"claims", `{hook: token, input: {sample: token}, expect: {rules: role, claims: {id: {app_role: admin, a/b: 2.0}, access: {app_role: member}}}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, out := text(t, "tests:\n  - "+strings.Replace(test.test, "{", "{name: x, ", 1))
			if r.Failed > 0 || r.Passed != 1 {
				t.Error(out)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	tests := []struct{ name, test, want string }{
		{"rules", `{hook: signup, input: signup.json, expect: {rules: [stamp, never]}}`,
			"rules\nwant stamp, never\ngot  nobody from example.org"},
		{"no rules", `{hook: signup, input: signup.json, expect: {rules: []}}`,
			"rules\nwant none\ngot  nobody from example.org"},
		{"an error that is none", `{hook: signup, input: {sample: registration}, expect: {error: {errorSummary: x}}}`,
			"error\nwant {\"errorSummary\":\"x\"}\ngot  null"},
		{"another text of an error", `{hook: signup, input: signup.json, expect: {error: x}}`,
			"error\nwant \"x\"\ngot  \"Go away.\""},
		{"a text without an error", `{hook: signup, input: {sample: registration}, expect: {error: x}}`,
			"error\nwant \"x\"\ngot  null"},
		{"one member of many", `{hook: signup, input: {sample: registration}, expect: {answer: {commands: [{type: com.okta.user.profile.update, value: {division: "<sales>", level: 3}}]}}}`,
			"answer\nat commands.0.value.division\n  want \"<sales>\"\n  got  \"sales\""},
		{"short values", `{hook: signup, input: signup.json, expect: {commands: []}}`,
			"commands\nat 0\n  want nothing\n  got  {\"type\":\"com.okta.action.update\",\"value\":{\"registration\":\"DENY\"}}"},
		{"claims", `{hook: token, input: {sample: token}, expect: {claims: {id: {app_role: admin, a/b: 2.0}}}}`,
			"claims\nat access\n  want nothing\n  got  {\"app_role\":\"member\"}"},
	}
	tests = append(tests, struct{ name, test, want string }{"an action's member", `{hook: audit, input: {sample: event-batch}, expect: {failed: broken, actions: [{to: slack, body: {text: Suspended}}]}}`,
		"actions\nat 0.body.text\n  want \"Suspended\"\n  got  \"Suspend Okta user\"\nat 1\n  want nothing\n  got  {\"rule\":\"failed\",\"to\":\"log\"}"})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, out := text(t, "tests:\n  - "+strings.Replace(test.test, "{", "{name: x, ", 1))
			if r.Failed != 1 || len(r.Cases[0].Failures) != 1 {
				t.Fatal(out)
			}
			if f := r.Cases[0].Failures[0]; f.What+"\n"+f.Text != test.want {
				t.Errorf("got\n%s\n%s\nwant\n%s", f.What, f.Text, test.want)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	tests := []struct{ name, tests, want string }{
		{"an empty file", "", "policy_test.yaml:1:1: no tests here: want tests: and a list"},
		{"no tests", "test: []", "policy_test.yaml:1:1: unknown key \"test\" in a test file, did you mean \"tests\"?\npolicy_test.yaml:1:1: a test file has no tests"},
		{"no list", "tests: {}", "policy_test.yaml:1:8: want tests as a list, got a map"},
		{"nothing", "tests:\n  - {}", "policy_test.yaml:2:5: a test has no name\npolicy_test.yaml:2:5: a test has no hook\npolicy_test.yaml:2:5: a test has no input\npolicy_test.yaml:2:5: a test has no expect"},
		{"an unknown key", "tests:\n  - {name: x, hook: signup, input: signup.json, expects: {rules: []}, expect: {rules: []}}",
			"policy_test.yaml:2:49: unknown key \"expects\" in a test, did you mean \"expect\"?"},
		{"nothing expected", "tests:\n  - {name: x, hook: signup, input: signup.json, expect: {}}",
			"policy_test.yaml:2:57: want something to expect: rules, failed, answer, commands, error, claims or actions"},
		{"an action that is none", "tests:\n  - {name: x, hook: signup, input: signup.json, expect: {actions: [slack]}}",
			"policy_test.yaml:2:68: want an action as a map, such as {to: name}, got a text"},
		{"an unknown member of an action", "tests:\n  - {name: x, hook: signup, input: signup.json, expect: {actions: [{to: slack, bodyy: 1}]}}",
			"policy_test.yaml:2:80: unknown key \"bodyy\" in an action, did you mean \"body\"?"},
		{"the answer of an event hook", "tests:\n  - {name: x, hook: audit, input: {sample: event}, expect: {answer: {}, commands: []}}",
			"policy_test.yaml:2:61: hook audit is an event hook, and has no answer: want rules, failed or actions"},
		{"a delivery without events", "tests:\n  - {name: x, hook: audit, input: {eventType: com.okta.event_hook, data: {events: []}}, expect: {rules: []}}",
			"policy_test.yaml:2:35: this delivery has no events: want data.events as a list of them"},
		{"an unknown hook", "tests:\n  - {name: x, hook: sign-up, input: signup.json, expect: {rules: []}}",
			"policy_test.yaml:2:21: there is no hook \"sign-up\", did you mean \"signup\"?"},
		{"an unknown rule", "tests:\n  - {name: x, hook: signup, input: signup.json, expect: {rules: [stamps]}}",
			"policy_test.yaml:2:66: hook signup has no rule \"stamps\", did you mean \"stamp\"?"},
		{"an unknown file", "tests:\n  - {name: x, hook: signup, input: signip.json, expect: {rules: []}}",
			"policy_test.yaml:2:36: there is no signip.json in the policy folder, did you mean \"signup.json\"?"},
		{"an unknown sample", "tests:\n  - {name: x, hook: signup, input: {sample: registratoin}, expect: {rules: []}}",
			"policy_test.yaml:2:45: there is no sample \"registratoin\", did you mean \"registration\"?"},
		{"a call of another type", "tests:\n  - {name: x, hook: token, input: signup.json, expect: {rules: []}}",
			"policy_test.yaml:2:35: hook token is called with eventType \"com.okta.oauth2.tokens.transform\", this has \"com.okta.user.pre-registration\""},
		{"no call", "tests:\n  - {name: x, hook: token, input: policy.yaml, expect: {rules: []}}",
			"policy_test.yaml:2:35: invalid call: at byte 0: not JSON: want a value"},
		{"a path through a text", "tests:\n  - {name: x, hook: signup, input: signup.json, set: {data.userProfile.email.x: 1}, expect: {rules: []}}",
			"policy_test.yaml:2:55: set data.userProfile.email.x: there is no \"x\" in a text"},
		{"a path with nothing in it", "tests:\n  - {name: x, hook: signup, input: signup.json, set: {data..x: 1}, expect: {rules: []}}",
			"policy_test.yaml:2:55: set data..x: a name in the path is empty: want a path such as data.userProfile.email"},
		{"a token that is none", "tests:\n  - {name: x, hook: token, input: {sample: token}, expect: {claims: {refresh: {}}}}",
			"policy_test.yaml:2:70: unknown token \"refresh\": want id or access"},
		{"a name twice", "tests:\n  - {name: x, hook: signup, input: signup.json, expect: {rules: []}}\n  - {name: x, hook: signup, input: signup.json, expect: {rules: []}}",
			"policy_test.yaml:3:12: duplicate test name \"x\", first on line 2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, s := load(t, test.tests)
			r, err := suite.Run(f, s, suite.Options{})
			problems, ok := errors.AsType[document.Problems](err)
			if !ok || r != nil {
				t.Fatalf("got %v, %v", r, err)
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if strings.Join(got, "\n") != test.want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), test.want)
			}
		})
	}
}

const mixed = `tests:
  - name: passes
    hook: signup
    input: signup.json
    expect: {rules: [nobody from example.org]}
  - name: fails <twice>
    hook: signup
    input: {sample: registration}
    expect: {rules: [], commands: []}
  - name: a rule that fails
    hook: token
    input: {sample: token}
    set: {data.identity.claims.email: x, data.identity.claims.name: iss}
    expect: {rules: [role]}
`

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestReport(t *testing.T) {
	r, out := text(t, mixed)
	if r.Passed != 1 || r.Failed != 2 || len(r.Cases) != 3 {
		t.Errorf("%d passed, %d failed of %d", r.Passed, r.Failed, len(r.Cases))
	}
	golden(t, "report.txt", out)

	var junit strings.Builder
	if err := r.WriteJUnit(&junit); err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal([]byte(junit.String()), new(struct{})); err != nil {
		t.Error(err)
	}
	golden(t, "report.xml", junit.String())

	text, err := json.MarshalIndent(r.Coverage, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "coverage.json", string(text)+"\n")
}

// TestCoverage lists the results of a condition that no test covers.
func TestCoverage(t *testing.T) {
	f := folder.New(map[string][]byte{
		"policy.yaml": []byte(`tenterhook: 1
hooks:
  - name: signup
    type: registration
    auth: none
    let: {plain: data.userProfile.login != nil, strange: data.userProfile.lastName == nil or plain}
    rules:
      - name: partly
        when: >-
          data.userProfile.email endsWith "@a.example"
          and (data.userProfile.lastName == "x"
            or data.userProfile.firstName == "y")
        profile: {division: sales}
      - {name: always, when: data.userProfile.email != nil, profile: {level: 1}}
      - {name: never, when: "!(data.userProfile.email != nil)", profile: {x: "1"}}
      - {name: any call, log: x, stop: true}
      - {name: beyond, when: data.userProfile.email == "x" or data.userProfile.email == "y", log: y}
  - name: lets
    type: registration
    auth: none
    let: {odd: data.userProfile.lastName == nil or data.userProfile.email == nil}
    rules: [{name: odd, when: odd, log: x}]
  - name: passwords
    type: password-import
    auth: none
    rules:
      - name: right
        verify: ${ password(data.context.credential.password, vars.one) and data.context.credential.username != 'eve' }
      - {name: plain, when: data.context.credential.username == 'x', verify: "${data.context.credential.password == 'x'}"}
      - {name: fixed, verify: true}
vars: {one: "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A="}
`),
		"policy_test.yaml": []byte(`tests:
  - {name: wrong, hook: passwords, input: {sample: password-import}, set: {data.context.credential.password: "no"}, expect: {rules: [right, fixed]}}
  - name: who
    hook: signup
    input: {sample: registration}
    table:
      - [data.userProfile.email, data.userProfile.lastName, expect.rules]
      - [a@a.example, x, [partly, always, any call]]
      - [a@b.example, x, [always, any call]]
  - {name: let, hook: lets, input: {sample: registration}, expect: {rules: []}}
`)})
	s, err := rules.Load(f, rules.Options{Clauses: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := suite.Run(f, s, suite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	r.WriteText(&out)
	if err := r.WriteCoverage(&out); err != nil {
		t.Fatal(err)
	}
	golden(t, "clauses.txt", regexp.MustCompile(`\([\d.]+(µs|ms)\)|"revision": ".*"`).ReplaceAllString(out.String(), "..."))
}

func TestSelect(t *testing.T) {
	f, s := load(t, mixed)
	r, err := suite.Run(f, s, suite.Options{Select: func(name string) bool { return name == "passes" }})
	if err != nil {
		t.Fatal(err)
	}
	if r.Passed != 1 || len(r.Cases) != 1 {
		t.Errorf("%d passed of %d", r.Passed, len(r.Cases))
	}
}

func FuzzTests(f *testing.F) {
	f.Add(mixed)
	f.Add("tests: [{name: x, hook: token, input: {sample: token}, set: {data.0.x: [1, {}]}, expect: {claims: {id: {a: 1}}}}]")
	f.Add("tests: [{name: x, hook: token, input: {sample: token}, set: {/data/identity/claims/a~1b: *x}, expect: {error: ~}}]")
	f.Add("&a tests: [*a]")
	f.Add("tests: [{name: x, hook: token, input: {sample: token}, table: [[name, now, seed, expect.rules, data.x], [a, 2026-01-01T00:00:00Z, 1, [], {}], [b]]}]")
	f.Add("tests: [{name: x, hook: token, input: {sample: token}, expect: {rules: []}, cases: [{}, {name: y, set: {data.context: 1}, expect: {error: ~}}]}]")
	_, s := load(f, "")
	f.Fuzz(func(t *testing.T, tests string) {
		folder := folder.New(map[string][]byte{"a_test.yaml": []byte(tests), "signup.json": []byte("{}")})
		r, err := suite.Run(folder, s, suite.Options{})
		if err != nil {
			if problems, ok := errors.AsType[document.Problems](err); !ok || len(problems) == 0 {
				t.Fatalf("%v", err)
			}
			return
		}
		var out strings.Builder
		r.WriteText(&out)
		r.WriteJUnit(&out)
	})
}
