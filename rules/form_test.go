package rules_test

import (
	"errors"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

const (
	signup      = `{"requestType":"self.service.registration","data":{"userProfile":{"email":"ada@example.com","name":"Ada \"A\""}}}`
	progressive = `{"requestType":"progressive.profile","data":{"userProfileUpdate":{"email":"ada@example.com"}}}`
	both        = `{"data":{"context":{"user":{"id":"00u1"}},"identity":{"claims":{"sub":"00u1","groups":["Admins","app:crm"],"teams":["crm"],"x/y":1}},"access":{"claims":{"sub":"a","role":"old"}}}}`
	accessOnly  = `{"data":{"access":{"claims":{"sub":"a","role":"old"}}}}`
	imported    = `{"data":{"action":{"result":"CREATE_USER"},"appUser":{"profile":{"email":"ada@example.com","phone":null}},"user":{"id":"00u1","profile":{}}}}`
	unmatched   = `{"data":{"action":{"result":"CREATE_USER"},"appUser":{"profile":{}},"user":{"profile":{}}}}`
	samlCall    = `{"data":{"context":{"user":{"profile":{"groups":["a","b"],"none":[],"vip":true,"level":7,"rate":1.5}}},"assertion":{"subject":{"nameId":"ada"},"claims":{"array":{"attributeValues":[]}}}}}`
	password    = `{"data":{"context":{"credential":{"username":"ada","password":"right"}},"action":{"credential":"UNVERIFIED"}}}`
	message     = `{"data":{"userProfile":{"login":"ada"},"messageProfile":{"otpCode":"00123"}}}`
)

func identity(ops string) string {
	return `{"type":"com.okta.identity.patch","value":[` + ops + `]}`
}
func access(ops string) string { return `{"type":"com.okta.access.patch","value":[` + ops + `]}` }
func commands(all string) string {
	return `{"commands":[` + all + `]}`
}
func attribute(name, format, values string) string {
	return `{"op":"add","path":"/claims/` + name + `","value":{"attributes":{"NameFormat":"urn:oasis:names:tc:SAML:2.0:attrname-format:` +
		format + `"},"attributeValues":[` + values + `]}}`
}
func formatTyped(xsi, value string) string {
	return `{"attributes":{"xsi:type":"xs:` + xsi + `"},"value":"` + value + `"}`
}
func assertion(ops string) string {
	return commands(`{"type":"com.okta.assertion.patch","value":[` + ops + `]}`)
}

const denial = `{"type":"com.okta.action.update","value":{"registration":"DENY"}}`

// TestForms holds every short form to the commands it makes: one rule, one call, the exact answer.
func TestForms(t *testing.T) {
	tests := []struct{ name, kind, gives, body, answer string }{
		{"deny", "registration", "deny: no", signup, `{"commands":[` + denial + `],"error":{"errorSummary":"no"}}`},
		{"deny with a hole", "registration", "deny: ${data.userProfile.name} no", signup, `{"commands":[` + denial + `],"error":{"errorSummary":"Ada \"A\" no"}}`},
		{"deny with a null hole", "registration", "deny: no, ${data.userProfile.none}!", signup, `{"commands":[` + denial + `],"error":{"errorSummary":"no, !"}}`},
		{"deny that comes out empty", "registration", "deny: ${data.userProfile.none}", signup, `{"commands":[` + denial + `],"error":{"errorSummary":"This request was refused."}}`},
		{"deny at", "registration", "deny: no\nat: data.userProfile.email", signup,
			`{"commands":[` + denial + `],"error":{"errorSummary":"no","errorCauses":[{"errorSummary":"no","reason":"REFUSED","locationType":"body","location":"data.userProfile.email","domain":"end-user"}]}}`},
		{"error text", "token", "error: no ${data.context.user.id}", both, `{"error":{"errorSummary":"no 00u1"}}`},
		{"error object", "saml", "error: {errorSummary: '${data.context.session.status}no', errorCauses: [{reason: X, errorSummary: '${data.context.user.profile.x}'}]}", samlCall,
			`{"error":{"errorSummary":"no","errorCauses":[{"reason":"X","errorSummary":"This request was refused."}]}}`},
		{"profile", "registration", "profile: {a: '${upper(data.userProfile.email)}', b: null, c: '${data.userProfile.none}', d: [1, true, 'x${data.userProfile.none}'], e: '$${x}'}", signup,
			commands(`{"type":"com.okta.user.profile.update","value":{"a":"ADA@EXAMPLE.COM","b":null,"d":[1,true],"e":"${x}"}}`)},
		{"profile, progressive", "registration", "profile: {a: b}", progressive, commands(`{"type":"com.okta.user.progressive.profile.update","value":{"a":"b"}}`)},
		{"profile without members left", "registration", "profile: {c: '${data.userProfile.none}'}", signup, `{}`},
		{"profile of one expression", "registration", "profile: \"${ {a: data.userProfile.email} }\"", signup, commands(`{"type":"com.okta.user.profile.update","value":{"a":"ada@example.com"}}`)},
		{"profile, import", "user-import", "profile: {a: '${data.appUser.profile.email}'}", imported, commands(`{"type":"com.okta.user.profile.update","value":{"a":"ada@example.com"}}`)},
		{"app_profile", "user-import", "app_profile: {a: b, phone: '${data.appUser.profile.phone}'}", imported, commands(`{"type":"com.okta.appUser.profile.update","value":{"a":"b"}}`)},
		{"link_user", "user-import", "link_user: ${data.user.id}", imported,
			commands(`{"type":"com.okta.action.update","value":{"result":"LINK_USER"}},{"type":"com.okta.user.update","value":{"id":"00u1"}}`)},
		{"link_user null", "user-import", "link_user: ${data.user.id}", unmatched, `{}`},
		{"create_user", "user-import", "create_user: true", imported, commands(`{"type":"com.okta.action.update","value":{"result":"CREATE_USER"}}`)},
		{"create_user false", "user-import", "create_user: ${data.user.id == nil}", imported, `{}`},
		{"claims", "token", "claims: {id: {app_role: admin, 'x/y~z': 1}, access: {o: {a: [null, '${data.context.user.profile.nope}']}}}", both,
			commands(identity(`{"op":"add","path":"/claims/app_role","value":"admin"},{"op":"add","path":"/claims/x~1y~0z","value":1}`) + "," +
				access(`{"op":"add","path":"/claims/o","value":{"a":[null]}}`))},
		{"claims of a token that is not minted", "token", "claims: {id: {app_role: admin}, access: {app_role: user}}", accessOnly,
			commands(access(`{"op":"add","path":"/claims/app_role","value":"user"}`))},
		{"claims that are null", "token", "claims: {id: {app_role: '${data.context.user.profile.none}'}}", both, `{}`},
		{"claims of one expression", "token", "claims: {id: \"${ {app_role: 'admin', none: data.context.user.profile.x, user: data.context.user} }\"}", both,
			commands(identity(`{"op":"add","path":"/claims/app_role","value":"admin"},{"op":"add","path":"/claims/user","value":{"id":"00u1"}}`))},
		{"claims of both tokens in one expression", "token", "claims: \"${ {id: {a: 1}, access: data.context.user} }\"", both,
			commands(identity(`{"op":"add","path":"/claims/a","value":1}`) + "," + access(`{"op":"add","path":"/claims/id","value":"00u1"}`))},
		{"remove_claims", "token", "remove_claims: {id: [teams, x/y, none, teams], access: [none]}", both,
			commands(identity(`{"op":"remove","path":"/claims/teams"},{"op":"remove","path":"/claims/x~1y"}`))},
		{"remove_claims that are computed", "token", "remove_claims: {id: \"${filter(['teams', 'none'], true)}\", access: '${data.context.user.profile.x}'}", both,
			commands(identity(`{"op":"remove","path":"/claims/teams"}`))},
		{"lifetime", "token", "lifetime: {access: 600, id: '${data.context.user == nil ? 300 : nil}'}", both,
			commands(access(`{"op":"replace","path":"/token/lifetime/expiration","value":600}`))},
		{"attributes", "saml", "attributes: {plan: gold, 'urn:x/y': 1, vip: '${data.context.user.profile.vip}', none: '${data.context.user.profile.nope}', text: 'a ${data.context.user.profile.level}'}", samlCall,
			assertion(attribute("plan", "basic", formatTyped("string", "gold")) + "," + attribute("urn:x~1y", "uri", formatTyped("integer", "1")) + "," +
				attribute("vip", "basic", formatTyped("boolean", "true")) + "," + attribute("text", "basic", formatTyped("string", "a 7")))},
		{"attributes with several values", "saml", "attributes: {groups: '${data.context.user.profile.groups}', empty: '${data.context.user.profile.none}', list: [x, '${data.context.user.profile.rate}', '${data.context.user.profile.nope}', 2.5, true]}", samlCall,
			assertion(attribute("groups", "basic", formatTyped("string", "a")+","+formatTyped("string", "b")) + "," +
				attribute("list", "basic", formatTyped("string", "x")+","+formatTyped("double", "1.5")+","+formatTyped("double", "2.5")+","+formatTyped("boolean", "true")))},
		{"attributes of one expression", "saml", "attributes: \"${ {a: data.context.user.profile.groups, b: nil} }\"", samlCall,
			assertion(attribute("a", "basic", formatTyped("string", "a")+","+formatTyped("string", "b")))},
		{"name_id", "saml", "name_id: ${upper(data.assertion.subject.nameId)}", samlCall, assertion(`{"op":"replace","path":"/subject/nameId","value":"ADA"}`)},
		{"session_lifetime", "saml", "session_lifetime: 300", samlCall, assertion(`{"op":"add","path":"/authentication/sessionLifetime","value":300}`)},
		{"verify", "password-import", "verify: ${data.context.credential.password == 'right'}", password, commands(`{"type":"com.okta.action.update","value":{"credential":"VERIFIED"}}`)},
		{"verify wrong", "password-import", "verify: ${data.context.credential.password == 'wrong'}", password, commands(`{"type":"com.okta.action.update","value":{"credential":"UNVERIFIED"}}`)},
		{"verify by what is not a boolean", "password-import", "verify: ${data.context.credential.password}", password, commands(`{"type":"com.okta.action.update","value":{"credential":"UNVERIFIED"}}`)},
		{"verify what is missing", "password-import", "verify: ${data.context.credential.username == data.context.request.id}", password, commands(`{"type":"com.okta.action.update","value":{"credential":"UNVERIFIED"}}`)},
		{"telephony", "telephony", "telephony: {status: SUCCESSFUL, provider: '${data.userProfile.login}', transactionId: '${data.userProfile.userId}'}", message,
			commands(`{"type":"com.okta.telephony.action","value":[{"status":"SUCCESSFUL","provider":"ada"}]}`)},
		{"telephony says nothing", "telephony", "log: nothing", message, commands(`{"type":"com.okta.telephony.action","value":[{"status":"FAILED"}]}`)},
		{"commands", "token", "commands:\n  - type: com.okta.access.patch\n    value:\n      - {op: replace, path: /claims/role, value: '${data.context.user.id}'}", both,
			commands(access(`{"op":"replace","path":"/claims/role","value":"00u1"}`))},
		{"commands of one expression", "token", "commands: \"${ [{type: 'com.okta.access.patch', value: [{op: 'remove', path: '/claims/role'}]}] }\"", both,
			commands(access(`{"op":"remove","path":"/claims/role"}`))},
		{"debug", "token", "debug: {rule: r, id: '${data.context.user.id}', none: '${data.context.user.profile.x}'}", both, `{"debugContext":{"rule":"r","id":"00u1"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			indented := "- name: r\n"
			for _, line := range splitLines(tt.gives) {
				indented += "  " + line + "\n"
			}
			d := decide(t, policy(tt.kind, "", indented), tt.body)
			if string(d.Answer) != tt.answer {
				t.Errorf("got  %s\nwant %s", d.Answer, tt.answer)
			}
			for _, r := range d.Results {
				if r.Err != nil {
					t.Errorf("rule failed: %v", r.Err)
				}
			}
		})
	}
}

// TestNameIDIsText: a subject that comes out as anything else is refused when the call is decided.
func TestNameIDIsText(t *testing.T) {
	for _, value := range []string{"data.context.user.profile.groups", "data.context.user.profile.level", "data.context.user.profile.vip ? '' : 'x'", "{'a': data.context.user.profile.level}"} {
		d := decide(t, policy("saml", "", `- {name: r, name_id: "${`+value+`}"}`), samlCall)
		if len(d.Results) != 1 || !errors.Is(d.Results[0].Err, hook.ErrContract) || string(d.Answer) != "{}" {
			t.Errorf("%s: %s %v", value, d.Answer, d.Results)
		}
	}
}

// TestRemoveTwice: a claim that an earlier rule has removed is not there any more, and one it has
// added is.
func TestRemoveTwice(t *testing.T) {
	d := decide(t, policy("token", "", "- {name: a, remove_claims: {access: [role]}}\n- {name: b, claims: {access: {new: 1}}}\n- {name: c, remove_claims: {access: [role, new]}}"), both)
	want := commands(access(`{"op":"remove","path":"/claims/role"},{"op":"add","path":"/claims/new","value":1},{"op":"remove","path":"/claims/new"}`))
	if string(d.Answer) != want {
		t.Errorf("got  %s\nwant %s", d.Answer, want)
	}
	for _, r := range d.Results {
		if r.Err != nil {
			t.Errorf("rule %d failed: %v", r.Rule, r.Err)
		}
	}
}

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
