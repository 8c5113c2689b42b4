package expr

import "github.com/tenterhook/tenterhook/sdk/hook"

// members are the members Okta's calls have, from hooks.md and the published samples: a word for the kind, then paths.
// `open` and `any` are not looked into: profiles, claims and other parts whose members an org decides on.
var members = map[hook.Type][]string{
	hook.Registration:   {envelope, request, user, registration},
	hook.Token:          {envelope, request, session, user, token},
	hook.SAML:           {envelope, request, session, user, saml},
	hook.UserImport:     {envelope, userImport},
	hook.PasswordImport: {envelope, request, passwordImport},
	hook.Telephony:      {envelope, request, telephony},
	hook.EventHook:      {logEvent},
}

// hooks.md section 1.2.
const envelope = `
text eventType eventId eventTime source contentType requestType
any  eventTypeVersion cloudEventVersion`

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
open data.context.user.profile data.context.user._links`

// hooks.md section 6: action is a plain text here.
const registration = `
open data.userProfile data.userProfileUpdate
text data.action`

// hooks.md section 4: the spec spells OriginalGrant with a capital, captures do not.
const token = `
text   data.context.protocol.type data.context.protocol.issuer.uri
open   data.context.protocol.request data.context.protocol.originalGrant data.context.protocol.OriginalGrant
text   data.context.protocol.client.id data.context.protocol.client.name data.context.protocol.client.type
text   data.context.policy.id data.context.policy.rule.id
open   data.identity.claims data.access.claims data.access.scopes
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
open  data.appUser.profile data.user.profile`

// hooks.md section 8.1.
const passwordImport = `
text data.context.credential.username data.context.credential.password data.action.credential`

// hooks.md section 8.2. An OTP that came as a number has lost its leading zeros: what it is, is left open.
const telephony = `
text data.userProfile.firstName data.userProfile.lastName data.userProfile.login data.userProfile.userId
text data.messageProfile.msgTemplate data.messageProfile.deliveryChannel data.messageProfile.locale
text data.messageProfile.otpExpires
any  data.messageProfile.phoneNumber data.messageProfile.otpCode`

// hooks.md sections 1.2 and 3.2. Event hooks write the version's name in the plural.
const logEvent = `
text delivery.eventType delivery.eventId delivery.eventTime delivery.source delivery.contentType
any  delivery.eventTypeVersion delivery.cloudEventsVersion delivery.data
text event.uuid event.published event.eventType event.version event.displayMessage event.severity
text event.legacyEventType event.insertionTimestamp
text event.actor.id event.actor.type event.actor.alternateId event.actor.displayName
any  event.actor.detailEntry event.device
text event.client.userAgent.rawUserAgent event.client.userAgent.os event.client.userAgent.browser
text event.client.zone event.client.device event.client.id event.client.ipAddress
open event.client.geographicalContext
hops event.client.ipChain event.request.ipChain
targets event.target
text event.outcome.result event.outcome.reason
text event.transaction.type event.transaction.id
open event.transaction.detail event.debugContext.debugData event.authenticationContext event.securityContext`

// elements are words for lists of objects, and the members of those.
var elements = map[string]string{
	"targets": `
text id type alternateId displayName
any  detailEntry changeDetails`,
	"hops": `
text ip version
any  source geographicalContext`,
}
