package hook

// Type is the kind of hook that Okta calls: six inline hooks and the event hook. facts.go holds
// their properties.
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

// Types lists every hook type, the event hook last.
func Types() []Type {
	list := make([]Type, 0, EventHook)
	for t := Registration; t <= EventHook; t++ {
		list = append(list, t)
	}
	return list
}

// ParseType finds the Type for its word in a policy file: "registration", "user-import" and so on.
func ParseType(name string) (Type, bool) {
	for t := Registration; t <= EventHook; t++ {
		if t.String() == name {
			return t, true
		}
	}
	return 0, false
}

// TypeOf finds the Type whose calls have the eventType.
func TypeOf(eventType string) (Type, bool) {
	for t := Registration; t <= EventHook; t++ {
		if t.EventType() == eventType {
			return t, true
		}
	}
	return 0, false
}

// Inline reports whether Okta waits for the answer of this type.
func (t Type) Inline() bool { return t >= Registration && t < EventHook }

// WithArticle is the type with its indefinite article: "a token", "an event".
func (t Type) WithArticle() string {
	if t == EventHook || t.facts() == &types[0] {
		return "an " + t.String()
	}
	return "a " + t.String()
}
