package hook

import "github.com/tenterhook/tenterhook/sdk/jsondoc"

// facts are the properties that depend on the hook type alone. A new type needs a constant, a row of
// this table, a sample call, its payload members in runtime/schema, and, if it has commands of its
// own, their checks in contract.go and check.go and their short forms in package rules.
type facts struct {
	name      string // word of the policy file
	eventType string // eventType on the wire, in Okta's spelling
	label     string // name in Okta's Admin Console

	commands []command    // commands that an answer may carry (hooks.md sections 4 to 8)
	hosts    []HostMember // members that name the org's host (hooks.md section 1.3)
	secrets  []string     // dotted paths of the members that hold a cleartext password or one-time code (hooks.md section 8)

	open, closed string // failure answers (hooks.md section 10); equal where Okta leaves no choice
	needsAnswer  bool   // Okta takes an empty answer for a failure
	guards       bool   // the answer alone decides whether somebody gets an account
	failsClosed  bool   // an answer without the failed rule would let somebody in
	onFailure    string // Okta's reaction to a failed hook: completes the sentence "Okta …" (hooks.md sections 0 and 10)
}

// source names the org's host in every call of most types.
var source = HostMember{Path: []string{"source"}, Always: true}

// types holds the facts of each Type. The zero row is that of an unknown type.
var types = [...]facts{
	{name: "unknown", hosts: []HostMember{{Path: source.Path}}, open: failNothing, closed: failNothing, onFailure: "takes the hook for failed"},
	Registration: {
		name: "registration", eventType: "com.okta.user.pre-registration", label: "Registration",
		commands: []command{
			{name: "com.okta.action.update", shape: wordShape, key: "registration", words: []string{"ALLOW", "DENY"}, wins: "DENY"},
			{name: profileUpdate, shape: profileShape},
			{name: progressiveUpdate, shape: profileShape},
		},
		hosts: []HostMember{{Path: source.Path}},
		open:  failNothing, closed: failDeny, guards: true,
		onFailure: "refuses the registration when a hook fails",
	},
	Token: {
		name: "token", eventType: "com.okta.oauth2.tokens.transform", label: "Token",
		commands: []command{
			{name: "com.okta.identity.patch", shape: patchShape, token: IDToken},
			{name: "com.okta.access.patch", shape: patchShape, token: AccessToken},
		},
		hosts: []HostMember{{Path: []string{"data", "context", "protocol", "issuer", "uri"}, Always: true}, source},
		open:  failNothing, closed: failError,
		onFailure: "issues the token unmodified when a hook fails, and does not retry",
	},
	SAML: {
		name: "saml", eventType: "com.okta.saml.tokens.transform", label: "SAML",
		commands: []command{{name: "com.okta.assertion.patch", shape: patchShape}},
		hosts:    []HostMember{source},
		open:     failNothing, closed: failError,
		onFailure: "sends the assertion unmodified when a hook fails",
	},
	UserImport: {
		name: "user-import", eventType: "com.okta.import.transform", label: "User Import",
		commands: []command{
			{name: "com.okta.action.update", shape: wordShape, key: "result", words: []string{createUser, linkUser}},
			{name: "com.okta.user.update", shape: idShape},
			{name: profileUpdate, shape: profileShape},
			{name: "com.okta.appUser.profile.update", shape: profileShape},
		},
		hosts: []HostMember{{Path: source.Path}},
		open:  failNothing, closed: failNothing,
		onFailure: "continues the import when a hook fails, and creates the user",
	},
	PasswordImport: {
		name: "password-import", eventType: "com.okta.user.credential.password.import", label: "Password Import",
		commands: []command{
			{name: "com.okta.action.update", shape: wordShape, key: "credential", words: []string{"VERIFIED", "UNVERIFIED"}, wins: "UNVERIFIED"},
		},
		hosts:   []HostMember{source},
		secrets: []string{"data.context.credential.password"},
		open:    failUnverified, closed: failUnverified, failsClosed: true,
		onFailure: "refuses the sign-in when a hook fails, and calls again at the next one",
	},
	Telephony: {
		name: "telephony", eventType: "com.okta.telephony.provider", label: "Telephony",
		commands: []command{{name: "com.okta.telephony.action", shape: messageShape}},
		hosts:    []HostMember{source},
		secrets:  []string{"data.messageProfile.otpCode", "data.messageProfile.msgTemplate"}, // the message contains the code
		open:     failUnsent, closed: failUnsent, needsAnswer: true,
		onFailure: "sends the code itself when a hook fails, and does not retry",
	},
	EventHook: {
		name: "event", eventType: "com.okta.event_hook",
		hosts: []HostMember{source},
		open:  failNothing, closed: failNothing,
		onFailure: "retries once when a hook fails, and then drops the events",
	},
}

func (t Type) facts() *facts {
	if int(t) >= len(types) {
		return &types[0]
	}
	return &types[t]
}

// HostMember is a member of a call that names the org's host.
type HostMember struct {
	Path   []string
	Always bool // every call has it, as a URL; otherwise it may be absent or an id
}

// Find returns the member in a call.
func (m HostMember) Find(call jsondoc.Node) jsondoc.Node {
	for _, name := range m.Path {
		call = call.Get(name)
	}
	return call
}

// String is the policy file's word for the type.
func (t Type) String() string { return t.facts().name }

// EventType is the eventType on the wire, in Okta's spelling (hooks.md section 0).
func (t Type) EventType() string { return t.facts().eventType }

// Label is the type's name in Okta's Admin Console; empty for an event hook, which has its own
// page.
func (t Type) Label() string { return t.facts().label }

// Secrets are the dotted paths of the members that hold a cleartext password or one-time code. The
// caller must not change the slice.
func (t Type) Secrets() []string { return t.facts().secrets }

// HasSecrets reports whether calls of the type hold a cleartext password or one-time code.
func (t Type) HasSecrets() bool { return len(t.facts().secrets) > 0 }

// Hosts are the members of a call that name the org's host, the most specific first. The caller
// must not change the slice.
func (t Type) Hosts() []HostMember { return t.facts().hosts }

// NamesHost reports whether every call of the type names the org's host.
func (t Type) NamesHost() bool {
	for _, m := range t.facts().hosts {
		if m.Always {
			return true
		}
	}
	return false
}

// NeedsAnswer reports whether Okta takes an empty answer for a failure.
func (t Type) NeedsAnswer() bool { return t.facts().needsAnswer }

// GuardsAccounts reports whether the answer alone decides if somebody gets an account.
func (t Type) GuardsAccounts() bool { return t.facts().guards }

// FailsClosed reports whether a failed rule must fail the whole hook: without that rule, the answer
// could let somebody in.
func (t Type) FailsClosed() bool { return t.facts().failsClosed }

// OnFailure is Okta's reaction to a hook that fails. It completes the sentence "Okta …" (hooks.md
// sections 0 and 10).
func (t Type) OnFailure() string { return t.facts().onFailure }

// TypesWithSecrets lists the types for which HasSecrets is true.
func TypesWithSecrets() (list []Type) {
	for _, t := range Types() {
		if t.HasSecrets() {
			list = append(list, t)
		}
	}
	return list
}
