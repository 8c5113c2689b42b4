package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
)

// The policies of the benchmarks do the work of a typical handwritten handler: an allow-list of
// twenty domains and two attributes; a role and the applications from groups.
const registrationPolicy = `tenterhook: 1
tables:
  allowed: [example.com, example.org, acme.test, corp.example, partner.example, vendor.example, school.example,
    retail.example, health.example, bank.example, north.example, south.example, east.example, west.example,
    labs.example, cloud.example, studio.example, media.example, energy.example, rail.example]
hooks:
  - name: h
    type: registration
    auth: none
    let: {emailDomain: lower(domain(data.userProfile.email))}
    rules:
      - name: allowed domains only
        when: emailDomain not in tables.allowed
        deny: Registration is not open to this email domain
      - name: stamp
        profile:
          organization: ${emailDomain}
          displayName: ${data.userProfile.firstName} ${data.userProfile.lastName}
`

const tokenPolicy = `tenterhook: 1
hooks:
  - name: h
    type: token
    auth: none
    let:
      groups: data.identity.claims.groups
      role: "'Admins' in groups ? 'admin' : any(groups, hasPrefix(#, 'Staff-')) ? 'staff' : 'external'"
    rules:
      - name: roles
        claims:
          id:
            app_role: ${role}
            apps: "${map(filter(groups ?? [], hasPrefix(#, 'app:')), trimPrefix(#, 'app:'))}"
          access:
            app_role: ${role}
`

const (
	benchSignup = `{"eventId":"04Dmt8BcT_aEgM","eventTime":"2026-04-25T17:35:27.000Z","eventType":"com.okta.user.pre-registration","requestType":"self.service.registration","data":{"context":{"request":{"method":"POST","ipAddress":"203.0.113.42","id":"req1"}},"userProfile":{"firstName":"Ada","lastName":"Lovelace","login":"ada.lovelace@example.com","email":"ada.lovelace@example.com","city":"London"},"action":"ALLOW"}}`
	benchToken  = `{"eventId":"3OWo4oo","eventType":"com.okta.oauth2.tokens.transform","data":{"context":{"user":{"id":"00u1"}},"identity":{"claims":{"sub":"00u1","groups":["Everyone","Staff-Berlin","app:crm","app:wiki","app:pay"]},"token":{"lifetime":{"expiration":3600}}},"access":{"claims":{"sub":"ada@example.com"},"token":{"lifetime":{"expiration":3600}}}}}`
)

func TestBenchPolicies(t *testing.T) {
	d := decide(t, registrationPolicy, benchSignup)
	if want := `{"commands":[{"type":"com.okta.user.profile.update","value":{"organization":"example.com","displayName":"Ada Lovelace"}}]}`; string(d.Answer) != want {
		t.Errorf("got %s", d.Answer)
	}
	d = decide(t, tokenPolicy, benchToken)
	want := commands(identity(`{"op":"add","path":"/claims/app_role","value":"staff"},{"op":"add","path":"/claims/apps","value":["crm","wiki","pay"]}`) + "," +
		access(`{"op":"add","path":"/claims/app_role","value":"staff"}`))
	if string(d.Answer) != want {
		t.Errorf("got %s", d.Answer)
	}
}

// TestDecideAllocates: nothing but the answer, which outlives the decision.
func TestDecideAllocates(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates")
	}
	for name, c := range map[string]struct{ policy, body string }{"registration": {registrationPolicy, benchSignup}, "token": {tokenPolicy, benchToken}} {
		t.Run(name, func(t *testing.T) {
			h := load(t, c.policy).Hook("h")
			k := call(t, h, c.body)
			var d rules.Decision
			h.Decide(k, &d)
			if n := testing.AllocsPerRun(200, func() { h.Decide(k, &d) }); n > 1 {
				t.Errorf("got %v allocations, want 1", n)
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, bb := range []struct{ name, policy, body string }{{"registration", registrationPolicy, benchSignup}, {"token", tokenPolicy, benchToken}} {
		b.Run(bb.name, func(b *testing.B) {
			h := load(b, bb.policy).Hook("h")
			c := call(b, h, bb.body)
			var d rules.Decision
			b.ReportAllocs()
			for b.Loop() {
				h.Decide(c, &d)
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	var text strings.Builder
	text.WriteString("tenterhook: 1\nhooks:\n")
	for h := range 50 {
		fmt.Fprintf(&text, "  - name: hook-%d\n    type: registration\n    auth: none\n    let: {mail: lower(data.userProfile.email)}\n    rules:\n", h)
		for r := range 20 {
			fmt.Fprintf(&text, "      - name: rule %d\n        when: mail != nil and hasSuffix(mail, '@x%d.example') or data.userProfile.city == 'C%d'\n        profile: {a%d: '${upper(mail)}', b%d: constant}\n", r, r, r, r, r)
		}
	}
	folder := folder.New(map[string][]byte{"policy.yaml": []byte(text.String())})
	b.ReportAllocs()
	for b.Loop() {
		s, err := rules.Load(folder, rules.Options{})
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
