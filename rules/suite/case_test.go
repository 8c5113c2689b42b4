package suite_test

import (
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/rules/suite"
)

const casesPolicy = `tenterhook: 1
known: [data.context.device.id]
hooks:
  - {name: saml, type: saml, auth: none, rules: [{name: r, attributes: {a: b}}]}
  - {name: signup, type: registration, auth: none, rules: [{name: r, debug: {a: b}}]}
  - {name: event, type: event, auth: none, rules: [{name: r, log: x}]}
`

// caseProblems is what is wrong with a folder's tests.
func caseProblems(t *testing.T, tests string) string {
	t.Helper()
	f := folder.New(map[string][]byte{"policy.yaml": []byte(casesPolicy), "a_test.yaml": []byte(tests)})
	s, err := rules.Load(f, rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	_, problems := suite.ReadCases(f, s)
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// TestCaseProblems tells them in the order of the file, however they were found.
func TestCaseProblems(t *testing.T) {
	got := caseProblems(t, `tests:
  - {name: a, hook: saml, input: {sample: saml}, expect: {claims: {id: {a: b}}}}
  - {name: b, hook: nope, input: {sample: saml}, expect: {rules: [r]}}
  - {name: c, hook: saml, input: {sample: saml}, expect: {rulez: [r]}}
`)
	want := `a_test.yaml:2:59: claims are what a token hook gives, and hook saml is a saml hook: want commands or answer
a_test.yaml:3:21: there is no hook "nope"
a_test.yaml:4:59: unknown key "rulez" in expect, did you mean "rules"?`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestSetKnownMembers holds that what a test sets is a member that calls have.
func TestSetKnownMembers(t *testing.T) {
	got := caseProblems(t, `tests:
  - name: slips
    hook: signup
    input: {sample: registration}
    set: {data.userProfil.email: x}
    expect: {rules: [r]}
  - name: open parts, what is known, elements, and what the input has
    hook: signup
    input: {eventType: com.okta.user.pre-registration, data: {x: {y: 1}}}
    set: {data.userProfile.any.thing: x, data.context.device.id: x, data.x.y: 2, /data/userProfil/email: x}
    expect: {rules: [r]}
  - name: events
    hook: event
    input: {sample: event}
    set: {data.events.0.actor.id: x, data.events.0.actor.tpye: x}
    expect: {rules: [r]}
`)
	want := `a_test.yaml:5:11: set data.userProfil.email: unknown field userProfil, did you mean userProfile?
a_test.yaml:15:38: set data.events.0.actor.tpye: unknown field tpye, did you mean type?`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
