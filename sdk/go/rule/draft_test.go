package rule_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"unicode/utf8"

	"github.com/tenterhook/tenterhook/sdk/go/rule"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func validUTF8(s string) bool { return utf8.ValidString(s) }

// TestDraft checks each method's command in Okta's spelling, and that the merge accepts it on a
// call of its type.
func TestDraft(t *testing.T) {
	const link = `{"type":"com.okta.action.update","value":{"result":"LINK_USER"}},{"type":"com.okta.user.update","value":{"id":"00u1"}}`
	tests := []struct {
		name, sample string
		build        func(d *rule.Draft)
		want         string
	}{
		{"Deny", "registration", func(d *rule.Draft) { d.Deny("no", "data.userProfile.email") },
			`{"commands":[{"type":"com.okta.action.update","value":{"registration":"DENY"}}],"error":{"errorSummary":"no","errorCauses":[{"errorSummary":"no","reason":"REFUSED","locationType":"body","location":"data.userProfile.email","domain":"end-user"}]}}`},
		{"DenyNowhere", "registration", func(d *rule.Draft) { d.Deny("no", "") },
			`{"commands":[{"type":"com.okta.action.update","value":{"registration":"DENY"}}],"error":{"errorSummary":"no"}}`},
		{"Error", "registration", func(d *rule.Draft) {
			d.Error("no", rule.Cause{Summary: "taken", Reason: "UNIQUE_CONSTRAINT"}, rule.Cause{Location: "data.userProfile.login"})
		}, `{"error":{"errorSummary":"no","errorCauses":[{"errorSummary":"taken","reason":"UNIQUE_CONSTRAINT"},{"location":"data.userProfile.login"}]}}`},
		{"Profile", "registration", func(d *rule.Draft) { d.Profile("a", 1); d.Profile("b", nil); d.Profile("a", "x") },
			`{"commands":[{"type":"com.okta.user.profile.update","value":{"a":"x","b":null}}]}`},
		{"ProfileWhenProgressive", "registration-progressive", func(d *rule.Draft) { d.Profile("division", "x") },
			`{"commands":[{"type":"com.okta.user.progressive.profile.update","value":{"division":"x"}}]}`},
		{"ImportedProfiles", "user-import", func(d *rule.Draft) { d.Profile("a", "x"); d.AppProfile("b", []string{"y"}) },
			`{"commands":[{"type":"com.okta.user.profile.update","value":{"a":"x"}},{"type":"com.okta.appUser.profile.update","value":{"b":["y"]}}]}`},
		{"LinkUser", "user-import", func(d *rule.Draft) { d.LinkUser("00u1") }, `{"commands":[` + link + `]}`},
		{"CreateUser", "user-import-match", func(d *rule.Draft) { d.CreateUser() },
			`{"commands":[{"type":"com.okta.action.update","value":{"result":"CREATE_USER"}}]}`},
		{"Verified", "password-import", func(d *rule.Draft) { d.Verify(true) },
			`{"commands":[{"type":"com.okta.action.update","value":{"credential":"VERIFIED"}}]}`},
		{"TheLaterWord", "password-import", func(d *rule.Draft) { d.Verify(true); d.Verify(false) },
			`{"commands":[{"type":"com.okta.action.update","value":{"credential":"UNVERIFIED"}}]}`},
		{"Claims", "token", func(d *rule.Draft) {
			d.Claim(rule.ID, "https://x/y", true)
			d.Claim(rule.Access, "n", 1)
			d.Lifetime(rule.Access, 600)
			d.Operation(rule.AccessPatch, "add", "/claims/o", map[string]any{"b": []any{1, nil}, "a": 0.5})
		}, `{"commands":[{"type":"com.okta.identity.patch","value":[{"op":"add","path":"/claims/https:~1~1x~1y","value":true}]},` +
			`{"type":"com.okta.access.patch","value":[{"op":"add","path":"/claims/n","value":1},{"op":"replace","path":"/token/lifetime/expiration","value":600},` +
			`{"op":"add","path":"/claims/o","value":{"a":0.5,"b":[1,null]}}]}]}`},
		{"ClaimsOfNoToken", "token-client-credentials", func(d *rule.Draft) {
			d.Claim(rule.ID, "a", 1)
			d.RemoveClaim(rule.ID, "a")
			d.RemoveClaim(rule.Access, "none")
			d.Lifetime(rule.ID, 600)
		}, ""},
		{"SAML", "saml", func(d *rule.Draft) {
			d.Attribute("groups", "a", `"b"`)
			d.Attribute("urn:x", "c")
			d.Attribute("none")
			d.NameID("ada")
			d.SessionLifetime(900)
		}, `{"commands":[{"type":"com.okta.assertion.patch","value":[` +
			`{"op":"add","path":"/claims/groups","value":{"attributes":{"NameFormat":"urn:oasis:names:tc:SAML:2.0:attrname-format:basic"},"attributeValues":[{"attributes":{"xsi:type":"xs:string"},"value":"a"},{"attributes":{"xsi:type":"xs:string"},"value":"\"b\""}]}},` +
			`{"op":"add","path":"/claims/urn:x","value":{"attributes":{"NameFormat":"urn:oasis:names:tc:SAML:2.0:attrname-format:uri"},"attributeValues":[{"attributes":{"xsi:type":"xs:string"},"value":"c"}]}},` +
			`{"op":"replace","path":"/subject/nameId","value":"ada"},{"op":"add","path":"/authentication/sessionLifetime","value":900}]}]}`},
		{"Telephony", "telephony", func(d *rule.Draft) {
			d.Telephony(rule.Message{Status: rule.Successful, Provider: "ACME", TransactionID: "1"})
		}, `{"commands":[{"type":"com.okta.telephony.action","value":[{"status":"SUCCESSFUL","provider":"ACME","transactionId":"1"}]}]}`},
		{"Debug", "token", func(d *rule.Draft) { d.Debug("a", 1); d.Debug("a", 2); d.Debug("", "x") }, `{"debugContext":{"a":2,"":"x"}}`},
		{"Send", "event", func(d *rule.Draft) {
			d.Send(rule.Action{To: "desk"})
			d.Send(rule.Action{To: "desk", Method: "PUT", Path: "/a", Query: map[string]string{"q": "1"}, Headers: map[string]string{"X-A": "b"},
				Encoding: "json", Body: rule.JSON(struct{ A int }{1}), Key: "k"})
		}, `{"actions":[{"to":"desk"},{"to":"desk","method":"PUT","path":"/a","query":{"q":"1"},"headers":{"X-A":"b"},"encoding":"json","key":"k","body":{"A":1}}]}`},
		{"Command", "user-import", func(d *rule.Draft) {
			d.Command(rule.ProfileUpdate, map[string]string{"a": "b"})
		}, `{"commands":[{"type":"com.okta.user.profile.update","value":{"a":"b"}}]}`},
		{"Empty", "registration", func(d *rule.Draft) {}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc := new(jsondoc.Doc)
			call, ok := sample.Named(test.sample)
			if err := doc.Parse(call, jsondoc.Limits{Bytes: len(call)}); err != nil || !ok {
				t.Fatal(ok, err)
			}
			typ, e := typeAndEvent(t, doc)
			got := runRule(t, string(e.Raw()), func(_ rule.Event, d *rule.Draft) error { test.build(d); return nil })
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			var m hook.Merge
			m.Begin(hook.Event{Call: &hook.Call{Type: typ, Doc: doc}, Node: e})
			if err := m.Add("rule", &hook.Draft{JSON: []byte(got)}); err != nil {
				t.Error(err)
			}
		})
	}
}

