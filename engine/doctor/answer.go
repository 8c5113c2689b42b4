package doctor

import (
	"fmt"
	"net/http"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// OnFailure describes how Okta handles a failed hook of the type (hooks.md sections 0 and 10). The text
// continues a sentence that begins with "Okta".
func OnFailure(t hook.Type) string {
	switch t {
	case hook.Registration:
		return "refuses the registration when a hook fails"
	case hook.Token:
		return "issues the token unmodified when a hook fails, and does not retry"
	case hook.SAML:
		return "sends the assertion unmodified when a hook fails"
	case hook.UserImport:
		return "continues the import when a hook fails, and creates the user"
	case hook.PasswordImport:
		return "refuses the sign-in when a hook fails, and calls again at the next one"
	case hook.Telephony:
		return "sends the code itself when a hook fails, and does not retry"
	}
	return "retries once when a hook fails, and then drops the events"
}

// CheckAnswer returns the reasons for which Okta would not apply an answer; none if it would.
func CheckAnswer(t hook.Type, status int, answer []byte) []string {
	switch {
	case status == http.StatusNoContent && t != hook.Telephony:
		return nil
	case status == http.StatusOK && t == hook.EventHook:
		return nil // Okta ignores the body (hooks.md section 3.3)
	case status != http.StatusOK:
		return []string{fmt.Sprintf("status %d: want 200; Okta %s", status, OnFailure(t))}
	}
	var d jsondoc.Doc
	if err := d.Parse(answer, jsondoc.Limits{}); err != nil {
		return []string{fmt.Sprintf("the answer: %v; Okta %s", err, OnFailure(t))}
	}
	var problems []string
	for _, p := range hook.CheckAnswer(t, d.Root()) {
		problems = append(problems, fmt.Sprintf("Okta would not apply this: %s: %s", p.Path, p.Message))
	}
	return problems
}
