package hook_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func TestRedacted(t *testing.T) {
	tests := []struct {
		name string
		typ  hook.Type
		call string
		json string // in a draft that contains text of its payload
		want string
	}{
		{"a claim that is not there", hook.Token, tokenCall, command(access, `[{"op":"replace","path":"/claims/SSN-123","value":1}]`),
			`commands[0].value[0].path: replace of "…", which is not there in this call: Okta would drop the whole patch`},
		{"a path", hook.Token, tokenCall, command(access, `[{"op":"add","path":"SSN-123","value":1}]`),
			`commands[0].value[0].path: want /claims/{name} or /token/lifetime/expiration, got "…"`},
		{"a reserved claim", hook.Token, tokenCall, command(access, `[{"op":"add","path":"/claims/jti","value":1}]`),
			`commands[0].value[0].path: "jti" is reserved in an access token, and Okta drops the whole patch for it: use another name, such as app_jti, or list it in released_claims if Okta has released it for your org`},
		{"a member", hook.Token, tokenCall, command(access, `[{"op":"add","path":"/claims/a","value":1,"SSN123":1}]`),
			`commands[0].value[0].…: unknown member of an operation; want op, path or value`},
		{"a member of another kind", hook.Token, tokenCall, `{"SSN-123":1}`, `[…]: unknown member; want commands, error, debugContext or actions`},
		{"a command", hook.Token, tokenCall, command("SSN-123", `1`), `commands[0].type: unknown command "…"; want com.okta.identity.patch or com.okta.access.patch`},
		{"a long command", hook.Token, tokenCall, command("SSN-123"+strings.Repeat("x", 100), `1`),
			`commands[0].type: unknown command "…"; want com.okta.identity.patch or com.okta.access.patch`},
		{"an operation", hook.Token, tokenCall, command(access, `[{"op":"SSN-123 \" \\","path":"/claims/a","value":1}]`),
			`commands[0].value[0].op: unknown operation "…"; want add, replace or remove`},
		{"a word", hook.Registration, signupCall, command("com.okta.action.update", `{"registration":"SSN-123"}`),
			`commands[0].value.registration: want "ALLOW" or "DENY", got a string`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m hook.Merge
			m.Begin(event(t, tt.typ, tt.call))
			refused, ok := errors.AsType[*hook.ContractError](m.Add("rule", &hook.Draft{JSON: []byte(tt.json)}))
			if !ok {
				t.Fatal("the draft is not refused")
			}
			if got := refused.Redacted(); got != tt.want {
				t.Errorf("got %s\nof  %s", got, refused)
			}
		})
	}
}

// FuzzRedacted: no name from outside survives, wherever it occurs.
func FuzzRedacted(f *testing.F) {
	f.Add("q", "x")
	f.Add(`"`, `\`)
	f.Add("]", "[0].value")
	f.Add("~1\n", "…")
	f.Fuzz(func(t *testing.T, before, after string) {
		const marker = "Zq7Xw9"
		name := string(jsondoc.AppendString(nil, before+marker+after))
		for _, draft := range []string{
			`{%s:1}`, `{"commands":[{"type":%s,"value":1}]}`, `{"commands":[{"type":"com.okta.access.patch","value":1,%s:1}]}`,
			`{"commands":[{"type":"com.okta.access.patch","value":[{"op":"add","path":%s,"value":1}]}]}`,
			`{"commands":[{"type":"com.okta.access.patch","value":[{"op":%s,"path":"/claims/a","value":1}]}]}`,
			`{"error":{%s:1}}`, `{"actions":[{"to":"a",%s:1}]}`, `{"actions":[{"to":"a","headers":{%s:1}}]}`, `{"actions":[{"to":"a","method":%s}]}`,
		} {
			for _, p := range hook.CheckDraft(hook.Token, &hook.Draft{JSON: fmt.Appendf(nil, draft, name)}) {
				if strings.Contains(p.Redacted(), marker) {
					t.Errorf("%s tells %s", p.Redacted(), p)
				}
			}
		}
	})
}
