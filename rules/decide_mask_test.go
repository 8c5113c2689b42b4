package rules_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
)

// A trace tells why, and never the code: not in drafts, not in lets, however the code was changed
// on the way.
func TestSecretsAreMasked(t *testing.T) {
	const code, seen = "048213", "grace.hopper@example.com"
	text := policy("telephony", `
let: {code: data.messageProfile.otpCode, length: len(code)}`, `
- name: sent
  when: code == '048213' and length == 6 and upper(code) != ''
  reveal: [send, log]
  log: the code is ${code}
  send: {to: out, body: {to: "${data.userProfile.login}", code: "${code}", text: "say ${padStart(code, 9, '-')}", all: "${data.messageProfile}"}}
  telephony: {status: SUCCESSFUL, provider: x}
`) + "destinations: {out: {url: \"https://out.example\"}}\n"
	h := load(t, text).Hook("h")
	c := call(t, h, `{"data": {"userProfile": {"login": "`+seen+`"}, "messageProfile": {"otpCode": "`+code+`", "msgTemplate": "Code: ${code}"}}}`)
	d := rules.Decision{Trace: &rules.Trace{Parts: true}, Fixed: &rules.Fixed{}}
	h.Decide(c, &d)
	if len(d.Actions) != 1 || !strings.Contains(string(d.Actions[0].JSON), `"code":"`+code+`"`) {
		t.Fatalf("the action itself: %+v", d)
	}
	shown, err := json.Marshal(d.Trace)
	if err != nil {
		t.Fatal(err)
	}
	conditions := strings.NewReplacer("code == '048213'", "", `code == \"048213\"`, "")
	for _, secret := range []string{`"` + code, "-" + code, "Code: "} {
		if strings.Contains(conditions.Replace(string(shown)), secret) {
			t.Errorf("the trace has %q:\n%s", secret, shown)
		}
	}
	for _, want := range []string{seen, "[secret]", "say [secret]", "SUCCESSFUL", `"name":"length","value":"\"[secret]\""`} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("the trace has no %q:\n%s", want, shown)
		}
	}
	for _, text := range []string{string(d.Actions[0].JSON), `{"a":"` + code + `"}`} {
		if got := string(h.Conceal(c.Doc.Root(), []byte(text))); strings.Contains(got, code) || !json.Valid([]byte(got)) {
			t.Errorf("concealed: %s", got)
		}
	}
}

// TestShown: a masked decision shows no secret in any encoding, neither in the answer nor in the
// actions nor in the log line.
func TestShown(t *testing.T) {
	const code, hex = "048213", "303438323133"
	tests := []struct{ name, rule, shown string }{
		{"an answer", `telephony: {status: SUCCESSFUL, provider: "p ${toHex(code)}", transactionMetadata: "${data.userProfile.login}"}`, `"provider":"p [secret]","transactionMetadata":"grace"`},
		{"an answer as it came", `telephony: {status: SUCCESSFUL, provider: "p ${code}"}`, `"provider":"p [secret]"`},
		{"an action", `reveal: send, send: {to: out, body: {to: "${data.userProfile.login}", code: "${toHex(code)}"}}`, `"body":{"to":"grace","code":"[secret]"}`},
		{"a log", `reveal: log, log: "${data.userProfile.login} has ${toHex(code)}"`, `grace has [secret]`},
		{"an answer that Okta would not take masked", `telephony: {status: "${code == '048213' and toHex(code) != '' ? 'SUCCESSFUL' : code}", provider: "${toHex(code)}"}`, `[secret]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := load(t, policy("telephony", "\nlet: {code: data.messageProfile.otpCode}", "\n- {name: r, "+tt.rule+"}\n")+"destinations: {out: {url: \"https://out.example\"}}\n").Hook("h")
			c := call(t, h, `{"data": {"userProfile": {"login": "grace"}, "messageProfile": {"otpCode": "`+code+`", "msgTemplate": "Code"}}}`)
			d := rules.Decision{Fixed: &rules.Fixed{}}
			h.Decide(c, &d)
			said := func(d *rules.Decision) string {
				text := string(d.Answer)
				for _, a := range d.Actions {
					text += string(a.JSON)
				}
				for _, l := range d.Logs {
					text += l.Text
				}
				return text
			}
			if real := said(&d); !strings.Contains(real, hex) && !strings.Contains(real, code) {
				t.Fatalf("the decision itself: %s", real)
			}
			shown := said(h.Redacted(c, &d))
			if strings.Contains(shown, hex) || strings.Contains(shown, code) || !strings.Contains(shown, tt.shown) {
				t.Errorf("shown: %s", shown)
			}
		})
	}
}
