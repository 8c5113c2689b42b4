package main

import (
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/go/rule"
)

// TestScore runs the module's function here, without building the module.
func TestScore(t *testing.T) {
	tests := []struct {
		name, profile, want string
	}{
		{"Known", `{"email": "ada@Partner.example", "firstName": "Ada", "lastName": "Lovelace"}`, `{"debugContext":{"score":-50}}`},
		{"Unknown", `{"email": "ada@new.example", "firstName": "Ada", "lastName": "Lovelace"}`, `{"debugContext":{"score":20}}`},
		{"Digits", `{"email": "ada1234@new.example", "firstName": "Ada", "lastName": "Lovelace"}`, `{"debugContext":{"score":30}}`},
		{"SameNames", `{"email": "ada12345@new.example", "firstName": "x", "lastName": "X"}`, `"DENY"`},
		{"NoNames", `{"email": "ada@new.example"}`, `{"debugContext":{"score":50}}`},
		{"NoAddress", `{}`, `"DENY"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			draft, err := rule.Sample{
				Event:  `{"data": {"userProfile": ` + test.profile + `}}`,
				With:   `{"refuse": 60, "unknown": 20, "digits": 5, "sameNames": 30}`,
				Tables: map[string]map[string]string{"domains": {"partner.example": "-50"}},
			}.Run()
			if err != nil || !strings.Contains(draft, test.want) {
				t.Errorf("got %s, %v", draft, err)
			}
		})
	}
	t.Run("ThresholdMissing", func(t *testing.T) {
		if _, err := (rule.Sample{Event: "{}", With: "{}"}).Run(); err == nil {
			t.Error("it ran")
		}
	})
}
