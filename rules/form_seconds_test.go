package rules_test

import "testing"

// TestWholeSeconds: Okta's times may have milliseconds, and Okta takes only whole seconds.
func TestWholeSeconds(t *testing.T) {
	const (
		call = `{"eventTime":"2019-01-15T23:20:47.250Z","data":{"context":{"session":{"createdAt":"2019-01-15T23:17:09Z","expiresAt":"2019-01-15T23:50:46.123Z"},` +
			`"user":{"passwordChanged":"2018-09-11T23:19:12.345Z"}},"identity":{"claims":{"rate":2.5}},"access":{"claims":{}}}}`
		saml   = `{"eventTime":"2019-01-15T23:20:47.250Z","data":{"context":{"session":{"expiresAt":"2019-01-15T23:50:46.123Z"}},"assertion":{"subject":{"nameId":"a"},"claims":{}}}}`
		left   = "parseTime(data.context.session.expiresAt) - parseTime(eventTime)"
		change = "parseTime(data.context.user.passwordChanged)"
	)
	pwd := commands(access(`{"op":"add","path":"/claims/pwd","value":1536707952}`))
	for _, tt := range []struct{ name, typ, head, gives, want string }{
		{"lifetime", "token", "", "lifetime: {access: '${min(3600, " + left + ")}'}",
			commands(access(`{"op":"replace","path":"/token/lifetime/expiration","value":1798}`))},
		{"half of a lifetime", "token", "", "lifetime: {access: '${(" + left + ") / 2}'}",
			commands(access(`{"op":"replace","path":"/token/lifetime/expiration","value":899}`))},
		{"lifetime in commands", "token", "", "commands: [{type: com.okta.access.patch, value: [{op: replace, path: /token/lifetime/expiration, value: '${" + left + "}'}]}]",
			commands(access(`{"op":"replace","path":"/token/lifetime/expiration","value":1798}`))},
		{"session lifetime", "saml", "", "session_lifetime: '${" + left + "}'",
			assertion(`{"op":"add","path":"/authentication/sessionLifetime","value":1798}`)},
		{"claim", "token", "", "claims: {access: {pwd: '${" + change + "}'}}", pwd},
		{"claim of a let", "token", "let: {pwd: '" + change + "'}", "claims: {access: {pwd: '${pwd ?? 0}'}}", pwd},
		{"claim of a choice", "token", "", "claims: {access: {pwd: '${data.context.user != nil ? max([" + change + ", 1]) : -1}'}}", pwd},
		{"claims of one expression", "token", "", "claims: {access: \"${ {'pwd': " + change + "} }\"}", pwd},
		{"claim in commands", "token", "", "commands: [{type: com.okta.access.patch, value: [{op: add, path: /claims/pwd, value: '${" + change + "}'}]}]", pwd},
		{"a text keeps its fraction", "token", "", "claims: {access: {pwd: 'at ${" + change + "}'}}",
			commands(access(`{"op":"add","path":"/claims/pwd","value":"at 1536707952.345"}`))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := call
			if tt.typ == "saml" {
				body = saml
			}
			if d := decide(t, policy(tt.typ, tt.head, "- {name: r, "+tt.gives+"}"), body); string(d.Answer) != tt.want {
				t.Errorf("got %s, want %s (%v)", d.Answer, tt.want, d.Results)
			}
		})
	}
	t.Run("a fraction that is no time is not cut", func(t *testing.T) {
		d := decide(t, policy("token", "", "- {name: r, on_failure: open, claims: {access: {rate: '${data.identity.claims.rate}'}}}"), call)
		if string(d.Answer) != `{}` {
			t.Errorf("got %s, want {}", d.Answer)
		}
	})
}
