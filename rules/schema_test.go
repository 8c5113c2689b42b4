package rules_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/suite"
)

// TestSchemaIsFresh holds the schemas to the tables they are made from; -update writes them.
func TestSchemaIsFresh(t *testing.T) {
	for path, got := range map[string][]byte{"policy.schema.json": rules.Schema(), "tests.schema.json": suite.Schema()} {
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale (%v): run go generate ./rules", path, err)
		}
	}
}

// TestSchemaHasEveryForm: the schema of a type's rules has exactly the outputs of that type.
func TestSchemaHasEveryForm(t *testing.T) {
	var schema struct {
		Defs map[string]struct {
			Properties map[string]struct{ Description string }
			Required   []string
		} `json:"$defs"`
	}
	if err := json.Unmarshal(rules.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ def, has, not string }{
		{"registration-rule", "name when missing on_failure budget stop wasm with commands error debug log send deny at profile", "claims on verify"},
		{"token-rule", "claims remove_claims lifetime", "deny at profile"},
		{"saml-rule", "attributes name_id session_lifetime", "claims"},
		{"user-import-rule", "profile app_profile link_user create_user", "deny"},
		{"password-import-rule", "verify", "profile"},
		{"telephony-rule", "telephony", "verify"},
		{"event-rule", "name when missing budget stop wasm with on send log", "on_failure commands error debug deny profile"},
		{"module", "file sha256", "with"},
		{"action", "to method path query headers encoding body key", "url"},
		{"destination", "url file stdout method path query headers encoding ok key timeout retry breaker concurrency allow_private proxy ca rotate", "to"},
		{"hook", "name type path auth concurrency budget let on_failure rules", "destinations"},
	}
	for _, tt := range tests {
		t.Run(tt.def, func(t *testing.T) {
			def := schema.Defs[tt.def]
			for _, key := range strings.Fields(tt.has) {
				if p, ok := def.Properties[key]; !ok || p.Description == "" {
					t.Errorf("%s is missing or has no description", key)
				}
			}
			for _, key := range strings.Fields(tt.not) {
				if _, ok := def.Properties[key]; ok {
					t.Errorf("%s is there", key)
				}
			}
		})
	}
}
