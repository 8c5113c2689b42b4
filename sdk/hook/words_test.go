package hook_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func TestSuggest(t *testing.T) {
	known := []string{"userProfile", "action", "context", "id", "login", "com.okta.action.update", "when"}
	for _, test := range []struct{ word, want string }{
		{"userProfil", "userProfile"},
		{"userprofile", "userProfile"},
		{"usreProfile", "userProfile"},
		{"UserPrfile", "userProfile"},
		{"actoin", "action"},
		{"loggin", "login"},
		{"ID", "id"},
		{"ccom.okta.action.update", "com.okta.action.update"},
		{"wen", "when"},
		{"wn", ""},
		{"xy", ""},
		{"i", ""},
		{"profile", ""},
		{"", ""},
		{strings.Repeat("x", 10_000), ""},
	} {
		t.Run(test.word[:min(len(test.word), 20)], func(t *testing.T) {
			got, ok := hook.Suggest(test.word, known)
			if got != test.want || ok != (test.want != "") {
				t.Errorf("got %q %v, want %q", got, ok, test.want)
			}
		})
	}
	if got, _ := hook.Suggest("x", nil); got != "" {
		t.Errorf("out of nothing: %q", got)
	}
}

func TestFailureAnswers(t *testing.T) {
	for _, typ := range hook.Types() {
		t.Run(typ.String(), func(t *testing.T) {
			open, closed := hook.OpenAnswer(typ), hook.ClosedAnswer(typ)
			for _, answer := range [][]byte{open, closed} {
				if problems := hook.CheckAnswer(typ, parse(t, string(answer))); len(problems) > 0 {
					t.Errorf("%s: %v", answer, problems)
				}
			}
			if fixed := string(open) == string(closed); fixed != hook.FailureFixed(typ) {
				t.Errorf("open %s, closed %s, fixed %v", open, closed, hook.FailureFixed(typ))
			}
			clear(open)
			if string(hook.OpenAnswer(typ)) == string(open) {
				t.Error("two callers share one answer")
			}
		})
	}
}

func TestTokenKind(t *testing.T) {
	e := event(t, hook.Token, machineCall)
	if hook.IDToken.Minted(e) || !hook.AccessToken.Minted(e) {
		t.Error("a call of a machine mints an access token alone")
	}
	if hook.AccessToken.Claims(e).Get("sub").Text() != "client" || hook.IDToken.Claims(e).Kind() != jsondoc.Missing {
		t.Error("claims")
	}
	for _, name := range []string{"id", "access"} {
		if k, ok := hook.ParseTokenKind(name); !ok || k.String() != name || !slices.Contains(hook.Commands(hook.Token), k.Command()) {
			t.Errorf("%s is %v", name, k)
		}
	}
	if _, ok := hook.ParseTokenKind("refresh"); ok {
		t.Error("refresh tokens cannot be patched")
	}
	for _, test := range []struct {
		kind  hook.TokenKind
		claim string
		want  bool
	}{
		{hook.IDToken, "aud", true}, {hook.IDToken, "sub", true}, {hook.IDToken, "nonce", true}, {hook.IDToken, "exp", true}, {hook.IDToken, "uid", false}, {hook.IDToken, "name", false},
		{hook.AccessToken, "aud", false}, {hook.AccessToken, "sub", false}, {hook.AccessToken, "scp", true}, {hook.AccessToken, "exp", true}, {hook.AccessToken, "uid", true}, {hook.AccessToken, "amr", false},
	} {
		if got := test.kind.Reserved(test.claim); got != test.want {
			t.Errorf("%v %s: %v", test.kind, test.claim, got)
		}
	}
}
