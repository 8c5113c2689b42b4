package hook_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func event(t testing.TB, typ hook.Type, text string) hook.Event {
	t.Helper()
	d := new(jsondoc.Doc)
	if err := d.Parse([]byte(text), jsondoc.Limits{}); err != nil {
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

const (
	progressiveCall = `{"requestType":"progressive.profile","data":{"userProfileUpdate":{"employeeNumber":"1234"},"action":"ALLOW"}}`
	machineCall     = `{"data":{"access":{"claims":{"ver":1,"sub":"client"},"token":{"lifetime":{"expiration":3600}}}}}`
	importCall      = `{"data":{"action":{"result":"CREATE_USER"},"appUser":{"profile":{}},"user":{"profile":{}}}}`
	passwordCall    = `{"data":{"context":{"credential":{"username":"ada","password":"x"}},"action":{"credential":"UNVERIFIED"}}}`
	messageCall     = `{"requestType":"com.okta.user.telephony.pre-enrollment","data":{"messageProfile":{"otpCode":"012345"}}}`
	samlCall        = `{"data":{"assertion":{"subject":{"nameId":"ada"},"authentication":{"sessionIndex":"1","authnContext":{}},"conditions":{"audienceRestriction":["urn:x"]},
		"claims":{"role":{"attributes":{},"attributeValues":[{"attributes":{"xsi:type":"xs:string"},"value":"admin"}]}},"lifetime":{"expiration":300}}}}`
)

// callOf is a call of each type.
var callOf = map[hook.Type]string{
	hook.Registration: signupCall, hook.Token: tokenCall, hook.SAML: samlCall, hook.UserImport: importCall,
	hook.PasswordImport: passwordCall, hook.Telephony: messageCall, hook.EventHook: `{}`,
}

// render returns the answer, which must pass CheckAnswer.
func render(t testing.TB, typ hook.Type, m *hook.Merge) string {
	t.Helper()
	answer, err := m.Render()
	if err != nil {
		t.Fatal(err)
	}
	if problems := hook.CheckAnswer(typ, parse(t, string(answer))); len(problems) > 0 {
		t.Fatalf("the contract refuses its own answer %s:\n%s", answer, lines(problems))
	}
	return string(answer)
}

func TestMerge(t *testing.T) {
	claim := func(command, op, path, value string) string {
		return `{"commands":[{"type":"` + command + `","value":[{"op":"` + op + `","path":"` + path + `","value":` + value + `}]}]}`
	}
	deny := `{"commands":[{"type":"com.okta.action.update","value":{"registration":"DENY"}}],"error":{"errorSummary":"no"}}`
	for _, test := range []struct {
		name      string
		typ       hook.Type
		drafts    []string // rule 1, rule 2 and so on
		want      string
		conflicts string
	}{
		{"nothing", hook.Registration, nil, `{}`, ""},
		{"no opinions", hook.Token, []string{``, `{}`, `null`, `{"commands":[]}`}, `{}`, ""},
		{"an empty patch and an empty profile", hook.Token, []string{command(id, `[]`)}, `{}`, ""},
		{"white space", hook.Registration, []string{"{ \"commands\" : [ { \"type\" : \"com.okta.user.profile.update\" ,\n\"value\" : { \"a b\" : \"c \\\" \\\\\" , \"l\" : [ 1 , \"x y\" ] } } ] }"},
			`{"commands":[{"type":"com.okta.user.profile.update","value":{"a b":"c \" \\","l":[1,"x y"]}}]}`, ""},
		{"profiles in one command", hook.Registration, []string{command(profile, `{"a":1,"b":2}`), command(action, `{"registration":"ALLOW"}`), command(profile, `{"c":3}`)},
			`{"commands":[{"type":"com.okta.user.profile.update","value":{"a":1,"b":2,"c":3}},{"type":"com.okta.action.update","value":{"registration":"ALLOW"}}]}`, ""},
		{"a later attribute", hook.Registration, []string{command(profile, `{"a":1,"b":2}`), command(profile, `{"c":3,"\u0061":"one"}`)},
			`{"commands":[{"type":"com.okta.user.profile.update","value":{"a":"one","b":2,"c":3}}]}`, "rule 2 over rule 1: com.okta.user.profile.update.a"},
		{"the same attribute alike", hook.Registration, []string{command(profile, `{"a":1}`), command(profile, `{"a":1}`)},
			`{"commands":[{"type":"com.okta.user.profile.update","value":{"a":1}}]}`, ""},
		{"an attribute twice in one rule", hook.Registration, []string{`{"commands":[{"type":"com.okta.user.profile.update","value":{"a":1}},{"type":"com.okta.user.profile.update","value":{"a":2}}]}`},
			`{"commands":[{"type":"com.okta.user.profile.update","value":{"a":2}}]}`, ""},
		{"deny and what was said before and after", hook.Registration, []string{command(profile, `{"a":1}`), deny, command(action, `{"registration":"ALLOW"}`), command(profile, `{"b":1}`)},
			`{"commands":[{"type":"com.okta.action.update","value":{"registration":"DENY"}}],"error":{"errorSummary":"no"}}`, ""},
		{"deny over allow", hook.Registration, []string{command(action, `{"registration":"ALLOW"}`), command(action, `{"registration":"DENY"}`)},
			command(action, `{"registration":"DENY"}`), ""},
		{"an error beside commands", hook.Token, []string{claim(access, "add", "/claims/a", "1"), `{"error":"no","commands":[{"type":"com.okta.access.patch","value":[{"op":"add","path":"/claims/b","value":1}]}]}`},
			`{"error":{"errorSummary":"no"}}`, ""},
		{"a later error", hook.SAML, []string{`{"error":"one"}`, `{"error":{"errorSummary":"two"}}`, `{"error":null}`}, `{"error":{"errorSummary":"two"}}`, "rule 2 over rule 1: error"},
		{"debug of two rules", hook.Token, []string{`{"debugContext":{"a":{"x":1},"b":1}}`, `{"debugContext":{"b":2,"c d":3}}`},
			`{"debugContext":{"a":{"x":1},"b":2,"c d":3}}`, "rule 2 over rule 1: debugContext.b"},
		{"members in one order", hook.Token, []string{`{"debugContext":{"a":1},"error":"no"}`}, `{"error":{"errorSummary":"no"},"debugContext":{"a":1}}`, ""},

		{"patches joined", hook.Token, []string{claim(access, "add", "/claims/a", "1"), claim(id, "add", "/claims/a", "1"), claim(access, "add", "/claims/b", "2")},
			`{"commands":[{"type":"com.okta.access.patch","value":[{"op":"add","path":"/claims/a","value":1},{"op":"add","path":"/claims/b","value":2}]},` +
				`{"type":"com.okta.identity.patch","value":[{"op":"add","path":"/claims/a","value":1}]}]}`, ""},
		{"a later claim", hook.Token, []string{claim(access, "add", "/claims/a", "1"), claim(access, "replace", "/claims/a", "2")},
			`{"commands":[{"type":"com.okta.access.patch","value":[{"op":"add","path":"/claims/a","value":1},{"op":"replace","path":"/claims/a","value":2}]}]}`,
			"rule 2 over rule 1: com.okta.access.patch /claims/a"},
		{"two rules append", hook.Token, []string{claim(id, "add", "/claims/airports/-", `"a"`), claim(id, "add", "/claims/airports/-", `"b"`)},
			`{"commands":[{"type":"com.okta.identity.patch","value":[{"op":"add","path":"/claims/airports/-","value":"a"},{"op":"add","path":"/claims/airports/-","value":"b"}]}]}`, ""},
		{"a later lifetime", hook.Token, []string{claim(id, "replace", "/token/lifetime/expiration", "300"), claim(id, "replace", "/token/lifetime/expiration", "600")},
			`{"commands":[{"type":"com.okta.identity.patch","value":[{"op":"replace","path":"/token/lifetime/expiration","value":300},{"op":"replace","path":"/token/lifetime/expiration","value":600}]}]}`,
			"rule 2 over rule 1: com.okta.identity.patch /token/lifetime/expiration"},
		{"a claim another rule added", hook.Token, []string{claim(id, "add", "/claims/o", `{"a":[]}`), claim(id, "add", "/claims/o/a/0", "1"), claim(id, "remove", "/claims/o", "null")},
			`{"commands":[{"type":"com.okta.identity.patch","value":[{"op":"add","path":"/claims/o","value":{"a":[]}},{"op":"add","path":"/claims/o/a/0","value":1},{"op":"remove","path":"/claims/o","value":null}]}]}`,
			"rule 3 over rule 1: com.okta.identity.patch /claims/o"},

		{"attributes", hook.SAML, []string{claim(assertion, "add", "/claims/a", `"x"`), claim(assertion, "add", "/authentication/sessionLifetime", "300"), claim(assertion, "replace", "/claims/role/attributeValues/0/value", `"user"`)},
			`{"commands":[{"type":"com.okta.assertion.patch","value":[{"op":"add","path":"/claims/a","value":"x"},{"op":"add","path":"/authentication/sessionLifetime","value":300},` +
				`{"op":"replace","path":"/claims/role/attributeValues/0/value","value":"user"}]}]}`, ""},

		{"a link", hook.UserImport, []string{command("com.okta.user.update", `{"id":"1"}`), command(action, `{"result":"LINK_USER"}`), command("com.okta.user.update", `{"id":"2"}`)},
			`{"commands":[{"type":"com.okta.user.update","value":{"id":"2"}},{"type":"com.okta.action.update","value":{"result":"LINK_USER"}}]}`, "rule 3 over rule 1: com.okta.user.update"},
		{"a link unmade", hook.UserImport, []string{`{"commands":[{"type":"com.okta.action.update","value":{"result":"LINK_USER"}},{"type":"com.okta.user.update","value":{"id":"1"}}]}`, command(action, `{"result":"CREATE_USER"}`)},
			command(action, `{"result":"CREATE_USER"}`), "rule 2 over rule 1: com.okta.action.update.result"},
		{"a link made again", hook.UserImport, []string{command("com.okta.user.update", `{"id":"1"}`), command(action, `{"result":"CREATE_USER"}`),
			`{"commands":[{"type":"com.okta.action.update","value":{"result":"LINK_USER"}},{"type":"com.okta.user.update","value":{"id":"2"}}]}`},
			`{"commands":[{"type":"com.okta.user.update","value":{"id":"2"}},{"type":"com.okta.action.update","value":{"result":"LINK_USER"}}]}`, "rule 3 over rule 2: com.okta.action.update.result"},

		{"unverified stands", hook.PasswordImport, []string{command(action, `{"credential":"UNVERIFIED"}`), command(action, `{"credential":"VERIFIED"}`)}, command(action, `{"credential":"UNVERIFIED"}`), ""},
		{"unverified wins", hook.PasswordImport, []string{command(action, `{"credential":"VERIFIED"}`), command(action, `{"credential":"UNVERIFIED"}`)}, command(action, `{"credential":"UNVERIFIED"}`), ""},
		{"verified and an error", hook.PasswordImport, []string{command(action, `{"credential":"VERIFIED"}`), `{"error":"no"}`}, `{"error":{"errorSummary":"no"}}`, ""},

		{"no message", hook.Telephony, nil, command(telephony, `[{"status":"FAILED"}]`), ""},
		{"no message but debug", hook.Telephony, []string{`{"debugContext":{"a":1}}`}, `{"commands":[{"type":"com.okta.telephony.action","value":[{"status":"FAILED"}]}],"debugContext":{"a":1}}`, ""},
		{"a later message", hook.Telephony, []string{command(telephony, `[{"status":"FAILED"}]`), command(telephony, `[{"status":"PENDING","provider":"p"}]`)},
			command(telephony, `[{"status":"PENDING","provider":"p"}]`), "rule 2 over rule 1: com.okta.telephony.action"},
		{"a message and an error", hook.Telephony, []string{command(telephony, `[{"status":"PENDING"}]`), `{"error":"no"}`}, `{"error":{"errorSummary":"no"}}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var m hook.Merge
			m.Begin(event(t, test.typ, callOf[test.typ]))
			for i, draft := range test.drafts {
				text := []byte(draft)
				if err := m.Add(fmt.Sprint("rule ", i+1), &hook.Draft{JSON: text}); err != nil {
					t.Fatal(err)
				}
				clear(text) // Add has copied the text
			}
			if got := render(t, test.typ, &m); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			var conflicts []string
			for _, c := range m.Conflicts() {
				conflicts = append(conflicts, c.Rule+" over "+c.Earlier+": "+c.Path)
			}
			if got := strings.Join(conflicts, "; "); got != test.conflicts {
				t.Errorf("conflicts %q, want %q", got, test.conflicts)
			}
		})
	}
}

// A refused draft leaves the answer as it was, byte for byte.
func TestMergeErrContract(t *testing.T) {
	patch := func(command, operations string) string {
		return `{"commands":[{"type":"` + command + `","value":[` + operations + `]}],"debugContext":{"refused":true}}`
	}
	kept := map[hook.Type]string{
		hook.Registration: command(profile, `{"a":1}`),
		hook.Token: `{"commands":[{"type":"com.okta.identity.patch","value":[{"op":"add","path":"/claims/airports/-","value":"lax"},{"op":"remove","path":"/claims/name"},` +
			`{"op":"add","path":"/claims/o","value":{"a":[1,2]}}]}],"debugContext":{"a":1}}`,
		hook.SAML:           command(assertion, `[{"op":"add","path":"/claims/a","value":"x"}]`),
		hook.UserImport:     `{"commands":[{"type":"com.okta.action.update","value":{"result":"CREATE_USER"}}]}`,
		hook.PasswordImport: command(action, `{"credential":"VERIFIED"}`),
		hook.Telephony:      command(telephony, `[{"status":"PENDING"}]`),
		hook.EventHook:      `{}`,
	}
	dropped := ": Okta would drop the whole patch"
	for _, test := range []struct {
		name  string
		typ   hook.Type
		call  string // the type's own when empty
		draft string
		want  string
	}{
		{"not JSON", hook.Registration, "", `{"commands":`, "want one JSON object: at byte"},
		{"a wrong word beside right ones", hook.Registration, "", `{"commands":[{"type":"com.okta.user.profile.update","value":{"a":2}},{"type":"com.okta.action.update","value":{"registration":"NO"}}]}`,
			`commands[1].value.registration: want "ALLOW" or "DENY", got a string`},
		{"another call's profile", hook.Registration, "", command("com.okta.user.progressive.profile.update", `{"b":1}`), "commands[0].type: this call takes com.okta.user.profile.update"},
		{"an event's command", hook.EventHook, "", command(action, `{}`), `commands[0].type: unknown command "com.okta.action.update": an answer to an event hook carries no commands`},

		{"a claim that is not there", hook.Token, "", patch(id, `{"op":"add","path":"/claims/b","value":1},{"op":"replace","path":"/claims/c","value":1}`),
			`commands[0].value[1].path: replace of "/claims/c", which is not there in this call` + dropped},
		{"a claim another rule removed", hook.Token, "", patch(id, `{"op":"remove","path":"/claims/name"}`), `commands[0].value[0].path: remove of "/claims/name", which is not there in this call` + dropped},
		{"an object that is not there", hook.Token, "", patch(id, `{"op":"add","path":"/claims/x/y","value":1}`), `commands[0].value[0].path: add of "/claims/x/y", which is not there in this call` + dropped},
		{"through text", hook.Token, "", patch(id, `{"op":"add","path":"/claims/email/y","value":1}`),
			`commands[0].value[0].path: add of "/claims/email/y", which goes through something that is no object or array in this call` + dropped},
		{"past the end", hook.Token, "", patch(id, `{"op":"add","path":"/claims/airports/0","value":1},{"op":"remove","path":"/claims/airports/4"},{"op":"add","path":"/claims/airports/5","value":1}`),
			`commands[0].value[2].path: add of "/claims/airports/5", which is no index of the array in this call` + dropped},
		{"the end cannot be replaced", hook.Token, "", patch(id, `{"op":"replace","path":"/claims/airports/-","value":1}`), `commands[0].value[0].path: replace of "/claims/airports/-", which is no index of the array in this call` + dropped},
		{"a leading zero", hook.Token, "", patch(id, `{"op":"remove","path":"/claims/airports/00"}`), `commands[0].value[0].path: remove of "/claims/airports/00", which is no index of the array in this call` + dropped},
		{"after deep changes", hook.Token, "", patch(id, `{"op":"remove","path":"/claims/o/a/0"},{"op":"replace","path":"/claims/o/a/0","value":3},{"op":"add","path":"/claims/o/b","value":3},`+
			`{"op":"remove","path":"/claims/o/b"},{"op":"add","path":"/claims/o/a/0","value":3},{"op":"remove","path":"/claims/o/b"}`),
			`commands[0].value[5].path: remove of "/claims/o/b", which is not there in this call` + dropped},
		{"a token that is not minted", hook.Token, machineCall, patch(id, `{"op":"add","path":"/claims/b","value":1}`), "commands[0].type: this call mints no ID token" + dropped},
		{"an access token that is not minted", hook.Token, `{"data":{"identity":{"claims":{"name":"x","airports":[]}}}}`, patch(access, `{"op":"replace","path":"/token/lifetime/expiration","value":300}`),
			"commands[0].type: this call mints no access token" + dropped},

		{"an attribute that is not there", hook.SAML, "", patch(assertion, `{"op":"replace","path":"/claims/b/attributeValues/0/value","value":"1"}`),
			`commands[0].value[0].path: replace of "/claims/b/attributeValues/0/value", which is not there in this call` + dropped},
		{"a session lifetime that is not there", hook.SAML, "", patch(assertion, `{"op":"replace","path":"/authentication/sessionLifetime","value":1}`),
			`commands[0].value[0].path: replace of "/authentication/sessionLifetime", which is not there in this call` + dropped},
		{"a link to nobody", hook.UserImport, "", command(action, `{"result":"LINK_USER"}`), "commands: LINK_USER needs com.okta.user.update with the id of the user to link"},
		{"an id for a new user", hook.UserImport, "", command("com.okta.user.update", `{"id":"1"}`), "commands: CREATE_USER makes a new user: com.okta.user.update goes with LINK_USER"},
		{"two messages", hook.Telephony, "", command(telephony, `[{"status":"PENDING"},{"status":"PENDING"}]`), "commands[0].value: want one object, got 2: there is one message"},
		{"a guess", hook.PasswordImport, "", command(action, `{"credential":"hunter2"}`), `commands[0].value.credential: want "VERIFIED" or "UNVERIFIED", got a string`},
		{"a long answer", hook.Token, "", `{"debugContext":{"x":"` + strings.Repeat("x", 256*1024-100) + `"}}`, "the answer is too long: Okta takes less than 256 KB"},
		{"a long draft", hook.Token, "", `{"debugContext":{"x":"` + strings.Repeat("x", 256*1024) + `"}}`, "want one JSON object: at byte"},
	} {
		t.Run(test.name, func(t *testing.T) {
			call, first := callOf[test.typ], kept[test.typ]
			if test.call != "" {
				call, first = test.call, `{"debugContext":{"a":1}}`
			}
			var m hook.Merge
			m.Begin(event(t, test.typ, call))
			if err := m.Add("one", &hook.Draft{JSON: []byte(first)}); err != nil {
				t.Fatal(err)
			}
			before := render(t, test.typ, &m)
			err := m.Add("two", &hook.Draft{JSON: []byte(test.draft)})
			if !errors.Is(err, hook.ErrContract) {
				t.Fatalf("got %v, want ErrContract", err)
			}
			if !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
			if after := render(t, test.typ, &m); after != before {
				t.Errorf("was %s\nis  %s", before, after)
			}
			if c := m.Conflicts(); len(c) > 0 {
				t.Errorf("conflicts of a refused draft: %v", c)
			}
		})
	}
}

func TestMergeProgressive(t *testing.T) {
	var m hook.Merge
	m.Begin(event(t, hook.Registration, progressiveCall))
	if err := m.Add("one", &hook.Draft{JSON: []byte(command(profile, `{"a":1}`))}); !errors.Is(err, hook.ErrContract) {
		t.Errorf("the registration's update: %v", err)
	}
	want := command("com.okta.user.progressive.profile.update", `{"a":1}`)
	if err := m.Add("two", &hook.Draft{JSON: []byte(want)}); err != nil {
		t.Fatal(err)
	}
	if got := render(t, hook.Registration, &m); got != want {
		t.Errorf("got %s", got)
	}
}

// An assertion without claims takes attributes, also after a draft that was refused.
func TestMergeFirstAttribute(t *testing.T) {
	var m hook.Merge
	m.Begin(event(t, hook.SAML, `{"data":{"assertion":{"subject":{"nameId":"ada"},"claims":null}}}`))
	if err := m.Add("one", &hook.Draft{JSON: []byte(command(assertion, `[{"op":"add","path":"/claims/a","value":"x"},{"op":"replace","path":"/claims/b","value":"x"}]`))}); !errors.Is(err, hook.ErrContract) {
		t.Errorf("an attribute that is not there: %v", err)
	}
	if err := m.Add("two", &hook.Draft{JSON: []byte(command(assertion, `[{"op":"replace","path":"/claims/a","value":"x"}]`))}); !errors.Is(err, hook.ErrContract) {
		t.Errorf("an attribute that a refused draft added: %v", err)
	}
	want := command(assertion, `[{"op":"add","path":"/claims/a","value":"x"},{"op":"replace","path":"/claims/a","value":"y"},{"op":"add","path":"/authentication/sessionLifetime","value":1}]`)
	if err := m.Add("three", &hook.Draft{JSON: []byte(want)}); err != nil {
		t.Fatal(err)
	}
	if got := render(t, hook.SAML, &m); got != want {
		t.Errorf("got %s", got)
	}
}

// TestMergeAfterOversized: memory grown by a hostile draft does not affect later events.
func TestMergeAfterOversized(t *testing.T) {
	var m hook.Merge
	for range 3 {
		m.Begin(event(t, hook.UserImport, importCall))
		if err := m.Add("large", &hook.Draft{JSON: []byte(command(profile, `{"x":"`+strings.Repeat("x", 200_000)+`"}`))}); err != nil {
			t.Fatal(err)
		}
		if len(render(t, hook.UserImport, &m)) < 200_000 {
			t.Error("the large attribute is gone")
		}
		if err := m.Add("large", &hook.Draft{JSON: []byte(command(profile, `{"y":"`+strings.Repeat("y", 200_000)+`"}`))}); !errors.Is(err, hook.ErrContract) {
			t.Errorf("both are too long: %v", err)
		}
		m.Begin(event(t, hook.UserImport, importCall))
		want := command(profile, `{"y":1}`)
		if err := m.Add("small", &hook.Draft{JSON: []byte(want)}); err != nil {
			t.Fatal(err)
		}
		if got := render(t, hook.UserImport, &m); got != want {
			t.Errorf("got %s", got)
		}
	}
}

func TestMergeEntries(t *testing.T) {
	for _, test := range []struct {
		name, draft   string
		empty, denied bool
	}{
		{"nothing", `{}`, true, false},
		{"an empty profile", command(profile, `{}`), true, false},
		{"allow", command(action, `{"registration":"ALLOW"}`), false, false},
		{"deny", command(action, `{"registration":"DENY"}`), false, true},
		{"error", `{"error":"no"}`, false, true},
		{"debug", `{"debugContext":{"a":1}}`, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var m hook.Merge
			for range 2 { // the same again after Begin
				m.Begin(event(t, hook.Registration, signupCall))
				if !m.Empty() || m.Denied() {
					t.Error("says something before anything was added")
				}
				if err := m.Add("one", &hook.Draft{JSON: []byte(test.draft)}); err != nil {
					t.Fatal(err)
				}
				if m.Empty() != test.empty || m.Denied() != test.denied {
					t.Errorf("empty %v, denied %v", m.Empty(), m.Denied())
				}
			}
		})
	}
}

func TestMergeHas(t *testing.T) {
	var m hook.Merge
	m.Begin(event(t, hook.Token, machineCall))
	if m.Has(hook.IDToken, "ver") || !m.Has(hook.AccessToken, "ver") || m.Has(hook.AccessToken, "role") {
		t.Error("not as the call has it")
	}
	if err := m.Add("one", &hook.Draft{JSON: []byte(command(access, `[{"op":"add","path":"/claims/a~1b","value":1}]`))}); err != nil {
		t.Fatal(err)
	}
	if !m.Has(hook.AccessToken, "a/b") {
		t.Error("not as it was patched")
	}
}

// Waiters hold an answer while the Merge serves other calls.
func TestRenderFresh(t *testing.T) {
	var m hook.Merge
	m.Begin(event(t, hook.Registration, signupCall))
	if err := m.Add("one", &hook.Draft{JSON: []byte(command(profile, `{"a":"first"}`))}); err != nil {
		t.Fatal(err)
	}
	first, err := m.Render()
	if err != nil {
		t.Fatal(err)
	}
	was := bytes.Clone(first)
	m.Begin(event(t, hook.Registration, signupCall))
	if err := m.Add("one", &hook.Draft{JSON: []byte(command(profile, `{"b":"other"}`))}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Render(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, was) {
		t.Errorf("the first answer became %s", first)
	}
}

// A served answer costs one allocation: its own bytes.
func TestMergeAllocatesOnce(t *testing.T) {
	for _, test := range []struct {
		name  string
		typ   hook.Type
		draft string
	}{
		{"deny", hook.Registration, `{"commands":[{"type":"com.okta.action.update","value":{"registration":"DENY"}}],"error":{"errorSummary":"no","errorCauses":[{"errorSummary":"e","location":"data.userProfile.email"}]}}`},
		{"profile", hook.Registration, command(profile, `{"a":"b c","d":[1, 2]}`)},
		{"escaped claims and deep ones", hook.Token, command(id, `[{"op":"add","path":"/claims/https:~1~1example.com~1a","value":1},{"op":"add","path":"/claims/airports/0","value":"x"},{"op":"remove","path":"/claims/profile/floor"}]`)},
		{"attributes", hook.SAML, command(assertion, `[{"op":"add","path":"/claims/a","value":{"attributes":{"NameFormat":"x"},"attributeValues":[{"attributes":{"xsi:type":"xs:string"},"value":"1"}]}}]`)},
		{"link", hook.UserImport, `{"commands":[{"type":"com.okta.action.update","value":{"result":"LINK_USER"}},{"type":"com.okta.user.update","value":{"id":"1"}}]}`},
		{"verified", hook.PasswordImport, command(action, `{"credential":"VERIFIED"}`)},
		{"message", hook.Telephony, command(telephony, `[{"status":"PENDING","provider":"p"}]`)},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := event(t, test.typ, callOf[test.typ])
			d := &hook.Draft{JSON: []byte(test.draft)}
			var m hook.Merge
			n := testing.AllocsPerRun(50, func() {
				m.Begin(e)
				if err := m.Add("rule", d); err != nil {
					t.Fatal(err)
				}
				if _, err := m.Render(); err != nil {
					t.Fatal(err)
				}
			})
			if n > 1 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
