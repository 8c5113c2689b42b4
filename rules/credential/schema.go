package credential

import "github.com/tenterhook/tenterhook/rules/document"

// Schemas returns the JSON Schemas of auth, secret, oauth and org in a policy file.
func Schemas() map[string]any {
	return map[string]any{
		"auth":   authSchema(),
		"secret": document.Object{"oneOf": []any{document.Object{"type": "string"}, document.Schema(namedFields, 0)}},
		"oauth":  document.Schema(oauthFields, 0),
		"org":    document.Schema(orgFields, 0),
	}
}

func authSchema() document.Object {
	line := document.Schema(lineFields, 0)
	return document.Object{"oneOf": []any{
		document.Object{"const": "none"},
		document.Object{"type": "array", "minItems": 1, "items": document.Object{"oneOf": []any{line, document.Object{"type": "array", "items": line}}}},
	}}
}
