package hook_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
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
			if got, ok := hook.TypeOf(h.EventType()); !ok || got != h {
				t.Errorf("%q is the eventType of %v, %v", h.EventType(), got, ok)
			}
			if h.Inline() != (h.Label() != "") || h.Inline() != (len(hook.Commands(h)) > 0) {
				t.Errorf("label %q and commands %v: want both for inline hooks alone", h.Label(), hook.Commands(h))
			}
			if h.OnFailure() == "" || len(h.Hosts()) == 0 {
				t.Errorf("on failure %q, hosts %v: want both", h.OnFailure(), h.Hosts())
			}
			if h.FailsClosed() && !hook.FailureFixed(h) {
				t.Error("it fails closed and has a choice")
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

// TestSecrets holds the paths of the secrets and of the hosts against the sample calls.
func TestSecrets(t *testing.T) {
	want := []hook.Type{hook.PasswordImport, hook.Telephony}
	if got := hook.TypesWithSecrets(); !slices.Equal(got, want) {
		t.Errorf("types with secrets: %v, want %v", got, want)
	}
	for _, h := range hook.Types() {
		var doc jsondoc.Doc
		if err := doc.Parse(sample.Of(h), jsondoc.Limits{}); err != nil {
			t.Fatal(err)
		}
		for _, path := range h.Secrets() {
			if n := doc.Root().Pointer("/" + strings.ReplaceAll(path, ".", "/")); n.Text() == "" {
				t.Errorf("%s: the sample has no %s", h, path)
			}
		}
		for _, m := range h.Hosts() {
			if n := m.Find(doc.Root()); m.Always && !strings.HasPrefix(n.Text(), "https://") {
				t.Errorf("%s: the sample has %q in %v, want a URL", h, n.Text(), m.Path)
			}
		}
	}
}
