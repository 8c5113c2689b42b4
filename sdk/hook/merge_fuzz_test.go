package hook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// FuzzDraft: drafts in any order always render to an answer that the contract accepts; a rejected
// draft leaves nothing behind; and a draft in which CheckDraft finds a problem is rejected in every
// call.
func FuzzDraft(f *testing.F) {
	for i, d := range []string{
		`{}`, `null`, `{"error":"no"}`, `{"error":{"errorSummary":"no","errorCauses":[{"location":"data.userProfile.email"}]},"debugContext":{"a":1}}`,
		command(action, `{"registration":"DENY"}`), command(profile, `{"a":1,"b":[null]}`), command("com.okta.user.progressive.profile.update", `{"\u0000":1}`),
		command(id, `[{"op":"add","path":"/claims/airports/-","value":"x"},{"op":"remove","path":"/claims/airports/0"}]`),
		command(access, `[{"op":"replace","path":"/token/lifetime/expiration","value":300},{"op":"add","path":"/claims/a~1b","value":{"c":{}}}]`),
		command(assertion, `[{"op":"add","path":"/claims/a","value":{"attributes":{"NameFormat":"x"},"attributeValues":[{"value":"1"}]}}]`),
		`{"commands":[{"type":"com.okta.action.update","value":{"result":"LINK_USER"}},{"type":"com.okta.user.update","value":{"id":"1"}}]}`,
		`{"actions":[{"to":"slack","path":"/x","query":{"a":"b"},"headers":{"X-A":"b"},"key":"k","body":{"a":[null]}},{"to":"siem","method":"DELETE"}],"error":"no"}`,
		command(action, `{"result":"CREATE_USER"}`), command(action, `{"credential":"VERIFIED"}`), command(telephony, `[{"status":"PENDING"}]`),
	} {
		f.Add(uint8(i), []byte(d), []byte(command(profile, `{"a":2}`)), []byte(`{"debugContext":{"b":[1, 2]}}`))
	}
	f.Fuzz(func(t *testing.T, which uint8, first, second, third []byte) {
		types := hook.Types()
		typ := types[int(which)%len(types)]
		call := callOf[typ]
		if typ == hook.Registration && which >= 128 {
			call = progressiveCall
		}
		var m hook.Merge
		m.Begin(event(t, typ, call))
		before, planned := render(t, typ, &m), 0
		for _, text := range [][]byte{first, second, third} {
			d := &hook.Draft{JSON: bytes.Clone(text)}
			err := m.Add("rule", d)
			clear(d.JSON)
			after := render(t, typ, &m)
			var compact bytes.Buffer
			if err := json.Compact(&compact, []byte(after)); err != nil || compact.String() != after {
				t.Fatalf("not compact JSON: %v in %s", err, after)
			}
			if err != nil && (after != before || !errors.Is(err, hook.ErrContract)) {
				t.Fatalf("%v, but %s became %s", err, before, after)
			}
			before = after
			if n := len(m.Actions()); err != nil && n != planned {
				t.Fatalf("%v, but %d actions became %d", err, planned, n)
			}
			planned = len(m.Actions())
			for _, a := range m.Actions() {
				if text := a.Append(nil, nil); !json.Valid(text) || a.To == "" {
					t.Fatalf("an action to %q: %s", a.To, text)
				}
			}
			problems := hook.CheckDraft(typ, &hook.Draft{JSON: text})
			if err == nil && len(problems) > 0 && !strings.HasPrefix(problems[0].Message, "an error cancels") {
				t.Fatalf("merged what check refuses: %v", problems)
			}
		}
	})
}

// FuzzPatch holds the simulation against the reference, on paths and values that come from outside.
func FuzzPatch(f *testing.F) {
	f.Add(`{"a":[1,{"b":2}],"c":{}}`, "add", "/claims/a/1/b", `[1]`, "remove", "/claims/a/0", `null`)
	f.Add(`{"a/b":{"~":1}}`, "replace", "/claims/a~1b/~0", `{"x":{}}`, "add", "/claims/a~1b/~0/x/y", `0`)
	f.Add(`{}`, "add", "/claims/-", `[]`, "add", "/claims/-/-", `1`)
	f.Fuzz(func(t *testing.T, claims, op1, path1, value1, op2, path2, value2 string) {
		var o map[string]any
		if json.Unmarshal([]byte(claims), &o) != nil || o == nil {
			t.Skip("claims are an object")
		}
		call := `{"data":{"access":{"claims":` + encode(t, o) + `}}}`
		if new(jsondoc.Doc).Parse([]byte(call), jsondoc.Limits{}) != nil {
			t.Skip("nothing a Doc reads")
		}
		var m hook.Merge
		m.Begin(event(t, hook.Token, call))
		state := o
		for _, s := range [][3]string{{op1, path1, value1}, {op2, path2, value2}} {
			operations := []operation{{Op: s[0], Path: s[1]}}
			if json.Unmarshal([]byte(s[2]), &operations[0].Value) != nil {
				t.Skip("values are JSON")
			}
			draft := &hook.Draft{JSON: []byte(command(access, encode(t, operations)))}
			if len(hook.CheckDraft(hook.Token, draft)) > 0 || !strings.HasPrefix(s[1], "/claims/") {
				t.Skip("refused before it is tried out")
			}
			next, want := reference(state, operations)
			if err := m.Add("rule", draft); (err == nil) != want {
				t.Fatalf("claims %s, patch %s: %v, reference fits: %v", encode(t, state), draft.JSON, err, want)
			}
			if want {
				state = next
			}
		}
	})
}

// FuzzAnswer checks any text as an answer of every type: a text that is valid as an answer is valid
// as a draft too.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"commands":[{"type":"com.action.update","value":{"registration":"ALLOW"}}],"error":null}`))
	f.Add([]byte(`{"error":[{"errorSummary":"x"},{"errorCauses":{}}]}`))
	f.Add([]byte(command(assertion, `[{"op":"replace","path":"/claims/a/attributeValues","value":[{"value":1}]},{"op":"add","path":"/claims/http://x","value":"1"}]`)))
	f.Add([]byte(command(telephony, `[{"status":"SUCCESS","id":1}]`)))
	f.Add([]byte(command(id, `[{"op":"replace","path":"/token/lifetime/expiration","value":3e2},{"op":"add","path":"/claims/~","value":null}]`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		var d jsondoc.Doc
		if d.Parse(text, jsondoc.Limits{Bytes: 256*1024 - 1}) != nil {
			t.Skip("not JSON")
		}
		for _, typ := range hook.Types() {
			if len(hook.CheckAnswer(typ, d.Root())) > 0 {
				continue
			}
			if problems := hook.CheckDraft(typ, &hook.Draft{JSON: text}); len(problems) > 0 {
				t.Errorf("%v takes %s as an answer, but not as a draft: %v", typ, text, problems)
			}
		}
	})
}
