package rule

import "strings"

// Commands in Okta's spelling (hooks.md sections 4 to 8).
const (
	ActionUpdate      = "com.okta.action.update"                   // registration, user-import, password-import
	ProfileUpdate     = "com.okta.user.profile.update"             // registration, user-import
	ProgressiveUpdate = "com.okta.user.progressive.profile.update" // registration with requestType progressive.profile
	AppProfileUpdate  = "com.okta.appUser.profile.update"          // user-import
	UserUpdate        = "com.okta.user.update"                     // user-import, beside LINK_USER
	IdentityPatch     = "com.okta.identity.patch"                  // token: the ID token
	AccessPatch       = "com.okta.access.patch"                    // token: the access token
	AssertionPatch    = "com.okta.assertion.patch"                 // saml
	TelephonyAction   = "com.okta.telephony.action"                // telephony
)

// Deny denies a registration with a summary for the user. at is the field to show it at, such as
// data.userProfile.email; "" is none.
func (d *Draft) Deny(summary, at string) {
	d.setCommandMember(ActionUpdate, "registration", "DENY")
	if at == "" {
		d.Error(summary)
		return
	}
	d.Error(summary, Cause{Summary: summary, Reason: "REFUSED", LocationType: "body", Location: at, Domain: "end-user"})
}

// Profile sets an attribute of the user's Okta profile, in a registration, a progressive profile or
// a user import. It chooses the command by the call.
func (d *Draft) Profile(attribute string, value any) {
	name := ProfileUpdate
	if requestType, _ := d.event.Text("/requestType"); requestType == "progressive.profile" {
		name = ProgressiveUpdate
	}
	d.setCommandMember(name, attribute, value)
}

// AppProfile sets an attribute of the imported user's application profile, which the mappings copy
// to the Okta profile.
func (d *Draft) AppProfile(attribute string, value any) {
	d.setCommandMember(AppProfileUpdate, attribute, value)
}

// LinkUser links the imported user to the Okta user of that id.
func (d *Draft) LinkUser(id string) {
	d.setCommandMember(ActionUpdate, "result", "LINK_USER")
	d.setCommandMember(UserUpdate, "id", id)
}

// CreateUser makes the imported user a new one, whatever match Okta found.
func (d *Draft) CreateUser() { d.setCommandMember(ActionUpdate, "result", "CREATE_USER") }

// Verify answers a password import: VERIFIED when ok, else UNVERIFIED.
func (d *Draft) Verify(ok bool) {
	word := "UNVERIFIED"
	if ok {
		word = "VERIFIED"
	}
	d.setCommandMember(ActionUpdate, "credential", word)
}

// Token is one of the two tokens that a token hook's call may mint.
type Token uint8

// The tokens.
const (
	ID Token = iota
	Access
)

var tokenPatches = [...]string{ID: IdentityPatch, Access: AccessPatch}
var tokenMembers = [...]string{ID: "/data/identity", Access: "/data/access"}

// Claim sets a claim of a token. It does nothing if the call does not mint that token: Okta would
// drop the whole patch.
func (d *Draft) Claim(t Token, name string, value any) {
	if d.event.Has(tokenMembers[t]) {
		d.Operation(tokenPatches[t], "add", "/claims/"+Escape(name), value)
	}
}

// RemoveClaim removes a claim from a token. It does nothing if the claim does not exist.
func (d *Draft) RemoveClaim(t Token, name string) {
	if d.event.Exists(tokenMembers[t] + "/claims/" + Escape(name)) {
		d.Operation(tokenPatches[t], "remove", "/claims/"+Escape(name), nil)
	}
}

// Lifetime sets the lifetime of a token: 300 to 86400 seconds. It does nothing if the call does not
// mint that token.
func (d *Draft) Lifetime(t Token, seconds int) {
	if d.event.Has(tokenMembers[t]) {
		d.Operation(tokenPatches[t], "replace", "/token/lifetime/expiration", seconds)
	}
}

// Attribute adds an attribute statement to a SAML assertion, with one string for each value.
// Without values it does nothing.
func (d *Draft) Attribute(name string, values ...string) {
	if len(values) == 0 {
		return
	}
	format := "basic"
	if strings.Contains(name, ":") {
		format = "uri"
	}
	value := []byte(`{"attributes":{"NameFormat":"urn:oasis:names:tc:SAML:2.0:attrname-format:` + format + `"},"attributeValues":[`)
	for i, v := range values {
		if i > 0 {
			value = append(value, ',')
		}
		value = append(appendText(append(value, `{"attributes":{"xsi:type":"xs:string"},"value":`...), v), '}')
	}
	d.Operation(AssertionPatch, "add", "/claims/"+Escape(name), Value(append(value, "]}"...)))
}

// NameID replaces the assertion's subject name.
func (d *Draft) NameID(name string) { d.Operation(AssertionPatch, "replace", "/subject/nameId", name) }

// SessionLifetime sets the session's lifetime at the service provider, in seconds from the
// assertion.
func (d *Draft) SessionLifetime(seconds int) {
	d.Operation(AssertionPatch, "add", "/authentication/sessionLifetime", seconds)
}

// Status values of a telephony hook's message.
const (
	Successful = "SUCCESSFUL" // delivered
	Pending    = "PENDING"    // accepted by the provider
	Failed     = "FAILED"     // not sent: Okta sends it
)

// Message reports the result of a telephony hook's message. Empty fields are left out; Status is
// required.
type Message struct {
	Status              string // Successful, Pending or Failed
	Provider            string
	TransactionID       string
	TransactionMetadata string
}

// Telephony answers a telephony hook.
func (d *Draft) Telephony(m Message) {
	value := appendMembers([]byte{'['}, []member{
		textMember("status", m.Status), textMember("provider", m.Provider), textMember("transactionId", m.TransactionID),
		textMember("transactionMetadata", m.TransactionMetadata),
	})
	d.Command(TelephonyAction, Value(append(value, ']')))
}
