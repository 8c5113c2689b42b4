package doctor

import (
	"net/url"
	"strings"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// Field is one field of Okta's Admin Console with the value to enter.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ConsolePath returns the Admin Console's menu path for adding a hook of the type.
func ConsolePath(t hook.Type) string {
	if t == hook.EventHook {
		return "Workflow > Event Hooks > Create Event Hook"
	}
	return "Workflow > Inline Hooks > Add Inline Hook > " + t.Label()
}

// ConsoleURL returns the URL to enter in Okta for an examined one. For an http:// URL, which Okta
// cannot use, it is the URL that the hook will have behind TLS, with a placeholder for a local
// host.
func (r *Report) ConsoleURL(examined string) string {
	u, err := url.Parse(examined)
	if err != nil || u.Scheme == "https" {
		return examined
	}
	host := u.Hostname() // without the port of plain HTTP
	if r.local {
		host = "HOST"
	}
	return (&url.URL{Scheme: "https", Host: host, Path: u.Path, RawQuery: u.RawQuery}).String()
}

// ConsoleFields returns the values to enter for a hook at a URL. h is nil if only the type is
// known. Of several credentials it uses the first, because Okta sends one.
func ConsoleFields(target string, t hook.Type, h *rules.Hook) []Field {
	fields := []Field{{"Name", "any"}, {"URL", target}}
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
		fields = append(fields, Field{"Subscribe to events", "the types in the hook's rules; save, then press Verify"})
	}
	return fields
}

const wholeValue = "the whole value of the policy's secret, including Basic or Bearer if it begins with one"

func credentialFields(c credential.Credential) (fields []Field) {
	for i, l := range c.Lines {
		switch {
		case l.OAuth != nil:
			fields = append(fields, oauthFields(l.OAuth)...)
		case i == 0:
			fields = append(fields, Field{"Authentication field", l.Header}, Field{"Authentication secret", wholeValue})
		default:
			fields = append(fields, Field{"Custom header field", l.Header + ", with its value in the policy"})
		}
	}
	return fields
}

func oauthFields(o *credential.OAuth) []Field {
	client, scope := o.Client, o.Scope
	if client == "" {
		client = "of the API Services app for this hook"
	}
	if scope == "" {
		scope = "a scope of the authorization server"
	}
	return []Field{
		{"Authentication", "OAuth 2.0"}, {"Client ID", client}, {"Client Secret", "of that client, or its private key"},
		{"Token URL", strings.TrimSuffix(o.Issuer, "/") + "/v1/token"}, {"Scope", scope},
	}
}