// typeAndEvent returns a call's type and the event that a rule sees.
func typeAndEvent(t *testing.T, doc *jsondoc.Doc) (hook.Type, jsondoc.Node) {
	t.Helper()
	name := doc.Root().Get("eventType").Text()
	for _, typ := range hook.Types() {
		if typ.EventType() != name {
			continue
		}
		if typ == hook.EventHook {
			return typ, doc.Root().Get("data").Get("events").At(0)
		}
		return typ, doc.Root()
	}
	t.Fatalf("no hook type has calls of %q", name)
	return 0, jsondoc.Node{}
}

// TestUnwritable wants the rule to fail on values that JSON cannot represent.
func TestUnwritable(t *testing.T) {
	for name, v := range map[string]any{
		"Infinity": math.Inf(1), "NaN": math.NaN(), "Struct": struct{}{}, "InList": []any{1, struct{}{}}, "InMap": map[string]any{"a": math.NaN()},
		"Channel": rule.JSON(make(chan int)), "NoJSON": rule.Value(""),
	} {
		t.Run(name, func(t *testing.T) {
			rule.Register(func(e rule.Event, d *rule.Draft) error { d.Profile("a", v); return nil })
			if draft, err := (rule.Sample{Event: "{}"}).Run(); !errorContains(err, "value of a cannot be written") || draft != "" {
				t.Errorf("got %s, %v", draft, err)
			}
		})
	}
}

// FuzzDraftText encodes arbitrary strings and wants them back.
func FuzzDraftText(f *testing.F) {
	for _, s := range []string{"", "a", "\"\\/\b\x00\x1f\x7f", "é\u2028😀", "\xff", "a\xc3", "\xed\xa0\x80b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got struct{ DebugContext map[string]string }
		draft := runRule(t, "{}", func(e rule.Event, d *rule.Draft) error { d.Debug(s, s); return nil })
		var doc jsondoc.Doc
		if err := errors.Join(json.Unmarshal([]byte(draft), &got), doc.Parse([]byte(draft), jsondoc.Limits{Bytes: len(draft)})); err != nil {
			t.Fatalf("%q: %v", draft, err)
		}
		for name, v := range got.DebugContext {
			if want := string([]rune(s)); v != want || name != want {
				t.Errorf("got %q and %q, want %q", name, v, want)
			}
		}
	})
}
