package hook

import "github.com/tenterhook/tenterhook/sdk/jsondoc"

// TokenKind is which token a token hook's patch changes.
type TokenKind uint8

// The tokens that a token hook can change.
const (
	IDToken TokenKind = iota + 1
	AccessToken
)

// ParseTokenKind finds the token that a policy file writes as "id" or "access".
func ParseTokenKind(name string) (TokenKind, bool) {
	switch name {
	case "id":
		return IDToken, true
	case "access":
		return AccessToken, true
	}
	return 0, false
}

// String is the policy file's word for the token: "id" or "access".
func (k TokenKind) String() string {
	switch k {
	case IDToken:
		return "id"
	case AccessToken:
		return "access"
	}
	return "unknown"
}

// member is the token's name in data and in its command: identity or access.
func (k TokenKind) member() string {
	if k == IDToken {
		return "identity"
	}
	return "access"
}

// Command is the type of the command that patches the token.
func (k TokenKind) Command() string { return "com.okta." + k.member() + ".patch" }

// Minted reports whether this call mints the token. An ID token needs the scope openid; a command
// for a token that is not minted makes Okta drop the whole patch (hooks.md section 4).
func (k TokenKind) Minted(e Event) bool {
	return e.Node.Get("data").Get(k.member()).Kind() == jsondoc.Object
}

// Claims is the token's claims as the call has them; missing when it is not minted.
func (k TokenKind) Claims(e Event) jsondoc.Node {
	return e.Node.Get("data").Get(k.member()).Get("claims")
}

func (k TokenKind) noun() string {
	if k == IDToken {
		return "ID token"
	}
	return "access token"
}
