package engine

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// policy has one hook of a type; the name of its rule makes one Set differ from another.
func policy(typ, rule string) string {
	return `tenterhook: 1
hooks:
  - name: hook-a
    type: ` + typ + `
    budget: {time: 2s}
    auth:
      - header: Authorization
        secret: a-secret-of-some-length
    rules:
      - name: ` + rule + `
        when: data.userProfile.email == 'eve@example.com'
        deny: Go away.
      - name: stamp
        profile: {division: sales}
`
}

func mustLoad(t testing.TB, text string) *rules.Set {
	t.Helper()
	s, err := rules.Load(folder.New(map[string][]byte{"policy.yaml": []byte(text)}), rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newEngine(t testing.TB, o Options) *Engine {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// newLiveHook returns an Engine with one hook, whose decisions come from decide.
func newLiveHook(t testing.TB, o Options, decide func(*hook.Call, *rules.Decision)) (*Engine, *Hook) {
	t.Helper()
	e := newEngine(t, o)
	e.Swap(mustLoad(t, policy("registration", "deny")))
	h := e.live.Load().byName["hook-a"]
	if decide != nil {
		h.decide = func(c *hook.Call, d *rules.Decision) {
			*d = rules.Decision{} // as the rules' own does: it is another call's
			decide(c, d)
		}
	}
	return e, h
}

// newCall makes a call as the gate does. Its ID is in the body, too.
func newCall(t testing.TB, id, email string) *hook.Call {
	t.Helper()
	d := new(jsondoc.Doc)
	body := fmt.Sprintf(`{"eventType":"com.okta.user.pre-registration","requestType":"self.service.registration","eventId":%q,`+
		`"data":{"userProfile":{"email":%q}}}`, id, email)
	if err := d.Parse([]byte(body), jsondoc.Limits{}); err != nil {
		t.Fatal(err)
	}
	return &hook.Call{Hook: "hook-a", ID: id, Type: hook.Registration, Start: time.Now(), Doc: d}
}
