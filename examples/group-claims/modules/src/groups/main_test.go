package main

import (
	"testing"

	"github.com/tenterhook/tenterhook/sdk/go/rule"
)

// TestGroups runs the module's function here, without building the module.
func TestGroups(t *testing.T) {
	const with = `{"prefix": "app:", "claim": "apps", "most": 2, "privileged": ["admin"], "lifetime": 900}`
	tests := []struct {
		name, groups, want string
	}{
		{"NoGroups", `null`, ""},
		{"NoneOfOurs", `["Everyone", "app:", "app:crm", "app::x", "app:crm:"]`, ""},
		{"Roles", `["app:crm:b", "app:crm:a", "app:crm:b"]`, `{"commands":[{"type":"com.okta.identity.patch","value":[{"op":"add","path":"/claims/apps","value":{"crm":["a","b"]}}]}]}`},
		{"TooMany", `["app:c:x", "app:a:x", "app:b:x"]`, `{"commands":[{"type":"com.okta.identity.patch","value":[{"op":"add","path":"/claims/apps","value":{"a":["x"],"b":["x"]}}]}],"debugContext":{"applications_left_out":1}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			event := `{"data": {"identity": {"claims": {"groups": ` + test.groups + `}}}}`
			draft, err := rule.Sample{Event: event, With: with}.Run()
			if err != nil || draft != test.want {
				t.Errorf("got %s, %v", draft, err)
			}
		})
	}
}
