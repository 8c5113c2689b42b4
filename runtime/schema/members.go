package schema

import (
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// members lists the members of Okta's calls, from hooks.md and the published samples. Each line is
// a word for the kind, then paths; leafOf explains the words. Where the published pages disagree
// between a number and a text (hooks.md section 1.2) the word is `scalar`, which allows both.
var members = map[hook.Type][]string{
	hook.Registration:   {envelope, request, user, registration},
	hook.Token:          {envelope, request, session, signedInUser, user, token},
	hook.SAML:           {envelope, request, session, signedInUser, user, saml},
	hook.UserImport:     {envelope, userImport},
	hook.PasswordImport: {envelope, request, passwordImport},
	hook.Telephony:      {envelope, request, telephony},
	hook.EventHook:      {logEvent},
}

// hooks.md section 1.2.
const envelope = `
text   eventType eventId eventTime source contentType requestType
scalar eventTypeVersion cloudEventVersion`

const request = `
text data.context.request.id data.context.request.method data.context.request.url.value data.context.request.ipAddress`

// hooks.md sections 4 and 5.
const session = `
text  data.context.session.id data.context.session.userId data.context.session.login data.context.session.createdAt
text  data.context.session.expiresAt data.context.session.status data.context.session.lastPasswordVerification
texts data.context.session.amr
text  data.context.session.idp.id data.context.session.idp.type
bool  data.context.session.mfaActive`

const user = `
text data.context.user.id data.context.user.passwordChanged
more data.context.user.profile
text data.context.user.profile.login data.context.user.profile.firstName data.context.user.profile.lastName
text data.context.user.profile.locale data.context.user.profile.timeZone
open data.context.user._links`

// signedInUser comes before user and closes the profile: token and SAML hooks get these five members
// and no others, whatever the org's profile has (hooks.md section 4).
const signedInUser = `
base data.context.user.profile`

// hooks.md section 6: action is a text here, not an object.
const registration = `
profile data.userProfile data.userProfileUpdate
text    data.action`

// hooks.md section 4: the spec spells OriginalGrant with a capital, captures do not. The claims
// with a type are those that no org can change; aud is not among them.
const token = `
text   data.context.protocol.type data.context.protocol.issuer.uri
grows  data.context.protocol.request
text   data.context.protocol.request.scope data.context.protocol.request.state data.context.protocol.request.redirect_uri
text   data.context.protocol.request.response_mode data.context.protocol.request.response_type
text   data.context.protocol.request.client_id data.context.protocol.request.grant_type
open   data.context.protocol.originalGrant data.context.protocol.OriginalGrant
text   data.context.protocol.client.id data.context.protocol.client.name data.context.protocol.client.type
text   data.context.policy.id data.context.policy.rule.id
more   data.identity.claims data.access.claims
text   data.identity.claims.iss data.identity.claims.jti data.identity.claims.sub data.identity.claims.idp
number data.identity.claims.auth_time data.identity.claims.exp data.identity.claims.iat data.identity.claims.ver
texts  data.identity.claims.amr data.access.claims.scp
text   data.access.claims.iss data.access.claims.jti data.access.claims.cid data.access.claims.uid
number data.access.claims.auth_time data.access.claims.exp data.access.claims.iat data.access.claims.ver
open   data.access.scopes
number data.identity.token.lifetime.expiration data.access.token.lifetime.expiration
text   data.refresh_token.jti`

// hooks.md section 5.
const saml = `
text   data.context.protocol.type data.context.protocol.issuer.id data.context.protocol.issuer.name
text   data.context.protocol.issuer.uri
text   data.assertion.subject.nameId data.assertion.subject.nameFormat data.assertion.subject.confirmation.method
text   data.assertion.subject.confirmation.data.recipient
text   data.assertion.authentication.sessionIndex data.assertion.authentication.authnContext.authnContextClassRef
number data.assertion.authentication.sessionLifetime data.assertion.lifetime.expiration
texts  data.assertion.conditions.audienceRestriction
open   data.assertion.claims`

// hooks.md section 7: there is no context.request.
const userImport = `
texts data.context.conflicts data.context.policy
list  data.context.matches
text  data.context.application.name data.context.application.id data.context.application.label
text  data.context.application.status data.context.job.id data.context.job.type
text  data.action.result data.user.id
open  data.appUser.profile
profile data.user.profile`

// hooks.md section 8.1.
const passwordImport = `
text data.context.credential.username data.context.credential.password data.action.credential`

// hooks.md section 8.2. A one-time code may come as a number, which has lost its leading zeros.
const telephony = `
text data.userProfile.firstName data.userProfile.lastName data.userProfile.login data.userProfile.userId
text data.messageProfile.msgTemplate data.messageProfile.deliveryChannel data.messageProfile.locale
text data.messageProfile.otpExpires
scalar data.messageProfile.phoneNumber data.messageProfile.otpCode`

// hooks.md sections 1.2 and 3.2. Event hooks write the version's name in the plural.
const logEvent = `
text   delivery.eventType delivery.eventId delivery.eventTime delivery.source delivery.contentType
scalar delivery.eventTypeVersion delivery.cloudEventsVersion
any    delivery.data
text event.uuid event.published event.eventType event.version event.displayMessage event.severity
text event.legacyEventType event.insertionTimestamp
text event.actor.id event.actor.type event.actor.alternateId event.actor.displayName
open event.actor.detailEntry event.device
text event.client.userAgent.rawUserAgent event.client.userAgent.os event.client.userAgent.browser
text event.client.zone event.client.device event.client.id event.client.ipAddress
place event.client.geographicalContext
hops event.client.ipChain event.request.ipChain
targets event.target
text event.outcome.result event.outcome.reason
text event.transaction.type event.transaction.id
open event.transaction.detail event.debugContext.debugData
grows  event.authenticationContext event.securityContext
text   event.authenticationContext.authenticationProvider event.authenticationContext.credentialProvider
text   event.authenticationContext.credentialType event.authenticationContext.externalSessionId
text   event.authenticationContext.interface event.authenticationContext.issuer.id event.authenticationContext.issuer.type
number event.authenticationContext.authenticationStep event.securityContext.asNumber
text   event.securityContext.asOrg event.securityContext.isp event.securityContext.domain
bool   event.securityContext.isProxy`

// parts maps a word for an object that stands in several places, or for the elements of a list, to
// its members.
var parts = map[string]string{
	"targets": `
text id type alternateId displayName
open detailEntry
any  changeDetails.from changeDetails.to`,
	"hops": `
text ip version source
place geographicalContext`,
	"place": `
text   city state country postalCode
number geolocation.lat geolocation.lon`,
	"profile": `
text   login email secondEmail firstName lastName middleName honorificPrefix honorificSuffix title displayName nickName
text   profileUrl streetAddress city state countryCode postalAddress preferredLanguage locale timezone userType
text   costCenter organization division department managerId manager
scalar primaryPhone mobilePhone zipCode employeeNumber`,
}

// markSecret marks the member at the path and the objects around it.
func (s *Schema) markSecret(path string) {
	s.secret = true
	for name := range strings.SplitSeq(path, ".") {
		s = s.members[name]
		s.secret = true
	}
}

// baseProfileNote explains the profile of token and SAML hooks.
const baseProfileNote = "Okta sends only login, firstName, lastName, locale and timeZone here: give the app a claim, and read data.access.claims or data.identity.claims (data.assertion.claims in a SAML hook)"

// leaves are the words that stand for a schema without named members.
var leaves = map[string]Schema{
	"text":   {kinds: Text},
	"number": {kinds: Number},
	"scalar": {kinds: Number | Text},
	"bool":   {kinds: Boolean},
	"list":   {kinds: List},
	"texts":  {kinds: List, element: New(Text)},
	"open":   {kinds: Object},                    // an org decides on the members
	"more":   {kinds: Object, others: anyOthers}, // some members are known, an org adds others
	"base":   {kinds: Object, note: baseProfileNote},
	"grows":  {kinds: Object, others: otherUnlike}, // some members are known, Okta adds others
	"any":    {kinds: Any},
}

// Parse makes the schema of an object from lists of members. Each line is a word for the kind, then
// dotted paths.
func Parse(lists ...string) *Schema {
	s := ObjectOf(map[string]*Schema{})
	for _, one := range lists {
		for line := range strings.Lines(one) {
			fields := strings.Fields(line)
			for _, path := range fields[min(1, len(fields)):] {
				leaf := leafOf(fields[0])
				s.add(strings.Split(path, "."), &leaf)
			}
		}
	}
	return s
}

// leafOf is the schema that a word of the lists stands for: one of leaves or of parts.
func leafOf(word string) Schema {
	switch word {
	case "targets", "hops":
		return *ListOf(Parse(parts[word]))
	case "place":
		return *Parse(parts[word])
	case "profile":
		s := *Parse(parts[word])
		s.others = anyOthers
		return s
	}
	leaf := leaves[word]
	if leaf.others != noOthers || leaf.note != "" {
		leaf.members = map[string]*Schema{}
	}
	return leaf
}
