package rule

import "strings"

// Escape encodes a name as one step of a JSON Pointer: ~ as ~0, / as ~1. Claim names that are URLs
// need it.
func Escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// unescape decodes one step of a JSON Pointer.
func unescape(step string) string {
	return strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
}
