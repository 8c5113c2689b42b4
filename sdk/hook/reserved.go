package hook

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// reservedClaimText is Okta's list of reserved claims; its head states the source and the date.
//
//go:embed reserved-claims.txt
var reservedClaimText string

// reservedClaims maps a claim to the tokens in which it is reserved, one bit for each TokenKind.
var reservedClaims = sync.OnceValue(func() map[string]uint8 {
	all := make(map[string]uint8)
	for line := range strings.Lines(reservedClaimText) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] == "#" {
			continue
		}
		for _, token := range fields[1:] {
			if k, ok := ParseTokenKind(token); ok {
				all[fields[0]] |= 1 << k
			}
		}
	}
	return all
})

// Reserved reports whether no patch may change the claim: Okta reserves it, and an operation on it
// makes Okta drop the whole patch (hooks.md section 4). An access token's aud and sub are not
// reserved, but cannot be removed.
func (k TokenKind) Reserved(claim string) bool { return reservedClaims()[claim]&(1<<k) != 0 }

// AlternativeClaim proposes a name for a claim whose own name is reserved.
func AlternativeClaim(claim string) string {
	name := "app_" + strings.TrimPrefix(claim, "app_")
	if name == claim {
		return "custom_" + claim
	}
	return name
}

// reserves reports whether Okta reserves the claim and the policy does not list it as released.
func (c *checker) reserves(k TokenKind, claim string) bool {
	return k.Reserved(claim) && !slices.Contains(c.released, claim)
}

// failReserved reports an operation on a reserved claim.
func (c *checker) failReserved(k TokenKind, claim string) {
	c.fail(".path", "%s is reserved in %s token, and Okta drops the whole patch for it: use another name, such as %s, or list it in released_claims if Okta has released it for your org",
		quote(claim), k.article(), AlternativeClaim(claim))
}

// Release lists reserved claims that Okta has released for the org. It holds until the next Begin.
func (m *Merge) Release(claims []string) { m.check.released = claims }
