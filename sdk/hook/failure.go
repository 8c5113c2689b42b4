package hook

// The failure answers (hooks.md section 10). What people may get to see names nothing from inside, and fits a first
// registration, a profile update and a sign-in alike.
const (
	failNothing    = `{}`
	failNeutral    = `"error":{"errorSummary":"This request cannot be completed right now. Please try again later."}}`
	failDeny       = `{"commands":[{"type":"com.okta.action.update","value":{"registration":"DENY"}}],` + failNeutral
	failError      = `{` + failNeutral
	failUnverified = `{"commands":[{"type":"com.okta.action.update","value":{"credential":"UNVERIFIED"}}]}`
	failUnsent     = `{"commands":[` + failMessage + `]}`
	failMessage    = `{"type":"com.okta.telephony.action","value":[{"status":"FAILED"}]}`
)

// OpenAnswer is the answer of a hook that fails open: Okta goes on as if the hook were not there. It is a fresh copy.
// Where there is no choice (FailureFixed) it is the one failure answer of the type.
func OpenAnswer(t Type) []byte {
	switch t {
	case PasswordImport:
		return []byte(failUnverified)
	case Telephony:
		return []byte(failUnsent)
	}
	return []byte(failNothing)
}

// ClosedAnswer is the answer of a hook that fails closed: the registration or sign-in is refused. It is a fresh copy.
func ClosedAnswer(t Type) []byte {
	switch t {
	case Registration:
		return []byte(failDeny)
	case Token, SAML:
		return []byte(failError)
	}
	return OpenAnswer(t)
}

// FailureFixed reports whether a hook of this type cannot choose its failure answer: a password that nobody verified is
// never imported, an import goes on whatever is answered, and a message that was not handed over is Okta's to send. An
// event hook has no answer to choose.
func FailureFixed(t Type) bool {
	switch t {
	case Registration, Token, SAML:
		return false
	}
	return true
}
