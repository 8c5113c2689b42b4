package hook_test

import (
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

func TestType(t *testing.T) {
	if len(hook.Types()) != 7 {
		t.Fatalf("%d types", len(hook.Types()))
	}
	for _, h := range hook.Types() {
		t.Run(h.String(), func(t *testing.T) {
			if got, ok := hook.ParseType(h.String()); !ok || got != h {
				t.Errorf("%q is read as %v, %v", h, got, ok)
			}
			if !strings.HasPrefix(h.EventType(), "com.okta.") {
				t.Errorf("eventType is %q", h.EventType())
			}
			if h.Inline() == (h == hook.EventHook) {
				t.Errorf("inline is %v", h.Inline())
			}
		})
	}
	for _, none := range []hook.Type{0, hook.EventHook + 1, 255} {
		if none.String() != "unknown" || none.EventType() != "" || none.Inline() {
			t.Errorf("%d is a type", none)
		}
	}
	for _, name := range []string{"", "unknown", "Token", "com.okta.event_hook", "tokens"} {
		if got, ok := hook.ParseType(name); ok {
			t.Errorf("%q is %v", name, got)
		}
	}
}
