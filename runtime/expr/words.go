package expr

import (
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// words are the texts a member can be.
type words struct {
	all    []string
	closed bool // Okta has no others; else only a slip of the pen is no word of Okta's
	doubt  bool // what it does not have is a doubt, no mistake: payloads that are made by hand have what they like there
}

// closedWords are the members of which Okta sends these texts and no others, from hooks.md sections 3 to 8: a path, then
// all its texts. What an event hook's events are of is looked at by the rules, which know the catalogue.
var closedWords = map[hook.Type]string{
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

// openWords are texts that are known of members for which Okta has others too, or will have.
var openWords = map[hook.Type]string{
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

// say puts the words of a list where they belong.
func (s *shape) say(lines string, closed bool) {
	for line := range strings.Lines(lines) {
		if fields := strings.Fields(line); len(fields) > 0 {
			s.at(strings.Split(fields[0], ".")).words = &words{all: fields[1:], closed: closed}
		}
	}
}

// typed says what the types of calls are, and of the targets of events.
func (s *shape) typed(t hook.Type) {
	path := []string{"eventType"}
	if t == hook.EventHook {
		path = []string{"delivery", "eventType"}
		s.at([]string{"event", "target"}).element.members["type"].words = &words{all: targetTypes}
	}
	if m := s.at(path); m != nil {
		m.words = &words{all: []string{t.EventType()}, closed: true, doubt: true}
	}
}

// targetTypes are those that most events have; Okta has many others.
var targetTypes = []string{"User", "UserGroup", "AppInstance", "AppUser", "AuthenticatorEnrollment"}

// at is the member at a path, nil when it is not known.
func (s *shape) at(path []string) *shape {
	for _, name := range path {
		if s == nil {
			return nil
		}
		s = s.members[name]
	}
	return s
}

// free lets the member at the path be anything, and have any member.
func (s *shape) free(path []string) {
	if s = s.at(path); s != nil {
		s.types, s.rest, s.element, s.words = anything, orgs, nil, nil
	}
}

// allows reports whether the member can be that text.
func (w *words) allows(s string) bool {
	if w == nil || slices.Contains(w.all, s) {
		return true
	}
	return !w.closed && !slices.ContainsFunc(w.all, func(known string) bool { return slipped(s, known) })
}

// meant is the word that s was probably to be: one that is near, or else the one that begins most like it.
func (w *words) meant(s string) string {
	if word := nearest(s, w.all); word != "" {
		return word
	}
	found, most := "", 2
	for _, word := range w.all {
		if slipped(s, word) {
			return word
		}
		if n := alikeUpTo(s, word); n > most {
			found, most = word, n
		}
	}
	return found
}

// alikeUpTo is how many letters two words begin with alike, whatever their case.
func alikeUpTo(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n]|0x20 == b[n]|0x20 {
		n++
	}
	return n
}

// joints leaves out what joins the parts of a word.
var joints = strings.NewReplacer("_", "", "-", "", " ", "")

// slipped reports whether word is known but for case, for what joins its parts, or for one letter.
func slipped(word, known string) bool {
	return strings.EqualFold(joints.Replace(word), joints.Replace(known)) || len(known) > 4 && distance(word, known) == 1
}
