package rules_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/runtime"
)

// TestLongPayloads: whatever a payload makes long is paid for by element, also where nothing comes
// of it.
func TestLongPayloads(t *testing.T) {
	const many = 20_000
	var names strings.Builder
	for i := range many {
		fmt.Fprintf(&names, `"n%d",`, i)
	}
	nulls := strings.Repeat("null,", many)
	samlBody := func(list string) string {
		return `{"data":{"context":{"user":{"profile":{"x":[` + list + `]}}},"assertion":{"claims":{},"subject":{"nameId":"a"}}}}`
	}
	tokenBody := func(list string) string {
		return `{"data":{"context":{"user":{"profile":{"x":[` + list + `]}}},"access":{"claims":{"n1":1,"n2":2}}}}`
	}
	const head = "budget: {fuel: 10000}"
	tests := []struct{ name, kind, rule, body string }{
		{"nulls as an attribute", "saml", `attributes: {a: "${data.context.user.profile.x}"}`, samlBody(nulls + "[1]")},
		{"nulls as all attributes", "saml", `attributes: "${ {'a': data.context.user.profile.x} }"`, samlBody(nulls + "[1]")},
		{"names of absent claims", "token", `remove_claims: {access: "${data.context.user.profile.x}"}`, tokenBody(names.String() + `"n1"`)},
		{"one name again and again", "token", `remove_claims: {access: "${data.context.user.profile.x}"}`, tokenBody(strings.Repeat(`"n1",`, many) + `"n1"`)},
		{"claims that are null", "token", `claims: {access: "${data.context.user.profile.x[0]}"}`, tokenBody(`{` + strings.ReplaceAll(names.String(), `",`, `":null,`) + `"z":1}`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := decide(t, policy(tt.kind, head, "- name: r\n  "+tt.rule), tt.body)
			if len(d.Results) != 1 || !errors.Is(d.Results[0].Err, runtime.ErrFuel) || d.Outcome != rules.Failed {
				t.Errorf("want %v, got %v %+v", runtime.ErrFuel, d.Outcome, d.Results)
			}
		})
	}
}

// TestLongDrafts: text that a form writes around a payload's values counts as output too.
func TestLongDrafts(t *testing.T) {
	short := func(format string) string {
		var b strings.Builder
		for i := range 900 {
			fmt.Fprintf(&b, format, i)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	tests := []struct{ name, kind, rule, body string }{
		{"values", "saml", `attributes: {a: "${data.context.user.profile.x}"}`, `{"data":{"context":{"user":{"profile":{"x":[` + strings.Repeat(`"",`, 900) + `""` + `]}}},"assertion":{}}}`},
		{"a number", "saml", `attributes: {a: "${data.context.user.profile.x}"}`, `{"data":{"context":{"user":{"profile":{"x":1` + strings.Repeat("0", 40_000) + `}}},"assertion":{}}}`},
		{"statements", "saml", `attributes: "${data.context.user.profile.x}"`, `{"data":{"context":{"user":{"profile":{"x":{` + short(`"%d":1,`) + `}}}},"assertion":{}}}`},
		{"claims", "token", `claims: {access: "${data.context.user.profile.x}"}`, `{"data":{"context":{"user":{"profile":{"x":{` + short(`"%d":1,`) + `}}}},"access":{"claims":{}}}}`},
		{"a name that escapes make longer", "token", `claims: {access: "${data.context.user.profile.x}"}`, `{"data":{"context":{"user":{"profile":{"x":{"` + strings.Repeat(`\u0001`, 6_000) + `":1}}}},"access":{"claims":{}}}}`},
		{"removals", "token", `remove_claims: {access: "${data.context.user.profile.x}"}`, `{"data":{"context":{"user":{"profile":{"x":[` + short(`"%d",`) + `]}}},"access":{"claims":{` + short(`"%d":1,`) + `}}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := decide(t, policy(tt.kind, "budget: {output: 30KiB}", "- name: r\n  "+tt.rule), tt.body)
			if len(d.Results) != 1 || !errors.Is(d.Results[0].Err, runtime.ErrOutput) {
				t.Errorf("want %v, got %v %+v", runtime.ErrOutput, d.Outcome, d.Results)
			}
		})
	}
}

func TestRemovals(t *testing.T) {
	var list, claims, want strings.Builder
	for i := range 20 { // more than a few, each of them twice and between names that are not there
		fmt.Fprintf(&list, `"c%d","absent","c%d",`, i, i/2)
		fmt.Fprintf(&claims, `"c%d":1,`, i)
		fmt.Fprintf(&want, `{"op":"remove","path":"/claims/c%d"},`, i)
	}
	d := decide(t, policy("token", "", `- {name: r, remove_claims: {access: "${data.context.user.profile.x}"}}`),
		`{"data":{"context":{"user":{"profile":{"x":[`+list.String()+`"c3"]}}},"access":{"claims":{`+claims.String()+`"z":1}}}}`)
	if got := string(d.Answer); got != commands(access(strings.TrimSuffix(want.String(), ","))) {
		t.Errorf("got %s", got)
	}
}
