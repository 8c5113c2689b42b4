package rules_test

import (
	"slices"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// TestMissingIsNamed: a trace lists the missing members that a condition uses.
func TestMissingIsNamed(t *testing.T) {
	tests := []struct {
		name, when, missing string
		matched             bool
		want                []string
	}{
		{"There", "data.userProfile.email == 'data.x'", "skip", false, nil},
		{"Skipped", "data.userProfile.none in ['a'] or data.userProfile?.other == \"a\"", "skip", false, []string{"data.userProfile.none", "data.userProfile.other"}},
		{"Matched", "data.userProfile.none in ['a']", "match", true, []string{"data.userProfile.none"}},
		{"Envelope", "lower(source) == requestType", "match", true, []string{"source"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := load(t, policy("registration", "", "- name: r\n  when: >-\n    "+tt.when+"\n  missing: "+tt.missing+"\n  deny: no"))
			var doc jsondoc.Doc
			if err := doc.Parse([]byte(signup), jsondoc.Limits{}); err != nil {
				t.Fatal(err)
			}
			h := s.Hooks()[0]
			d := rules.Decision{Trace: &rules.Trace{}, Fixed: &rules.Fixed{}}
			h.Decide(&hook.Call{Hook: h.Name, Type: h.Type, Doc: &doc}, &d)
			r := d.Trace.Rules[0]
			if r.Matched != tt.matched || r.Lacking != tt.matched || !slices.Equal(r.Missing, tt.want) {
				t.Errorf("%+v", r)
			}
		})
	}
}
