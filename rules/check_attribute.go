package rules

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// baseAttributes are what every Okta user has. An org adds attributes of its own, so a profile takes any name; one that is
// nearly one of these is most likely a slip, and would be missing in every call.
var baseAttributes = strings.Fields(`login email secondEmail firstName lastName middleName honorificPrefix honorificSuffix title
	displayName nickName profileUrl primaryPhone mobilePhone streetAddress city state zipCode countryCode postalAddress
	preferredLanguage locale timezone userType employeeNumber costCenter organization division department managerId manager`)

// profileMember finds what an expression reads of a user's profile. What an application keeps of its user has names of its own.
var profileMember = regexp.MustCompile(`\bdata\??\.(?:[A-Za-z]+\??\.)*?(?:userProfile|userProfileUpdate|user\??\.profile)\??\.([A-Za-z_]\w*)`)

// warnAttributes warns of names that are nearly those of Okta's own attributes. known has those that are right all the same.
func (c *compiler) warnAttributes(n *document.Node) {
	for _, at := range profileMember.FindAllStringSubmatchIndex(n.Text, -1) {
		name := n.Text[at[2]:at[3]]
		path := strings.ReplaceAll(n.Text[at[0]:at[1]], "?.", ".")
		if slices.Contains(baseAttributes, name) || slices.Contains(c.known, path) {
			continue
		}
		if near, ok := hook.Suggest(name, baseAttributes); ok {
			p := n.ProblemAt(at[2], "Okta has no attribute "+name+" of its own, did you mean "+near+"? If it is one of yours, say so: known: ["+path+"]")
			p.Warning = true
			c.Add(p)
		}
	}
}
