package hook_test

import (
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// command is an answer of one command.
func command(typ, value string) string {
	return `{"commands":[{"type":"` + typ + `","value":` + value + `}]}`
}

const (
	action    = "com.okta.action.update"
	profile   = "com.okta.user.profile.update"
	id        = "com.okta.identity.patch"
	access    = "com.okta.access.patch"
	assertion = "com.okta.assertion.patch"
	telephony = "com.okta.telephony.action"
)

func TestCheckAnswerOK(t *testing.T) {
	for _, test := range []struct {
		name   string
		typ    hook.Type
		answer string
	}{
		{"nothing", hook.Registration, `{}`},
		{"no commands", hook.UserImport, `{"commands":[]}`},
		{"an error of null", hook.Token, `{"error":null}`},
		{"an error", hook.SAML, `{"error":{"errorSummary":"no"}}`},
		{"an error with an empty list of causes", hook.Token, `{"error":{"errorSummary":"no","errorCauses":[]}}`},
		{"an error with a cause", hook.Registration, `{"error":{"errorSummary":"no","errorCauses":[{"errorSummary":"e","reason":"R","locationType":"body","location":"data.userProfile.email","domain":"end-user"}]}}`},
		{"debug alone", hook.Token, `{"debugContext":{"rule":{"a":[1,null]}}}`},
		{"allow", hook.Registration, command(action, `{"registration":"ALLOW"}`)},
		{"deny beside an error", hook.Registration, `{"commands":[{"type":"com.okta.action.update","value":{"registration":"DENY"}}],"error":{"errorSummary":"no"}}`},
		{"a profile", hook.Registration, command(profile, `{"a":"b","n":1,"none":null,"list":["x"],"yes":true}`)},
		{"an empty profile", hook.Registration, command(profile, `{}`)},
		{"a progressive profile", hook.Registration, command("com.okta.user.progressive.profile.update", `{"a":"b"}`)},
		{"two updates of one type", hook.Registration, `{"commands":[{"type":"com.okta.user.profile.update","value":{"a":1}},{"type":"com.okta.user.profile.update","value":{"b":1}}]}`},
		{"an app user", hook.UserImport, command("com.okta.appUser.profile.update", `{"password":"not a registration"}`)},
		{"a link", hook.UserImport, `{"commands":[{"type":"com.okta.action.update","value":{"result":"LINK_USER"}},{"type":"com.okta.user.update","value":{"id":"00g1"}}]}`},
		{"a new user", hook.UserImport, command(action, `{"result":"CREATE_USER"}`)},
		{"an id alone", hook.UserImport, command("com.okta.user.update", `{"id":"00u1"}`)},
		{"verified", hook.PasswordImport, command(action, `{"credential":"VERIFIED"}`)},
		{"unverified beside an error", hook.PasswordImport, `{"commands":[{"type":"com.okta.action.update","value":{"credential":"UNVERIFIED"}}],"error":{"errorSummary":"no"}}`},
		{"a message", hook.Telephony, command(telephony, `[{"status":"PENDING","provider":"p","transactionId":"1","transactionMetadata":"m"}]`)},
		{"a failed message", hook.Telephony, command(telephony, `[{"status":"FAILED"}]`)},
		{"a telephony error", hook.Telephony, `{"error":{"errorSummary":"no"}}`},
		{"an empty patch", hook.Token, command(id, `[]`)},
		{"claims of every kind", hook.Token, command(id, `[{"op":"add","path":"/claims/a","value":"s"},{"op":"add","path":"/claims/b","value":-1},{"op":"add","path":"/claims/c","value":false},
			{"op":"add","path":"/claims/d","value":[1.5,null]},{"op":"add","path":"/claims/e","value":{"x":0.5}}]`)},
		{"inside a claim anything", hook.Token, command(id, `[{"op":"add","path":"/claims/a/b","value":0.5},{"op":"replace","path":"/claims/a","value":null}]`)},
		{"removals", hook.Token, command(access, `[{"op":"remove","path":"/claims/a"},{"op":"remove","path":"/claims/b/0","value":null}]`)},
		{"a changed audience", hook.Token, command(access, `[{"op":"replace","path":"/claims/aud","value":"api://x"},{"op":"replace","path":"/claims/sub","value":"x"},{"op":"remove","path":"/claims/aud/0"}]`)},
		{"an ID token's uid", hook.Token, command(id, `[{"op":"add","path":"/claims/uid","value":"x"}]`)},
		{"the shortest lifetime", hook.Token, command(id, `[{"op":"replace","path":"/token/lifetime/expiration","value":300}]`)},
		{"the longest lifetime", hook.Token, command(access, `[{"op":"replace","path":"/token/lifetime/expiration","value":86400}]`)},
		{"an escaped name", hook.Token, command(id, `[{"op":"add","path":"/claims/https:~1~1example.com~1~0me","value":1}]`)},
		{"a name with one slash behind a colon", hook.Token, command(id, `[{"op":"add","path":"/claims/urn:/x","value":1}]`)},
		{"a session lifetime", hook.SAML, command(assertion, `[{"op":"add","path":"/authentication/sessionLifetime","value":1}]`)},
		{"an attribute of text", hook.SAML, command(assertion, `[{"op":"add","path":"/claims/a","value":"x"}]`)},
		{"an attribute without values", hook.SAML, command(assertion, `[{"op":"add","path":"/claims/a","value":{"attributeValues":[]}}]`)},
		{"a subject", hook.SAML, command(assertion, `[{"op":"replace","path":"/subject/nameId","value":"x"},{"op":"replace","path":"/conditions/audienceRestriction","value":["urn:x"]}]`)},
		{"nothing for an event", hook.EventHook, `{}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if problems := hook.CheckAnswer(test.typ, parse(t, test.answer)); len(problems) > 0 {
				t.Errorf("%s\n%s", test.answer, lines(problems))
			}
		})
	}
}

func TestCheckAnswerProblems(t *testing.T) {
	for _, test := range []struct {
		name   string
		typ    hook.Type
		answer string
		want   string
	}{
		{"no object", hook.Token, `[]`, "want an object with commands, error or debugContext, got an array"},
		{"null", hook.Token, `null`, "want an object with commands, error or debugContext, got null"},
		{"commands of null", hook.Token, `{"commands":null}`, "commands: want an array of commands, got null"},
		{"one command without its array", hook.Token, `{"commands":{"type":"x"}}`, "commands: want an array of commands, got an object"},
		{"debug text", hook.Token, `{"debugContext":"x"}`, "debugContext: want an object, got a string"},
		{"actions", hook.Token, `{"actions":[]}`, "actions: unknown member; want commands, error or debugContext"},
		{"a misspelt member", hook.Token, `{"command":[]}`, "command: unknown member, did you mean commands?"},
		{"a member that cannot be written plainly", hook.Token, `{"a\nb":1}`, `["a\nb"]: unknown member; want commands, error or debugContext`},
		{"a status", hook.Token, `{"statusCode":200}`, "statusCode: Okta takes no status from the body: refuse with an error or a command"},
		{"a command at the top", hook.Registration, `{"type":"com.okta.action.update","value":{"registration":"DENY"}}`,
			"type: a command stands in commands: [{type, value}]\nvalue: a command stands in commands: [{type, value}]"},

		{"an empty error", hook.Registration, `{"error":{}}`, "error.errorSummary: want words, got nothing: Okta refuses the call even when the error says nothing"},
		{"an error without words", hook.Token, `{"error":{"errorSummary":""}}`, "error.errorSummary: want words, got an empty string: Okta refuses the call even when the error says nothing"},
		{"an error of text", hook.Token, `{"error":"no"}`, "error: want an object with errorSummary, got a string"},
		{"an error in an array", hook.Telephony, `{"error":[{"errorSummary":"no"}]}`, "error: want an object with errorSummary and errorCauses, got an array"},
		{"an error's unknown member", hook.Token, `{"error":{"errorSummary":"no","errorCode":"E1"}}`, "error.errorCode: unknown member; want errorSummary or errorCauses"},
		{"causes without an array", hook.Token, `{"error":{"errorSummary":"no","errorCauses":{}}}`, "error.errorCauses: want an array of causes, got an object"},
		{"a cause of text", hook.Token, `{"error":{"errorSummary":"no","errorCauses":["x"]}}`, "error.errorCauses[0]: want an object, got a string"},
		{"a cause's members", hook.Registration, `{"error":{"errorSummary":"no","errorCauses":[{"reason":1},{"locationtype":"body"}]}}`,
			"error.errorCauses[0].reason: want a string, got a number\nerror.errorCauses[1].locationtype: unknown member, did you mean locationType?"},
		{"an error for information", hook.Registration, `{"commands":[{"type":"com.okta.user.profile.update","value":{"a":1}}],"error":{"errorSummary":"x"}}`,
			"error: an error cancels every command: give the error or the commands (DENY may stand beside it)"},
		{"an error beside ALLOW", hook.Registration, `{"commands":[{"type":"com.okta.action.update","value":{"registration":"ALLOW"}}],"error":{"errorSummary":"x"}}`,
			"error: an error cancels every command: give the error or the commands (DENY may stand beside it)"},
		{"an error beside a patch", hook.Token, `{"commands":[{"type":"com.okta.access.patch","value":[{"op":"remove","path":"/claims/a"}]}],"error":{"errorSummary":"x"}}`,
			"error: an error cancels every command: give the error or the commands"},

		{"no command", hook.Token, `{"commands":["x"]}`, "commands[0]: want an object with type and value, got a string"},
		{"no type", hook.Token, `{"commands":[{"value":[]}]}`, "commands[0].type: want a command's type, got nothing"},
		{"com.action.update", hook.Registration, command("com.action.update", `{"registration":"ALLOW"}`), `commands[0].type: unknown command "com.action.update", did you mean com.okta.action.update?`},
		{"a doubled letter", hook.PasswordImport, command("ccom.okta.action.update", `{}`), `commands[0].type: unknown command "ccom.okta.action.update", did you mean com.okta.action.update?`},
		{"a stray quote", hook.Registration, command("com.okta.user.progressive.profile.update'", `{}`),
			`commands[0].type: unknown command "com.okta.user.progressive.profile.update'", did you mean com.okta.user.progressive.profile.update?`},
		{"the ID token's patch of 2019", hook.Token, command("com.okta.tokens.id_token.patch", `[]`), `commands[0].type: unknown command "com.okta.tokens.id_token.patch", did you mean com.okta.identity.patch?`},
		{"the access token's patch of 2019", hook.Token, command("com.okta.tokens.access_token.patch", `[]`), `commands[0].type: unknown command "com.okta.tokens.access_token.patch", did you mean com.okta.access.patch?`},
		{"another type's command", hook.Token, command(assertion, `[]`),
			`commands[0].type: unknown command "com.okta.assertion.patch" for a token hook: it belongs to saml hooks; want com.okta.identity.patch or com.okta.access.patch`},
		{"no such command", hook.SAML, command("deny", `[]`), `commands[0].type: unknown command "deny"; want com.okta.assertion.patch`},
		{"a command for an event", hook.EventHook, command(action, `{}`), `commands[0].type: unknown command "com.okta.action.update": an answer to an event hook carries no commands`},
		{"an error for an event", hook.EventHook, `{"error":{"errorSummary":"x"}}`, "the answer to an event hook is empty: Okta does not read it"},
		{"a member beside type", hook.Token, `{"commands":[{"type":"com.okta.access.patch","values":[]}]}`,
			"commands[0].values: unknown member of a command, did you mean value?\ncommands[0].value: want an array of operations, got nothing"},

		{"the member action", hook.Registration, command(action, `{"action":"DENY"}`), "commands[0].value.action: unknown member, did you mean registration?"},
		{"a word beside another", hook.Registration, command(action, `{"registration":"DENY","x":1}`), "commands[0].value.x: unknown member; want registration alone"},
		{"a lower-case word", hook.Registration, command(action, `{"registration":"deny"}`), `commands[0].value.registration: want "ALLOW" or "DENY", got a string, did you mean DENY?`},
		{"no word", hook.PasswordImport, command(action, `{}`), `commands[0].value.credential: want "VERIFIED" or "UNVERIFIED", got nothing`},
		{"a boolean", hook.PasswordImport, command(action, `{"credential":true}`), `commands[0].value.credential: want "VERIFIED" or "UNVERIFIED", got a boolean`},
		{"a word that is not quoted back", hook.PasswordImport, command(action, `{"credential":"hunter2"}`), `commands[0].value.credential: want "VERIFIED" or "UNVERIFIED", got a string`},
		{"a word without its object", hook.Registration, command(action, `"DENY"`), `commands[0].value: want {"registration": "ALLOW" or "DENY"}, got a string`},
		{"a profile of text", hook.Registration, command(profile, `"x"`), "commands[0].value: want an object of attributes, got a string"},
		{"a password", hook.Registration, command(profile, `{"password":"x"}`), "commands[0].value.password: a registration hook cannot set the password"},
		{"a nameless attribute", hook.UserImport, command(profile, `{"":"x"}`), "commands[0].value: want attributes with names"},
		{"both profile updates", hook.Registration, `{"commands":[{"type":"com.okta.user.profile.update","value":{"a":1}},{"type":"com.okta.user.progressive.profile.update","value":{"a":1}}]}`,
			"commands: a call is a registration or a profile update: want com.okta.user.profile.update or com.okta.user.progressive.profile.update"},

		{"two words", hook.Registration, `{"commands":[{"type":"com.okta.action.update","value":{"registration":"DENY"}},{"type":"com.okta.action.update","value":{"registration":"ALLOW"}}]}`,
			"commands: com.okta.action.update says both DENY and ALLOW"},

		{"a link to nobody", hook.UserImport, command(action, `{"result":"LINK_USER"}`), "commands: LINK_USER needs com.okta.user.update with the id of the user to link"},
		{"a new user with an id", hook.UserImport, `{"commands":[{"type":"com.okta.action.update","value":{"result":"CREATE_USER"}},{"type":"com.okta.user.update","value":{"id":"1"}}]}`,
			"commands: CREATE_USER makes a new user: com.okta.user.update goes with LINK_USER"},
		{"an id of null", hook.UserImport, command("com.okta.user.update", `{"id":null}`), "commands[0].value.id: want a user's id, got null"},
		{"an id without its object", hook.UserImport, command("com.okta.user.update", `"00u1"`), `commands[0].value: want {"id": a user's id}, got a string`},
		{"a user's id", hook.UserImport, command("com.okta.user.update", `{"ID":"1"}`), "commands[0].value.ID: unknown member, did you mean id?\ncommands[0].value.id: want a user's id, got nothing"},

		{"nothing for a message", hook.Telephony, `{}`, "commands: want com.okta.telephony.action: without it Okta sends the message itself"},
		{"a message without its array", hook.Telephony, command(telephony, `{"status":"SUCCESSFUL"}`), "commands[0].value: want an array with one object, got an object, did you mean [{...}]?"},
		{"SUCCESS", hook.Telephony, command(telephony, `[{"status":"SUCCESS"}]`), `commands[0].value[0].status: want "SUCCESSFUL", "PENDING" or "FAILED", did you mean SUCCESSFUL?`},
		{"a lower-case status", hook.Telephony, command(telephony, `[{"status":"pending"}]`), `commands[0].value[0].status: want "SUCCESSFUL", "PENDING" or "FAILED", got a string, did you mean PENDING?`},
		{"no status", hook.Telephony, command(telephony, `[{"provider":"x"}]`), `commands[0].value[0].status: want "SUCCESSFUL", "PENDING" or "FAILED", got nothing`},
		{"a status beside the type", hook.Telephony, `{"commands":[{"type":"com.okta.telephony.action","status":"FAILED"}]}`,
			"commands[0].status: belongs into value: [{\"status\"}], not beside type\ncommands[0].value: want an array with one object, got nothing"},
		{"two reports", hook.Telephony, command(telephony, `[{"status":"FAILED"},{"status":"FAILED"}]`), "commands[0].value: want one object, got 2: there is one message"},
		{"two messages", hook.Telephony, `{"commands":[{"type":"com.okta.telephony.action","value":[{"status":"FAILED"}]},{"type":"com.okta.telephony.action","value":[{"status":"FAILED"}]}]}`,
			"commands: want one command: there is one message"},
		{"a number for an id", hook.Telephony, command(telephony, `[{"status":"FAILED","transactionId":1,"transactionid":"x"}]`),
			"commands[0].value[0].transactionId: want a string, got a number\ncommands[0].value[0].transactionid: unknown member, did you mean transactionId?"},

		{"a patch without its array", hook.Token, command(id, `{"op":"add"}`), "commands[0].value: want an array of operations, got an object, did you mean [{...}]?"},
		{"a patch of text", hook.Token, command(id, `"x"`), "commands[0].value: want an array of operations, got a string"},
		{"no operation", hook.Token, command(id, `[1]`), "commands[0].value[0]: want an object with op, path and value, got a number"},
		{"move", hook.Token, command(id, `[{"op":"move","path":"/claims/a","from":"/claims/b"}]`),
			"commands[0].value[0].from: unknown member of an operation; want op, path or value\ncommands[0].value[0].op: Okta has no move: want add, replace or remove"},
		{"copy", hook.SAML, command(assertion, `[{"op":"copy","path":"/claims/a"}]`), "commands[0].value[0].op: Okta has no copy: want add or replace"},
		{"test", hook.Token, command(id, `[{"op":"test","path":"/claims/a","value":1}]`), "commands[0].value[0].op: Okta has no test: want add, replace or remove"},
		{"a misspelt operation", hook.Token, command(id, `[{"op":"Remove","path":"/claims/a"}]`), `commands[0].value[0].op: unknown operation "Remove", did you mean remove?`},
		{"no op", hook.Token, command(id, `[{"path":"/claims/a","value":1}]`), "commands[0].value[0].op: want add, replace or remove, got nothing"},
		{"no path", hook.Token, command(id, `[{"op":"remove"}]`), "commands[0].value[0].path: want a JSON Pointer like /claims/name, got nothing"},
		{"no value", hook.Token, command(id, `[{"op":"add","path":"/claims/a"}]`), "commands[0].value[0].value: want a value to add, got nothing"},
		{"a value to remove", hook.Token, command(id, `[{"op":"remove","path":"/claims/a","value":false}]`),
			"commands[0].value[0].value: want no value to remove: anything but null makes Okta drop the whole patch"},
		{"a bare name", hook.Token, command(id, `[{"op":"remove","path":"/role"}]`),
			`commands[0].value[0].path: want /claims/{name} or /token/lifetime/expiration, got "/role", did you mean "/claims/role"?`},
		{"the call's path", hook.Token, command(id, `[{"op":"remove","path":"/data/identity/claims/role"}]`),
			`commands[0].value[0].path: want /claims/{name} or /token/lifetime/expiration, got "/data/identity/claims/role", did you mean "/claims/role"?`},
		{"dots", hook.Token, command(id, `[{"op":"remove","path":"claims.role"}]`),
			`commands[0].value[0].path: want /claims/{name} or /token/lifetime/expiration, got "claims.role", did you mean "/claims/role"?`},
		{"a short lifetime path", hook.Token, command(id, `[{"op":"replace","path":"/lifetime/expiration","value":300}]`),
			`commands[0].value[0].path: want /claims/{name} or /token/lifetime/expiration, got "/lifetime/expiration", did you mean "/token/lifetime/expiration"?`},
		{"claim", hook.Token, command(id, `[{"op":"remove","path":"/claim/role"}]`),
			`commands[0].value[0].path: want /claims/{name} or /token/lifetime/expiration, got "/claim/role", did you mean "/claims/role"?`},
		{"all claims", hook.Token, command(id, `[{"op":"replace","path":"/claims","value":{}}]`),
			`commands[0].value[0].path: want /claims/{name} or /token/lifetime/expiration, got "/claims"`},
		{"no claim", hook.Token, command(id, `[{"op":"add","path":"/claims/","value":1}]`), "commands[0].value[0].path: want a claim's name after /claims/"},
		{"an unescaped address", hook.Token, command(id, `[{"op":"add","path":"/claims/https://example.com/role","value":1}]`),
			`commands[0].value[0].path: the / in a claim's name is written ~1, did you mean "/claims/https:~1~1example.com~1role"?`},
		{"an unescaped address in an assertion", hook.SAML, command(assertion, `[{"op":"add","path":"/claims/http://schemas.example.com/role","value":"x"}]`),
			`commands[0].value[0].path: the / in a claim's name is written ~1, did you mean "/claims/http:~1~1schemas.example.com~1role"?`},
		{"a bad escape", hook.Token, command(id, `[{"op":"add","path":"/claims/a~2","value":1}]`), "commands[0].value[0].path: in a JSON Pointer ~ is written ~0 and / inside a name ~1"},
		{"an escape cut off", hook.Token, command(id, `[{"op":"add","path":"/claims/a~","value":1}]`), "commands[0].value[0].path: in a JSON Pointer ~ is written ~0 and / inside a name ~1"},
		{"a claim of null", hook.Token, command(id, `[{"op":"add","path":"/claims/a","value":null}]`), "commands[0].value[0].value: want a string, whole number, boolean, array or object, got null"},
		{"a fraction", hook.Token, command(id, `[{"op":"add","path":"/claims/a","value":0.5}]`),
			"commands[0].value[0].value: want a string, whole number, boolean, array or object: write a number with a fraction as a string"},
		{"an ID token's audience", hook.Token, command(id, `[{"op":"replace","path":"/claims/aud","value":"x"}]`),
			`commands[0].value[0].path: "aud" is reserved in an ID token, and Okta drops the whole patch for it: use another name, such as app_aud, or list it in released_claims if Okta has released it for your org`},
		{"below a reserved claim", hook.Token, command(access, `[{"op":"add","path":"/claims/scp/-","value":"x"}]`),
			`commands[0].value[0].path: "scp" is reserved in an access token, and Okta drops the whole patch for it: use another name, such as app_scp, or list it in released_claims if Okta has released it for your org`},
		{"an access token's subject removed", hook.Token, command(access, `[{"op":"remove","path":"/claims/sub"}]`),
			`commands[0].value[0].path: "sub" may be changed in an access token, but not removed`},
		{"a lifetime too short", hook.Token, command(id, `[{"op":"replace","path":"/token/lifetime/expiration","value":299}]`), "commands[0].value[0].value: want whole seconds between 300 and 86400"},
		{"a lifetime too long", hook.Token, command(id, `[{"op":"replace","path":"/token/lifetime/expiration","value":86401}]`), "commands[0].value[0].value: want whole seconds between 300 and 86400"},
		{"a lifetime of text", hook.Token, command(id, `[{"op":"replace","path":"/token/lifetime/expiration","value":"3600"}]`), "commands[0].value[0].value: want whole seconds between 300 and 86400"},
		{"a lifetime added", hook.Token, command(id, `[{"op":"add","path":"/token/lifetime/expiration","value":3600}]`), "commands[0].value[0].op: a lifetime is there already: want replace"},

		{"an attribute removed", hook.SAML, command(assertion, `[{"op":"remove","path":"/claims/a"}]`), "commands[0].value[0].op: an assertion takes add and replace, never remove"},
		{"an attribute of a number", hook.SAML, command(assertion, `[{"op":"add","path":"/claims/a","value":1}]`), "commands[0].value[0].value: want {attributes, attributeValues} or a string, got a number"},
		{"values of numbers", hook.SAML, command(assertion, `[{"op":"add","path":"/claims/a","value":{"attributeValues":[{"value":1}]}}]`),
			"commands[0].value[0].value.attributeValues[0].value: want a string, got a number: an attribute's value is text whatever its xsi:type"},
		{"values of text", hook.SAML, command(assertion, `[{"op":"add","path":"/claims/a","value":{"attributes":{"NameFormat":1},"attributeValues":["x"],"values":[]}}]`),
			"commands[0].value[0].value.values: unknown member of an attribute; want attributes or attributeValues\ncommands[0].value[0].value.attributes.NameFormat: want a string, got a number\n" +
				"commands[0].value[0].value.attributeValues[0]: want an object with attributes and value, got a string"},
		{"a replaced value of a number", hook.SAML, command(assertion, `[{"op":"replace","path":"/claims/a/attributeValues/1/value","value":1}]`),
			"commands[0].value[0].value: want a string, got a number: an attribute's value is text whatever its xsi:type"},
		{"values replaced", hook.SAML, command(assertion, `[{"op":"replace","path":"/claims/a/attributeValues","value":"x"},{"op":"add","path":"/claims/a/attributeValues/-","value":"x"},`+
			`{"op":"replace","path":"/claims/a/attributeValues","value":[{"value":"x","type":"y","attributes":"z"}]}]`),
			"commands[0].value[0].value: want an array of {attributes, value}, got a string\ncommands[0].value[1].value: want an object with attributes and value, got a string\n" +
				"commands[0].value[2].value[0].type: unknown member; want attributes or value\ncommands[0].value[2].value[0].attributes: want an object of strings, got a string"},
		{"a subject added", hook.SAML, command(assertion, `[{"op":"add","path":"/subject/nameId","value":"x"}]`),
			"commands[0].value[0].op: add makes attributes and /authentication/sessionLifetime: replace what is there already"},
		{"a subject that is no text", hook.SAML, command(assertion, `[{"op":"replace","path":"/subject/nameId","value":["x"]},{"op":"replace","path":"/subject/nameFormat","value":""}]`),
			"commands[0].value[0].value: want a text, got an array\ncommands[0].value[1].value: want a text, got an empty string"},
		{"an assertion's lifetime", hook.SAML, command(assertion, `[{"op":"replace","path":"/lifetime/expiration","value":300}]`),
			`commands[0].value[0].path: want a path below /subject/, /authentication/, /conditions/ or /claims/, got "/lifetime/expiration", did you mean /authentication/sessionLifetime?`},
		{"a root", hook.SAML, command(assertion, `[{"op":"replace","path":"/subject","value":{}}]`),
			`commands[0].value[0].path: want a path below /subject/, /authentication/, /conditions/ or /claims/, got "/subject"`},
		{"no session lifetime", hook.SAML, command(assertion, `[{"op":"add","path":"/authentication/sessionLifetime","value":0}]`), "commands[0].value[0].value: want a session lifetime in whole seconds"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := strings.TrimSuffix(lines(hook.CheckAnswer(test.typ, parse(t, test.answer))), "\n")
			if got != test.want {
				t.Errorf("%s\ngot  %s\nwant %s", test.answer, got, test.want)
			}
		})
	}
}

func TestCheckAnswerSize(t *testing.T) {
	answer := func(n int) string {
		const frame = `{"debugContext":{"x":""}}`
		return `{"debugContext":{"x":"` + strings.Repeat("x", n-len(frame)) + `"}}`
	}
	if p := hook.CheckAnswer(hook.Token, parse(t, answer(256*1024-1))); len(p) > 0 {
		t.Errorf("under 256 KB: %v", p)
	}
	if p := hook.CheckAnswer(hook.Token, parse(t, answer(256*1024))); len(p) != 1 {
		t.Errorf("256 KB: %v", p)
	}
}

func TestCheckDraft(t *testing.T) {
	for _, test := range []struct {
		name  string
		typ   hook.Type
		draft string
		want  string
	}{
		{"no opinion", hook.Token, ``, ""},
		{"null", hook.Token, `null`, ""},
		{"null members", hook.Token, `{"commands":null,"error":null,"debugContext":null,"actions":null}`, ""},
		{"an error of text", hook.Token, `{"error":"no"}`, ""},
		{"a message left to another rule", hook.Telephony, `{"debugContext":{}}`, ""},
		{"a link whose user another rule gives", hook.UserImport, command(action, `{"result":"LINK_USER"}`), ""},
		{"an error of no text", hook.Token, `{"error":""}`, "error: want words: Okta refuses the call even when the error says nothing"},
		{"actions", hook.Token, `{"actions":[{}]}`, "actions[0].to: want the name of a destination, got nothing"},
		{"an error beside commands", hook.Token, `{"commands":[{"type":"com.okta.access.patch","value":[{"op":"remove","path":"/claims/a"}]}],"error":"x"}`,
			"error: an error cancels every command: give the error or the commands"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := strings.TrimSuffix(lines(hook.CheckDraft(test.typ, &hook.Draft{JSON: []byte(test.draft)})), "\n")
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestCheckDraftUnreadable(t *testing.T) {
	for _, draft := range []string{"{", `{"error":null,"error":"no"}`, `{} {}`, "{\"error\":\"\xff\"}", strings.Repeat("[", 100)} {
		problems := hook.CheckDraft(hook.Token, &hook.Draft{JSON: []byte(draft)})
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Message, "want one JSON object: at byte ") {
			t.Errorf("%s: %v", draft, problems)
		}
	}
}

// TestProblemsQuoteNoValue: a problem may be logged. It names members, commands and claims, but
// never contains a value.
func TestProblemsQuoteNoValue(t *testing.T) {
	const value = "hunter2"
	for _, typ := range hook.Types() {
		for _, answer := range []string{
			`"hunter2"`, `{"error":"hunter2"}`, `{"error":{"errorSummary":["hunter2"],"x":"hunter2"}}`, `{"debugContext":"hunter2"}`, `{"x":"hunter2"}`,
			command(action, `{"credential":"hunter2","registration":"hunter2","result":"hunter2","x":"hunter2"}`), command(action, `"hunter2"`),
			command(profile, `"hunter2"`), command(profile, `{"password":"hunter2"}`), command("com.okta.user.update", `{"id":["hunter2"]}`),
			command(telephony, `[{"status":"hunter2","provider":["hunter2"],"x":"hunter2"}]`),
			command(id, `[{"op":"remove","path":"/claims/a","value":"hunter2"},{"op":"replace","path":"/token/lifetime/expiration","value":"hunter2"},{"op":"add","path":"/claims/aud","value":"hunter2"}]`),
			command(assertion, `[{"op":"add","path":"/claims/a","value":["hunter2"]},{"op":"add","path":"/authentication/sessionLifetime","value":"hunter2"},{"op":"add","path":"/subject/nameId","value":"hunter2"}]`),
		} {
			if text := lines(hook.CheckAnswer(typ, parse(t, answer))); strings.Contains(text, value) {
				t.Errorf("%v %s: %s", typ, answer, text)
			}
		}
	}
}

// A name from outside cannot break a line, nor fill one.
func TestProblemsQuoteNames(t *testing.T) {
	long := strings.Repeat("é", 100)
	for _, test := range []struct{ answer, want string }{
		{command(`a\nb`, `[]`), `commands[0].type: unknown command "a\nb"; want com.okta.identity.patch or com.okta.access.patch`},
		{command(long, `[]`), `commands[0].type: unknown command "` + long[:80] + `"…; want com.okta.identity.patch or com.okta.access.patch`},
		{`{"` + long + `":1}`, `["` + long[:80] + `"…]: unknown member; want commands, error or debugContext`},
		{`{"":1}`, `[""]: unknown member; want commands, error or debugContext`},
	} {
		if got := strings.TrimSuffix(lines(hook.CheckAnswer(hook.Token, parse(t, test.answer))), "\n"); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

func TestCheckOfNoType(t *testing.T) {
	if got := lines(hook.CheckAnswer(0, parse(t, command(action, `{}`)))); !strings.Contains(got, "carries no commands") {
		t.Error(got)
	}
	if got := hook.Commands(99); len(got) > 0 {
		t.Error(got)
	}
}
