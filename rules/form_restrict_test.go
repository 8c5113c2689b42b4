package rules_test

import (
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// TestRestrictingCommands: a rule whose commands may deny or remove fails closed, and so does its
// hook, also if the kind of command depends on the call.
func TestRestrictingCommands(t *testing.T) {
	const word, patch, saml = "type: com.okta.action.update, value: ", "type: com.okta.access.patch, value: ", "type: com.okta.assertion.patch, value: "
	tests := []struct {
		name, kind, commands string
		closed               bool
	}{
		{"DENY", "registration", `[{` + word + `{registration: DENY}}]`, true},
		{"ALLOW", "registration", `[{` + word + `{registration: ALLOW}}]`, false},
		{"a computed word", "registration", `[{` + word + `{registration: "${'x' == 'y' ? 'DENY' : 'ALLOW'}"}}]`, true},
		{"a computed value", "registration", `[{` + word + `"${ {'registration': 'DENY'} }"}]`, true},
		{"a computed type", "registration", `[{type: "com.okta.${'action'}.update", value: {registration: ALLOW}}]`, true},
		{"a computed command", "registration", `["${ {type: 'com.okta.action.update', value: {registration: 'DENY'}} }"]`, true},
		{"computed commands", "registration", `"${[{type: 'com.okta.action.update', value: {registration: 'DENY'}}]}"`, true},
		{"a profile", "registration", `[{type: com.okta.user.profile.update, value: {type: "${'x'}", note: DENY}}]`, false},
		{"an added claim", "token", `[{` + patch + `[{op: add, path: /claims/a, value: "${'x'}"}]}]`, false},
		{"a removed claim", "token", `[{` + patch + `[{op: remove, path: /claims/a}]}]`, true},
		{"a replaced claim", "token", `[{` + patch + `[{op: add, path: /claims/b, value: 1}, {op: replace, path: /claims/a, value: false}]}]`, true},
		{"a computed operation", "token", `[{` + patch + `[{op: "${'remove'}", path: /claims/a}]}]`, true},
		{"a computed path", "token", `[{` + patch + `[{op: add, path: "/claims/${'x'}", value: 1}]}]`, true},
		{"a whole computed operation", "token", `[{` + patch + `["${ {op: 'remove', path: '/claims/a'} }"]}]`, true},
		{"computed operations", "token", `[{` + patch + `"${[{op: 'remove', path: '/claims/a'}]}"}]`, true},
		{"a lifetime", "token", `[{` + patch + `[{op: replace, path: /token/lifetime/expiration, value: 300}]}]`, true},
		{"an added statement", "saml", `[{` + saml + `[{op: add, path: /claims/a, value: {attributeValues: []}}]}]`, false},
		{"a replaced statement", "saml", `[{` + saml + `[{op: replace, path: /claims/array/attributeValues, value: []}]}]`, true},
		{"a session's lifetime", "saml", `[{` + saml + `[{op: add, path: /authentication/sessionLifetime, value: 300}]}]`, true},
	}
	bodies := map[string]string{
		"registration": `{"data":{"userProfile":{"email":["x"]}}}`,
		"token":        `{"data":{"context":{"user":{"profile":{"email":["x"]}}},"access":{"claims":{}}}}`,
		"saml":         `{"data":{"context":{"user":{"profile":{"email":["x"]}}},"assertion":{"claims":{}}}}`,
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			field := "data.context.user.profile.email"
			if tt.kind == "registration" {
				field = "data.userProfile.email"
			}
			text := policy(tt.kind, "", "- name: r\n  when: upper("+field+") != 'X'\n  commands: "+tt.commands)
			h := load(t, text).Hook("h")
			want := string(hook.OpenAnswer(h.Type))
			if tt.closed {
				want = string(hook.ClosedAnswer(h.Type))
			}
			if string(h.Failure) != want {
				t.Errorf("the hook's failure answer is %s", h.Failure)
			}
			d := rules.Decision{Fixed: &rules.Fixed{}}
			h.Decide(call(t, h, bodies[tt.kind]), &d)
			if string(d.Answer) != want || len(d.Results) != 1 || d.Results[0].Err == nil {
				t.Errorf("got %s %+v", d.Answer, d.Results)
			}
		})
	}
}

// TestComputedPointers: a value computed inside a path is a name, or a part of one.
func TestComputedPointers(t *testing.T) {
	const rule = `
- name: r
  commands:
    - type: com.okta.access.patch
      value:
        - {op: add, path: "/claims/app_${data.context.user.profile.name}", value: {path: "/${data.context.user.profile.name}"}}
        - {op: add, path: "${'/claims/x'}", value: 1}
`
	tests := []struct{ name, want string }{
		{"plain", "app_plain"},
		{"x/y", "app_x~1y"},
		{"a~1/~", "app_a~01~1~0"},
		{`quo\"te`, `app_quo\"te`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := decide(t, policy("token", "", rule), `{"data":{"context":{"user":{"profile":{"name":"`+tt.name+`"}}},"access":{"claims":{"app_x":{"y":1}}}}}`)
			want := commands(access(`{"op":"add","path":"/claims/` + tt.want + `","value":{"path":"/` + tt.name + `"}},{"op":"add","path":"/claims/x","value":1}`))
			if string(d.Answer) != want {
				t.Errorf("got %s\n%+v", d.Answer, d.Results)
			}
		})
	}
	t.Run("nothing to fill in", func(t *testing.T) {
		d := decide(t, policy("token", "", rule), `{"data":{"access":{"claims":{}}}}`)
		if strings.Contains(string(d.Answer), "app_") {
			t.Errorf("got %s", d.Answer)
		}
	})
}
