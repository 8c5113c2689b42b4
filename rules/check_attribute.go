package rules

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// baseAttributes lists the attributes of every Okta user. Orgs add attributes, so any name is
// allowed; a near miss of one of these is probably a typing mistake, and would be missing in every
// call.
var baseAttributes = strings.Fields(`login email secondEmail firstName lastName middleName honorificPrefix honorificSuffix title
	displayName nickName profileUrl primaryPhone mobilePhone streetAddress city state zipCode countryCode postalAddress
	preferredLanguage locale timezone userType employeeNumber costCenter organization division department managerId manager`)

// profileMember matches reads of a user's profile in an expression, not of an application's
// profile.
var profileMember = regexp.MustCompile(`\bdata\??\.(?:[A-Za-z]+\??\.)*?(?:userProfile|userProfileUpdate|user\??\.profile)\??\.([A-Za-z_]\w*)`)

// warnAttributes warns about near misses of Okta's own attributes, except for names in `known`. In the condition of a
// denial a near miss is an error: the rule would deny nobody, or everybody.
func (c *compiler) warnAttributes(n *document.Node) {
	for _, at := range profileMember.FindAllStringSubmatchIndex(n.Text, -1) {
		name := n.Text[at[2]:at[3]]
		path := strings.ReplaceAll(n.Text[at[0]:at[1]], "?.", ".")
		inContext := strings.HasPrefix(path, "data.context.")
		if inContext && (c.HookType == hook.Token || c.HookType == hook.SAML) { // the schema knows all members
			continue
		}
		if slices.Contains(baseAttributes, name) || inContext && name == "timeZone" || slices.Contains(c.known, path) {
			continue
		}
		if near, ok := hook.Suggest(name, baseAttributes); ok {
			p := n.ProblemAt(at[2], "Okta has no attribute "+name+" of its own, did you mean "+near+"? If it is one of yours, say so: known: ["+path+"]")
			p.Warning = !c.inRefusal
			c.Add(p)
		}
	}
}
