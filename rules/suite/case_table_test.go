package suite_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/rules/suite"
)

// TestCasesSpread: each case becomes one test with the shared fields, overridden by its own.
func TestCasesSpread(t *testing.T) {
	const tests = `tests:
  - name: all
    hook: signup
    input: {eventType: com.okta.user.pre-registration, data: {userProfile: {a: 0, b: 0}}}
    set: {data.userProfile.a: 1}
    now: 2026-07-01T12:00:00+02:00
    seed: one
    expect: {rules: [r], error: ~}
    cases:
      - {}
      - {name: own, set: {data.userProfile.b: 2}, now: 2026-07-02T00:00:00Z, seed: two, expect: {rules: []}}
  - name: rows
    hook: signup
    input: {eventType: com.okta.user.pre-registration, data: {userProfile: {}}}
    table:
      - [name, data.userProfile.a, expect.rules, now]
      - [first, x, r, 2026-07-03T00:00:00Z]
      - [second, {y: ~}, []]
  - name: one
    hook: signup
    input: {eventType: com.okta.user.pre-registration}
    expect: {rules: [r]}
`
	const want = `10 all: 1|{"eventType":"com.okta.user.pre-registration","data":{"userProfile":{"a":1,"b":0}}}|2026-07-01T10:00:00Z|true|[r]|null
11 all: own|{"eventType":"com.okta.user.pre-registration","data":{"userProfile":{"a":1,"b":2}}}|2026-07-02T00:00:00Z|true|[]|null
17 rows: first|{"eventType":"com.okta.user.pre-registration","data":{"userProfile":{"a":"x"}}}|2026-07-03T00:00:00Z|false|[r]|
18 rows: second|{"eventType":"com.okta.user.pre-registration","data":{"userProfile":{"a":{"y":null}}}}|0001-01-01T00:00:00Z|false|[]|
19 one|{"eventType":"com.okta.user.pre-registration"}|0001-01-01T00:00:00Z|false|[r]|
`
	f := folder.New(map[string][]byte{"policy.yaml": []byte(casesPolicy), "a_test.yaml": []byte(tests)})
	s, err := rules.Load(f, rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	cases, problems := suite.ReadCases(f, s)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got strings.Builder
	for _, c := range cases {
		fmt.Fprintf(&got, "%d %s|%s|%s|%v|%v|%s\n", c.Line, c.Name, c.Input, c.Fixed.Now.UTC().Format(time.RFC3339),
			c.Fixed.Seed != [32]byte{}, c.Expect.Rules, c.Expect.Error)
	}
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
	if cases[0].Fixed.Seed == cases[1].Fixed.Seed {
		t.Error("two seeds give the same randomness")
	}
}

// TestCasesProblems has one slip a test.
func TestCasesProblems(t *testing.T) {
	tests := []struct{ name, rest, want string }{
		{"NoExpect", `cases: [{set: {data.userProfile.a: 1}}]`, "3:13: a case has no expect, nor has its test"},
		{"NeitherExpectNorCases", `set: {}`, "2:5: a test has no expect"},
		{"NoCases", `cases: []`, "3:12: no cases here: want one or more"},
		{"NoList", `cases: 7`, "3:12: want cases as a list, got 7"},
		{"UnknownKey", `cases: [{expects: {}}]`, "3:13: a case has no expect, nor has its test\na_test.yaml:3:14: unknown key \"expects\" in a case, did you mean \"expect\"?"},
		{"Both", "expect: {rules: r}\n    cases: [{}]\n    table: [[name], [x]]", "5:12: a test has cases or a table: want one of them"},
		{"TwoOfAName", `cases: [{name: x, expect: {rules: r}}, {name: x, expect: {rules: r}}]`, `3:51: duplicate test name "t: x", first on line 3`},
		{"NoTime", "now: tomorrow\n    expect: {rules: r}", "3:10: want a time such as 2026-07-01T12:00:00Z, got a text"},
		{"NoSeed", "seed: [1]\n    expect: {rules: r}", "3:11: want a seed as a text, got a list"},
		{"OneRow", `table: [[name]]`, "3:12: no cases here: want rows below the first, which names what stands in them"},
		{"LongRow", `table: [[expect.rules], [r, s]]`, "3:33: want at most 1 values in a row, as the first row has names"},
		{"HeadTwice", `table: [[name, name], [a, b]]`, "3:20: name is there twice in this row"},
		{"HeadUnknown", `table: [[expect.rulez], [r]]`, `3:14: unknown key "rulez" in expect, did you mean "rules"?`},
		{"HeadNoText", `table: [[7], [r]]`, "3:14: want a name in a table's first row: name, now, seed, expect.KEY, or a path to set; got 7"},
		{"RowUnknownRule", `table: [[expect.rules], [s]]`, `3:30: hook signup has no rule "s"`},
		{"RowUnknownMember", `table: [[data.userProfil.a, expect.rules], [1, r]]`, `3:49: set data.userProfil.a: unknown field userProfil, did you mean userProfile?`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := "tests:\n  - name: t\n    " + tt.rest + "\n    hook: signup\n    input: {sample: registration}\n"
			if got := strings.TrimPrefix(caseProblems(t, text), "a_test.yaml:"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}
