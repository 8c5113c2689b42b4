package sample_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func parse(t *testing.T, b []byte) *jsondoc.Doc {
	t.Helper()
	var d jsondoc.Doc
	if err := d.Parse(b, jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	return &d
}

// typeOf returns the type whose word begins the sample's name.
func typeOf(t *testing.T, name string) hook.Type {
	t.Helper()
	for _, h := range hook.Types() {
		if name == h.String() || strings.HasPrefix(name, h.String()+"-") {
			return h
		}
	}
	t.Fatalf("%s is no type's sample", name)
	return 0
}

func TestEverySampleIsACallOfItsType(t *testing.T) {
	for _, name := range sample.Names() {
		t.Run(name, func(t *testing.T) {
			b, ok := sample.Named(name)
			if !ok {
				t.Fatal("listed, but not there")
			}
			if bytes.ContainsAny(b, "\n\t") {
				t.Error("not compact")
			}
			root := parse(t, b).Root()
			h := typeOf(t, name)
			if got := root.Get("eventType").Text(); got != h.EventType() {
				t.Errorf("eventType is %q, want %q", got, h.EventType())
			}
			checkEnvelope(t, root, h)
		})
	}
}

// source is how a call's source looks (hooks.md section 1.3).
var source = map[hook.Type]string{
	hook.Registration:   `^(reg|rul)\w+$`,
	hook.Token:          `^https://login\.example\.com/oauth2/default/v1/(authorize|token)$`,
	hook.SAML:           `^https://login\.example\.com/app/\w+/exk\w+/sso/saml$`,
	hook.UserImport:     `^cal\w+$`,
	hook.PasswordImport: `^https://login\.example\.com/api/v1/inlineHooks/cal\w+$`,
	hook.Telephony:      `^https://login\.example\.com/api/v1/inlineHooks/cal\w+$`,
	hook.EventHook:      `^https://login\.example\.com/api/v1/eventHooks/who\w+$`,
}

func checkEnvelope(t *testing.T, root jsondoc.Node, h hook.Type) {
	t.Helper()
	version, absent, id := "cloudEventVersion", "cloudEventsVersion", `^[\w-]{22}$`
	if h == hook.EventHook {
		version, absent, id = absent, version, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`
	}
	for member, want := range map[string]string{
		version: `^0\.1$`, "eventTypeVersion": `^1\.0$`, "contentType": `^application/json$`, "eventId": id,
		"eventTime": `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`, "source": source[h],
	} {
		if got := root.Get(member).Text(); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s is %q, want %s", member, got, want)
		}
	}
	if root.Get(absent).Kind() != jsondoc.Missing {
		t.Errorf("%s does not belong to this type", absent)
	}
	request := root.Pointer("/data/context/request/ipAddress").Kind()
	if want := h != hook.UserImport && h != hook.EventHook; (request == jsondoc.String) != want {
		t.Errorf("data.context.request is there: %v, want %v", !want, want)
	}
}

func TestVariants(t *testing.T) {
	const missing = "(missing)"
	tests := []struct{ name, pointer, want string }{
		{"registration", "/requestType", `"self.service.registration"`},
		{"registration", "/data/action", `"ALLOW"`},
		{"registration-classic", "/requestType", missing},
		{"registration-progressive", "/requestType", `"progressive.profile"`},
		{"registration-progressive", "/data/userProfile", missing},
		{"registration-progressive", "/data/userProfileUpdate/employeeNumber", `"004410"`},
		{"token", "/data/context/session/status", `"ACTIVE"`},
		{"token", "/data/context/protocol/OriginalGrant", missing},
		{"token-client-credentials", "/data/context/session", missing},
		{"token-client-credentials", "/data/context/user", missing},
		{"token-client-credentials", "/data/identity", missing},
		{"token-client-credentials", "/data/access/token/lifetime/expiration", `3600`},
		{"token-refresh", "/data/context/protocol/OriginalGrant/refresh_token/jti", `"oar4xk2tUvWxYzAb40g7"`},
		{"token-refresh", "/data/refresh_token/jti", `"oar4xk2tUvWxYzAb40g7"`},
		{"saml", "/data/assertion/claims/employeeNumber/attributeValues/0/value", `"4410"`},
		{"user-import", "/data/action/result", `"CREATE_USER"`},
		{"user-import", "/data/user/id", missing},
		{"user-import-match", "/data/action/result", `"LINK_USER"`},
		{"user-import-match", "/data/user/id", `"00u4xa2cDeFgHjKl50g7"`},
		{"password-import", "/data/action/credential", `"UNVERIFIED"`},
		{"telephony", "/data/messageProfile/otpCode", `"048213"`},
		{"telephony", "/data/messageProfile/deliveryChannel", `"SMS"`},
		{"telephony-voice", "/data/messageProfile/deliveryChannel", `"Voice"`},
		{"telephony-voice", "/data/messageProfile/msgTemplate", missing},
		{"event", "/data/events/1", missing},
		{"event-batch", "/data/events/0/eventType", `"user.lifecycle.suspend"`},
		{"event-batch", "/data/events/1/eventType", `"group.user_membership.remove"`},
		{"event-batch", "/data/events/2/outcome/result", `"FAILURE"`},
	}
	for _, tt := range tests {
		t.Run(tt.name+tt.pointer, func(t *testing.T) {
			b, _ := sample.Named(tt.name)
			got := missing
			if n := parse(t, b).Root().Pointer(tt.pointer); n.Kind() != jsondoc.Missing {
				got = string(n.Raw())
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestOf(t *testing.T) {
	for _, h := range hook.Types() {
		b := sample.Of(h)
		if b == nil {
			t.Errorf("%s has no sample", h)
			continue
		}
		b[0] = 'x'
		if sample.Of(h)[0] != '{' {
			t.Errorf("%s: callers share memory", h)
		}
	}
	if sample.Of(0) != nil {
		t.Error("no type has a sample")
	}
	if _, ok := sample.Named("../sample"); ok {
		t.Error("a name reached outside")
	}
}

func TestFresh(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 30, 45, 678_901_234, time.FixedZone("", 3600))
	t.Run("inline", func(t *testing.T) {
		before := sample.Of(hook.Token)
		b := sample.Fresh(before, "Zm9vYmFyLTEyMzQ1Njc4OQ", now)
		root := parse(t, b).Root()
		if got := root.Get("eventId").Text(); got != "Zm9vYmFyLTEyMzQ1Njc4OQ" {
			t.Error("eventId is", got)
		}
		if got := root.Get("eventTime").Text(); got != "2026-07-01T11:30:45.000Z" {
			t.Error("eventTime is", got)
		}
		if !bytes.Equal(root.Get("data").Raw(), parse(t, before).Root().Get("data").Raw()) {
			t.Error("the data changed")
		}
	})
	t.Run("event", func(t *testing.T) {
		batch, _ := sample.Named("event-batch")
		b := sample.Fresh(batch, "e1", now)
		if !bytes.Equal(b, sample.Fresh(batch, "e1", now)) {
			t.Error("the same again differs")
		}
		uuids := []string{}
		for _, call := range [][]byte{batch, b, sample.Fresh(batch, "e2", now)} {
			for e := range parse(t, call).Root().Pointer("/data/events").Elements() {
				uuids = append(uuids, strings.Clone(e.Get("uuid").Text()))
			}
		}
		slices.Sort(uuids)
		if n := len(slices.Compact(uuids)); n != 9 {
			t.Errorf("%d different uuids in three deliveries of three events", n)
		}
		root := parse(t, b).Root()
		if got := root.Pointer("/data/events/0/published").Text(); got != "2026-07-01T11:30:45.228Z" {
			t.Error("published is", got)
		}
		if got := root.Get("eventTime").Text(); got != "2026-07-01T11:30:45.678Z" {
			t.Error("eventTime is", got)
		}
	})
	t.Run("odd calls", func(t *testing.T) {
		for in, want := range map[string]string{
			`{}`:                      `{}`,
			`[1]`:                     `[1]`,
			`{"eventId":`:             `{"eventId":`,
			`{ "eventId" : 5 }`:       `{ "eventId" : "a\"b" }`,
			`{"data":{"events":[7]}}`: `{"data":{"events":[7]}}`,
		} {
			if got := sample.Fresh([]byte(in), `a"b`, now); string(got) != want {
				t.Errorf("%s became %s, want %s", in, got, want)
			}
		}
	})
}

func TestID(t *testing.T) {
	inline, event := sample.ID(hook.SAML), sample.ID(hook.EventHook)
	if !regexp.MustCompile(`^[\w-]{22}$`).MatchString(inline) {
		t.Error(inline)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(event) {
		t.Error(event)
	}
	if inline == sample.ID(hook.SAML) {
		t.Error("twice the same")
	}
}

// TestPublishedRequests decodes the requests that Okta publishes, if their folder is available.
func TestPublishedRequests(t *testing.T) {
	folder := os.Getenv("TENTERHOOK_SAMPLES")
	if folder == "" {
		t.Skip("TENTERHOOK_SAMPLES does not name the folder of Okta's published samples")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*-request-*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no published requests in", folder, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			h := typeOf(t, filepath.Base(file))
			if got := parse(t, b).Root().Get("eventType").Text(); got != h.EventType() {
				t.Errorf("eventType is %q, want %q", got, h.EventType())
			}
		})
	}
}
