package hook_test

import (
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

func event(t testing.TB, typ hook.Type, text string) hook.Event {
	t.Helper()
	d := new(hook.Doc)
	if err := d.Parse([]byte(text), hook.Limits{}); err != nil {
		t.Fatal(err)
	}
	return hook.Event{Call: &hook.Call{Type: typ, Doc: d}, Node: d.Root()}
}

const tokenCall = `{"eventType":"com.okta.oauth2.tokens.transform","data":{
	"identity":{"claims":{"sub":"00u1","name":"Ada Byron","email":"ada@example.com","ver":1,"iss":"https://id.example.com","aud":"client","jti":"ID.1",
		"amr":["pwd"],"idp":"00o1","nonce":"n","preferred_username":"ada@example.com","auth_time":1547594229,
		"airports":["sfo","lhr","jfk"],"profile":{"email":"ada@example.com","floor":3}},"token":{"lifetime":{"expiration":3600}}},
	"access":{"claims":{"ver":1,"jti":"AT.1","iss":"https://id.example.com","aud":"api://default","cid":"client","uid":"00u1",
		"sub":"ada@example.com","firstName":"Ada"},"token":{"lifetime":{"expiration":3600}},"scopes":{"openid":{"id":"scp1","action":"GRANT"}}}}}`

const signupCall = `{"eventType":"com.okta.user.pre-registration","requestType":"self.service.registration","data":{
	"userProfile":{"firstName":"Ada","lastName":"Byron","login":"ada@example.com","email":"ada@example.com"},"action":"ALLOW"}}`

func BenchmarkMerge(b *testing.B) {
	for _, bench := range []struct {
		name  string
		typ   hook.Type
		call  string
		draft string
	}{
		{"registration", hook.Registration, signupCall,
			`{"commands":[{"type":"com.okta.user.profile.update","value":{"division":"ENGINEERING","costCenter":"4711"}}]}`},
		{"token", hook.Token, tokenCall,
			`{"commands":[{"type":"com.okta.identity.patch","value":[{"op":"add","path":"/claims/tier","value":"gold"},{"op":"replace","path":"/claims/name","value":"A. Byron"}]},` +
				`{"type":"com.okta.access.patch","value":[{"op":"add","path":"/claims/groups","value":["a","b"]}]}]}`},
		{"token-deep", hook.Token, tokenCall,
			`{"commands":[{"type":"com.okta.identity.patch","value":[{"op":"add","path":"/claims/airports/-","value":"lax"},{"op":"replace","path":"/claims/profile/email","value":"a@example.com"},` +
				`{"op":"remove","path":"/claims/airports/0"},{"op":"add","path":"/claims/o","value":{"a":[1]}},{"op":"add","path":"/claims/o/a/0","value":0}]}]}`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			e := event(b, bench.typ, bench.call)
			d := &hook.Draft{JSON: []byte(bench.draft)}
			var m hook.Merge
			b.ReportAllocs()
			for b.Loop() {
				m.Begin(e)
				if err := m.Add("rule", d); err != nil {
					b.Fatal(err)
				}
				if _, err := m.Render(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
