// Package sample is for playing Okta: a realistic call of every hook type, as Okta would send it.
//
// The calls are made up, on example.com names, in the shapes and with the quirks of hooks.md sections 1 to 8: the members
// that are absent rather than null, the source that differs from type to type, codes and phone numbers as strings. What
// Okta puts into data.context.matches of a user import is published nowhere; the list is empty here.
package sample

import (
	"bytes"
	"embed"
	"encoding/json"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

//go:embed calls/*.json
var calls embed.FS

// Of is a sample call of the type: the plainest one there is, as compact JSON in memory of its own; nil when t is no type.
func Of(t hook.Type) []byte {
	b, _ := Named(t.String())
	return b
}

// Names lists the samples in alphabetical order: each type's own name, and variants that begin with it
// ("token-refresh", "event-batch").
func Names() []string {
	entries, _ := calls.ReadDir("calls") // embedded: always there
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".json")
	}
	return names
}

// Named is the sample of that name, as Of gives it.
func Named(name string) ([]byte, bool) {
	text, err := calls.ReadFile("calls/" + name + ".json")
	if err != nil {
		return nil, false
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, false
	}
	return compact.Bytes(), true
}
