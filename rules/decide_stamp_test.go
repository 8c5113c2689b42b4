package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
)

func TestStamp(t *testing.T) {
	const debugged = `
      - name: "say \"why\""
        debug: {reason: tried}
      - name: never
        when: 'false'
        profile: {x: y}
`
	const taken = `
      - name: mine
        debug: {tenterhook: mine}
`
	tests := []struct {
		name, request, rules, want string
	}{
		{"Debugged", "req-1", debugged, `{"debugContext":{"reason":"tried","tenterhook":{"request":"req-1","rules":["say \"why\""]}}}`},
		{"Unnamed", "", debugged, `{"debugContext":{"reason":"tried"}}`},
		{"Taken", "req-1", taken, `{"debugContext":{"tenterhook":"mine"}}`},
		{"Profile", `r"1`, "\n      - {name: a, profile: {city: Bonn}}\n      - {name: b, profile: {x: y}}\n",
			`{"commands":[{"type":"com.okta.user.profile.update","value":{"city":"Bonn","x":"y"}}],"debugContext":{"tenterhook":{"request":"r\"1","rules":["a","b"]}}}`},
		{"Silent", "req-1", "\n      - {name: never, when: 'false', profile: {x: y}}\n", `{}`},
		{"Many", "req-1", many(30), `{"commands":[{"type":"com.okta.user.profile.update","value":{"x":"y"}}],"debugContext":{"tenterhook":{"request":"req-1","rules":["r` +
			strings.Repeat(`","r`, 19) + `"]}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := load(t, "tenterhook: 1\nhooks:\n  - name: h\n    type: registration\n    auth: none\n    rules:"+tt.rules).Hook("h")
			c := call(t, h, benchSignup)
			c.Request = tt.request
			d := rules.Decision{Fixed: &rules.Fixed{}}
			h.Decide(c, &d)
			got := string(d.Answer)
			for i := range 30 {
				got = strings.ReplaceAll(got, `"r`+fmt.Sprint(i)+`"`, `"r"`)
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// many is n rules that match, each with a name of its own.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("\n      - {name: \"r" + fmt.Sprint(i) + "\", profile: {x: y}}")
	}
	return b.String() + "\n"
}
