package hook

// The failure answers (hooks.md section 10). Their text is shown to people: it reveals nothing
// internal, and fits a first registration, a profile update and a sign-in.
const (
	failNothing    = `{}`
	failNeutral    = `"error":{"errorSummary":"This request cannot be completed right now. Please try again later."}}`
	failDeny       = `{"commands":[{"type":"com.okta.action.update","value":{"registration":"DENY"}}],` + failNeutral
	failError      = `{` + failNeutral
	failUnverified = `{"commands":[{"type":"com.okta.action.update","value":{"credential":"UNVERIFIED"}}]}`
	failUnsent     = `{"commands":[` + failMessage + `]}`
	failMessage    = `{"type":"com.okta.telephony.action","value":[{"status":"FAILED"}]}`
)

// OpenAnswer is the answer of a hook that fails open: Okta proceeds as if the hook did not exist.
// If FailureFixed is true, it is the only failure answer of the type. It is a fresh copy.
func OpenAnswer(t Type) []byte { return []byte(t.facts().open) }

// ClosedAnswer is the answer of a hook that fails closed: the registration or sign-in is refused.
// It is a fresh copy.
func ClosedAnswer(t Type) []byte { return []byte(t.facts().closed) }

// SilentAnswer is the answer of a hook whose rules ask for nothing. It is a fresh copy.
func SilentAnswer(t Type) []byte {
	if t.NeedsAnswer() {
		return OpenAnswer(t)
	}
	return []byte(failNothing)
}

// FailureFixed reports whether hooks of this type have only one failure answer: an unverified
// password is never imported, an import proceeds after any answer, and Okta itself sends a message
// that was not handed over. An event hook has no answer.
func FailureFixed(t Type) bool { return t.facts().open == t.facts().closed }
