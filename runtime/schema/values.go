package schema

import (
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Values are the texts that a member can be.
type Values struct {
	All    []string
	Closed bool // Okta sends no others; otherwise only a typing error is wrong
	// another text is a warning, not an error: payloads made by hand have any text there
	Lenient bool
}

// Allows reports whether the member can be that text.
func (v *Values) Allows(s string) bool {
	if v == nil || slices.Contains(v.All, s) {
		return true
	}
	return !v.Closed && !slices.ContainsFunc(v.All, func(known string) bool { return isTypo(s, known) })
}

// closedValues lists members for which Okta sends these texts and no others, from hooks.md sections
// 3 to 8: a path, then all its texts. The types of an event hook's events are not among them: the
// rules check those against the catalogue.
var closedValues = map[hook.Type]string{
	hook.Registration: `
requestType self.service.registration progressive.profile
data.action ALLOW`,
	hook.Token: `
data.context.protocol.type OAUTH2.0`,
	hook.SAML: `
data.context.protocol.type SAML2.0`,
	hook.UserImport: `
data.action.result CREATE_USER LINK_USER
data.context.job.type import:users`,
	hook.PasswordImport: `
data.action.credential UNVERIFIED`,
	hook.Telephony: `
requestType com.okta.user.telephony.pre-enrollment com.okta.user.telephony.mfa-verification ` +
		`com.okta.user.telephony.account-unlock com.okta.user.telephony.password-reset`,
	hook.EventHook: `
event.severity DEBUG INFO WARN ERROR
event.outcome.result SUCCESS FAILURE SKIPPED ALLOW DENY CHALLENGE UNKNOWN RATE_LIMIT DEFERRED SCHEDULED ABANDONED UNANSWERED`,
}

// openValues lists known texts of members for which Okta has others too, or will have.
var openValues = map[hook.Type]string{
	hook.Token: `
data.context.protocol.request.grant_type authorization_code client_credentials refresh_token implicit password
data.context.protocol.request.response_mode query fragment form_post okta_post_message
data.context.protocol.client.type PUBLIC CONFIDENTIAL
data.context.session.status ACTIVE MFA_ENROLL MFA_REQUIRED`,
	hook.SAML: `
data.context.session.status ACTIVE MFA_ENROLL MFA_REQUIRED`,
	hook.EventHook: `
event.actor.type User SystemPrincipal PublicClientApp
event.transaction.type WEB JOB`,
}

// setValues gives the members in the lines of a list their texts.
func (s *Schema) setValues(lines string, closed bool) {
	for line := range strings.Lines(lines) {
		if fields := strings.Fields(line); len(fields) > 0 {
			s.at(strings.Split(fields[0], ".")).values = &Values{All: fields[1:], Closed: closed}
		}
	}
}

// setTypes gives the eventType of a call, and the types of an event's targets, their texts.
func (s *Schema) setTypes(t hook.Type) {
	path := []string{"eventType"}
	if t == hook.EventHook {
		path = []string{"delivery", "eventType"}
		s.at([]string{"event", "target"}).element.members["type"].values = &Values{All: targetTypes}
	}
	if m := s.at(path); m != nil {
		m.values = &Values{All: []string{t.EventType()}, Closed: true, Lenient: true}
	}
}

// targetTypes are those that most events have; Okta has many others.
var targetTypes = []string{"User", "UserGroup", "AppInstance", "AppUser", "AuthenticatorEnrollment"}
