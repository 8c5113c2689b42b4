package hook

// Type is the kind of hook Okta calls: six inline hooks and the event hook.
type Type uint8

// The hook types, in the order of hooks.md section 0. The zero Type is no type.
const (
	Registration Type = iota + 1
	Token
	SAML
	UserImport
	PasswordImport
	Telephony
	EventHook
)

// types holds what is written for each Type: the policy file's word and Okta's eventType.
var types = [...]struct{ name, eventType string }{
	Registration:   {"registration", "com.okta.user.pre-registration"},
	Token:          {"token", "com.okta.oauth2.tokens.transform"},
	SAML:           {"saml", "com.okta.saml.tokens.transform"},
	UserImport:     {"user-import", "com.okta.import.transform"},
	PasswordImport: {"password-import", "com.okta.user.credential.password.import"},
	Telephony:      {"telephony", "com.okta.telephony.provider"},
	EventHook:      {"event", "com.okta.event_hook"},
}

// Types lists every hook type, the event hook last.
func Types() []Type {
	return []Type{Registration, Token, SAML, UserImport, PasswordImport, Telephony, EventHook}
}

// ParseType finds the Type that a policy file writes as name: "registration", "user-import" and so on.
func ParseType(name string) (Type, bool) {
	for t := Registration; t <= EventHook; t++ {
		if types[t].name == name {
			return t, true
		}
	}
	return 0, false
}

// String is the policy file's word for the type.
func (t Type) String() string {
	if t < Registration || t > EventHook {
		return "unknown"
	}
	return types[t].name
}

// EventType is the eventType on the wire, in Okta's spelling (hooks.md section 0).
func (t Type) EventType() string {
	if t < Registration || t > EventHook {
		return ""
	}
	return types[t].eventType
}

// Inline reports whether Okta waits for the answer of this type.
func (t Type) Inline() bool { return t >= Registration && t <= Telephony }
