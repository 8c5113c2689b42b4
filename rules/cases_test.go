package rules_test

import (
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
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
	f := rules.NewFolder(map[string][]byte{"policy.yaml": []byte(casesPolicy), "a_test.yaml": []byte(tests)})
	s, err := rules.Load(f, rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	_, problems := f.Cases(s)
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
