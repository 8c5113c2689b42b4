package rule

import "strings"

// Escape writes a name as one step of a JSON Pointer: ~ as ~0, / as ~1. Claims with a URL for a name need it.
func Escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// unescape decodes one step of a JSON Pointer: the inverse of Escape.
func unescape(step string) string {
	return strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
}
