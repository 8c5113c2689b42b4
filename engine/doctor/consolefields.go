package doctor

import (
	"strings"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Field is one field of Okta's Admin Console and what to enter there.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ConsolePath is where in the Admin Console a hook of the type is added.
func ConsolePath(t hook.Type) string {
	if t == hook.EventHook {
		return "Workflow > Event Hooks > Create Event Hook"
	}
	kind := map[hook.Type]string{
		hook.Registration: "Registration", hook.Token: "Token", hook.SAML: "SAML",
		hook.UserImport: "User Import", hook.PasswordImport: "Password Import", hook.Telephony: "Telephony",
	}
	return "Workflow > Inline Hooks > Add Inline Hook > " + kind[t]
}

// ConsoleFields is what an administrator enters for a hook at a URL; h may be nil, when nothing is known but the type. Of several
// credentials it is the first, for Okta shows one.
func ConsoleFields(url string, t hook.Type, h *rules.Hook) []Field {
	fields := []Field{{"Name", "any"}, {"URL", url}}
	if h != nil {
		fields[0].Value = h.Name
	}
	switch {
	case h == nil:
		fields = append(fields, Field{"Authentication field", "Authorization"}, Field{"Authentication secret", wholeValue})
	case len(h.Auth) > 0:
		fields = append(fields, credentialFields(h.Auth[0])...)
	}
	if t == hook.EventHook {
		fields = append(fields, Field{"Subscribe to events", "the types that the hook's rules are for, and press Verify when it is saved"})
	}
	return fields
}

const wholeValue = "the whole value that the policy's secret has, with the word Basic or Bearer where it begins with one"

func credentialFields(c rules.Credential) (fields []Field) {
	for i, l := range c.Lines {
		switch {
		case l.OAuth != nil:
			fields = append(fields, oauthFields(l.OAuth)...)
		case i == 0:
			fields = append(fields, Field{"Authentication field", l.Header}, Field{"Authentication secret", wholeValue})
		default:
			fields = append(fields, Field{"Custom header field", l.Header + ", with the value that the policy has for it"})
		}
	}
	return fields
}

func oauthFields(o *rules.OAuth) []Field {
	client, scope := o.Client, o.Scope
	if client == "" {
		client = "of the API Services app that is made for this hook"
	}
	if scope == "" {
		scope = "one of the authorization server's"
	}
	return []Field{
		{"Authentication", "OAuth 2.0"}, {"Client ID", client}, {"Client Secret", "of that client; or its private key"},
		{"Token URL", strings.TrimSuffix(o.Issuer, "/") + "/v1/token"}, {"Scope", scope},
	}
}
