// Package sample is for playing Okta: a realistic call of every hook type, as Okta would send it.
//
// The calls are made up, with example.com names, and have the shapes and quirks of hooks.md
// sections 1 to 8: members that are absent rather than null, a source that differs by type, codes
// and phone numbers as strings. Okta does not publish the content of data.context.matches of a user
// import; the list is empty here.
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

// Of returns the plainest sample call of the type, as compact JSON in its own memory; nil if t is
// no type.
func Of(t hook.Type) []byte {
	b, _ := Named(t.String())
	return b
}

// Names lists the samples in alphabetical order: each type's own name, and variants that begin with
// it ("token-refresh", "event-batch").
func Names() []string {
	entries, _ := calls.ReadDir("calls") // embedded: always there
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".json")
	}
	return names
}

// Named returns the sample of that name, in the form that Of has.
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
