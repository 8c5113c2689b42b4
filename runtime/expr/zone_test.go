package expr_test

import (
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// TestZoneOfCall takes the zone from the call. A name that no zone has is a missing value.
func TestZoneOfCall(t *testing.T) {
	tests := []struct{ src, zone, want string }{
		{`hour(1547565429, P)`, `"America/Los_Angeles"`, "7"},
		{`hour(1547565429, P)`, `"US/Pacific"`, "7"},
		{`formatTime(1547565429, 'HH:mm', P)`, `"Europe/Kyiv"`, `"17:17"`},
		{`parseTime('2026-03-29T12:00:00', P)`, `"Europe/Berlin"`, "1774778400"},
		{`addDays(1774692000, 1, P) - 1774692000`, `"Europe/Berlin"`, "82800"},
		{`hour(1547565429, P)`, `"Pacific Standard Time"`, "null"},
		{`hour(1547565429, P)`, `""`, "null"},
		{`hour(1547565429, P)`, `"Local"`, "null"},
		{`hour(1547565429, P)`, `"../../etc/passwd"`, "null"},
		{`hour(1547565429, P)`, `null`, "null"},
		{`hour(1547565429, P) ?? hour(1547565429)`, `"nowhere"`, "15"},
		{`hour(1547565429, P) == 7 or true`, `"nowhere"`, "true"},
	}
	w := newHarness(t, hook.Registration)
	for _, tt := range tests {
		t.Run(tt.src+" "+tt.zone, func(t *testing.T) {
			for range 2 { // the second finds it in the cache
				if got, err := w.eval("let P = data.userProfile.p; "+tt.src, `{"data": {"userProfile": {"p": `+tt.zone+`}}}`); err != nil || got != tt.want {
					t.Errorf("got %s %v, want %s", got, err, tt.want)
				}
			}
		})
	}
}
