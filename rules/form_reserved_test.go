package rules_test

import "testing"

// TestComputedReservedClaims: a computed name of a reserved claim costs the rule its draft, and the
// other rules' drafts are applied.
func TestComputedReservedClaims(t *testing.T) {
	const call = `{"data":{"context":{"user":{"id":"00u1"}},"identity":{"claims":{"role":"old","kind":"sid"}},"access":{"claims":{"kind":"username"}}}}`
	fine := commands(identity(`{"op":"add","path":"/claims/fine","value":1}`))
	for _, tt := range []struct{ name, gives string }{
		{"claims", "claims: {id: \"${ {'role': 'a', 'other': 'b'} }\"}"},
		{"claims of both tokens", "claims: \"${ {'access': {'groups': 'a'}} }\""},
		{"remove_claims", "remove_claims: {id: \"${filter(['role'], true)}\"}"},
		{"a path in commands", "commands: [{type: com.okta.identity.patch, value: [{op: add, path: '/claims/${data.identity.claims.kind}', value: x}]}]"},
		{"a path in commands on the access token", "commands: [{type: com.okta.access.patch, value: [{op: add, path: '/claims/${data.access.claims.kind}', value: x}]}]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := policy("token", "", "- {name: r, on_failure: open, "+tt.gives+"}\n- {name: s, claims: {id: {fine: 1}}}")
			d := decide(t, text, call)
			if got := string(d.Answer); got != fine {
				t.Errorf("got %s, want %s", got, fine)
			}
		})
	}
	t.Run("Released", func(t *testing.T) {
		d := decide(t, policy("token", "released_claims: [sid]", "- {name: r, commands: [{type: com.okta.identity.patch, value: [{op: add, path: '/claims/${data.identity.claims.kind}', value: x}]}]}"), call)
		if want := commands(identity(`{"op":"add","path":"/claims/sid","value":"x"}`)); string(d.Answer) != want {
			t.Errorf("got %s, want %s", d.Answer, want)
		}
	})
}
