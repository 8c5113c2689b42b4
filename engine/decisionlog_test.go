package engine

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/runtime"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// TestFailuresHideValues: the log has the place and the reason of a rejected draft, and no name
// from the payload.
func TestFailuresHideValues(t *testing.T) {
	tests := []struct{ name, commands, want string }{
		{"an attribute", `[{type: "com.okta.${data.userProfile.email}", value: {}}]`,
			`commands[0].type: unknown command \"…\"; want com.okta.action.update, com.okta.user.profile.update or com.okta.user.progressive.profile.update`},
		{"a member", `"${[{'type': 'com.okta.action.update', 'value': data.userProfile}]}"`, `commands[0].value`},
		{"a value", `[{type: com.okta.user.profile.update, value: {a: "${int(data.userProfile.email)}"}}]`, "error="},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lines strings.Builder
			e := newEngine(t, Options{Log: slog.New(slog.NewTextHandler(&lines, nil))})
			text, _, _ := strings.Cut(policy("registration", "r"), "        when:")
			e.Swap(mustLoad(t, text+"        commands: "+tt.commands+"\n"))
			r, err := e.Answer(newCall(t, "1", "ssn-078-05-1120"))
			if err != nil || r.Outcome != Failed && tt.name != "a value" {
				t.Errorf("got %v %s %v", r.Outcome, r.Body, err)
			}
			if got := lines.String(); strings.Contains(got, "078-05") || !strings.Contains(got, tt.want) || !strings.Contains(got, `rule=r `) {
				t.Errorf("got %s", got)
			}
		})
	}
}

// TestRedactKeepsReasons: errors that are not about a draft are logged unchanged.
func TestRedactKeepsReasons(t *testing.T) {
	for _, err := range []error{runtime.ErrTime, rules.ErrBug, hook.ErrContract} {
		if got := redactError(err); got != err.Error() {
			t.Errorf("got %q of %q", got, err)
		}
	}
}
