package schema_test

import (
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/runtime/schema"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

func TestCheckPath(t *testing.T) {
	tests := []struct {
		typ        hook.Type
		path, want string
	}{
		{hook.Registration, "eventId", ""},
		{hook.Registration, "data.userProfile.anything.at.all", ""},
		{hook.Registration, "data.userProfil.email", "unknown field userProfil, did you mean userProfile?"},
		{hook.Registration, "dat", "unknown field dat, did you mean data?"},
		{hook.Token, "data.context.session.amr.0", ""},
		{hook.Token, "data.context.session.amr.0.x", "there is nothing inside a text: unknown field x"},
		{hook.Token, "data.context.user.profile.timeZone", ""},
		{hook.Token, "data.context.user.profile.department", "unknown field department"},
		{hook.SAML, "data.context.user.profile.department", "unknown field department"},
		{hook.Registration, "data.context.user.profile.department", ""},
		{hook.Token, "data.identity.claims.groups.0.name", ""},
		{hook.Token, "data.context.device.id", ""},
		{hook.Token, "data.context.device.name", "unknown field name"},
		{hook.Telephony, "data.messageProfile.otpCod", "unknown field otpCod, did you mean otpCode?"},
		{hook.UserImport, "data.context.matches.0.id", ""},
		{hook.EventHook, "eventTime", ""},
		{hook.EventHook, "eventTim", "unknown field eventTim, did you mean eventTime?"},
		{hook.EventHook, "data.events", ""},
		{hook.EventHook, "data.events.0", ""},
		{hook.EventHook, "data.event.0.uuid", "unknown field event, did you mean events?"},
		{hook.EventHook, "data.events.0.actor.alternateId", ""},
		{hook.EventHook, "data.events.0.actor.alternateid", "unknown field alternateid, did you mean alternateId?"},
		{hook.EventHook, "data.events.1.target.0.displayNam", "unknown field displayNam, did you mean displayName?"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			if got := schema.CheckPath(tt.typ, []string{"data.context.device.id"}, strings.Split(tt.path, ".")); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
