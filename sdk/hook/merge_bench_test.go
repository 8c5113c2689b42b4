package hook_test

import (
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

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
