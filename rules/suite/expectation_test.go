package suite

import (
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func TestDiffJSON(t *testing.T) {
	tests := []struct {
		name, want, got string
		diff            string
	}{
		{"equal", `{"a":1,"b":[true,null]}`, `{ "b": [true, null], "a": 1 }`, ""},
		{"numbers written in other ways", `[1, 100, 0.5, 0]`, `[1.0, 1e2, 5.0e-1, -0]`, ""},
		{"escapes", `"é<"`, `"\u00e9\u003c"`, ""},
		{"large whole numbers", `9007199254740993`, `9007199254740992`, "want 9007199254740993\ngot  9007199254740992"},
		{"numbers too large to write out", `1e999999999`, `1e999999998`, "want 1e999999999\ngot  1e999999998"},
		{"a text and a number", `"1"`, `1`, "want \"1\"\ngot  1"},
		{"null and nothing", `{"a":null}`, `{}`, "at a\n  want null\n  got  nothing"},
		{"elements in another order", `[1,2]`, `[2,1]`, "at 0\n  want 1\n  got  nothing\nat 1\n  want nothing\n  got  1"},
		{"far apart", `[0,1,2,3,4,5,6,7,8,9]`, `["a",1,2,3,4,5,6,7,8,"b"]`, "at 0\n  want 0\n  got  \"a\"\nat 9\n  want 9\n  got  \"b\""},
		{"an element more in front", `[{"a":1},{"b":2}]`, `[{"x":0},{"a":1},{"b":3}]`, "at 0\n  want nothing\n  got  {\"x\":0}\nat 2.b\n  want 2\n  got  3"},
		{"another kind", `{"a":{"b":[1]}}`, `{"a":{"b":{"c":1}}}`, "at a.b\n  want [1]\n  got  {\"c\":1}"},
		{"names with dots", `{"a.b":{"c/d~":1}}`, `{"a.b":{"c/d~":2}}`, "at /a.b/c~1d~0\n  want 1\n  got  2"},
		{"deep inside", `{"a":[{"b":{"c":[1,2,{"d":3,"e":4}]}}]}`, `{"a":[{"b":{"c":[1,2,{"d":3,"e":5}]}}]}`, "at a.0.b.c.2.e\n  want 4\n  got  5"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := diffJSON([]byte(test.want), []byte(test.got), []byte(test.got)); got != test.diff {
				t.Errorf("got\n%s\nwant\n%s", got, test.diff)
			}
		})
	}
}

// TestDiffJSONHidesSecrets: a difference quotes only the redacted value.
func TestDiffJSONHidesSecrets(t *testing.T) {
	const want = `{"a":[{"code":"1","to":"x"},{"code":"2"}],"n":1}`
	got := `{"a":[{"code":"1","to":"y"},{"code":"3","more":"3"}],"n":2}`
	redacted := `{"a":[{"code":"[secret]","to":"y"},{"code":"[secret]","more":"[secret]"}],"n":2}`
	diff := `at a.0.to
  want "x"
  got  "y"
at a.1.code
  want "2"
  got  "[secret]"
at a.1.more
  want nothing
  got  "[secret]"
at n
  want 1
  got  2`
	if text := diffJSON([]byte(want), []byte(got), []byte(redacted)); text != diff {
		t.Errorf("got\n%s", text)
	}
	if text := diffJSON([]byte(want), []byte(got), []byte(`"[secret]"`)); strings.Contains(text, `"3"`) {
		t.Errorf("got\n%s", text)
	}
}

func TestClaims(t *testing.T) {
	const commands = `[
		{"type": "com.okta.identity.patch", "value": [
			{"op": "add", "path": "/claims/role", "value": "x"}, {"op": "add", "path": "/claims/a~1b", "value": 1},
			{"op": "add", "path": "/claims/employee/manager", "value": []}, {"op": "remove", "path": "/claims/old"},
			{"op": "replace", "path": "/token/lifetime/expiration", "value": 600}]},
		{"type": "com.okta.identity.patch", "value": [{"op": "replace", "path": "/claims/role", "value": "y"}]},
		{"type": "com.okta.access.patch", "value": [{"op": "remove", "path": "/claims/old"}]}]`
	const want = `{"id":{"a/b":1,"employee/manager":[],"role":"y"}}`
	var doc jsondoc.Doc
	if err := doc.Parse([]byte(commands), jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	if got := string(claims(doc.Root())); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnswerThatBreaksTheContract(t *testing.T) {
	for _, answer := range []string{`{"commands": [{"type": "com.action.update", "value": {}}]}`, `{"error": {}, "more": 1}`, `[]`, `{`, ``} {
		d := rules.Decision{Answer: []byte(answer)}
		failures := compare(&rules.Hook{Type: hook.Registration}, &Expect{}, &d, &d)
		if len(failures) == 0 || failures[0].What != "contract" || strings.HasPrefix(failures[0].Text, ":") {
			t.Errorf("%s: %v", answer, failures)
		}
	}
}
