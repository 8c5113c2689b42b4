package hook_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/sdk/hook"
)

// TestReservedClaims compares the table with Okta's list.
func TestReservedClaims(t *testing.T) {
	samples := os.Getenv("TENTERHOOK_SAMPLES")
	if samples == "" {
		t.Skip("TENTERHOOK_SAMPLES does not name the folder of Okta's published samples, which reserved-claims.tsv stands beside")
	}
	text, err := os.ReadFile(filepath.Join(samples, "..", "reserved-claims.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	pairs := 0
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		column := append(strings.Split(line, "\t"), "", "")
		if i == 0 {
			continue
		}
		for k, reserved := range map[hook.TokenKind]bool{hook.IDToken: column[1] == "yes", hook.AccessToken: column[2] == "yes"} {
			if got := k.Reserved(column[0]); got != reserved {
				t.Errorf("%s in the %s token: got %v, want %v", column[0], k, got, reserved)
			}
			if reserved {
				pairs++
			}
		}
	}
	if pairs != 74 {
		t.Errorf("got %d pairs of claim and token, want 74", pairs)
	}
	for _, k := range []hook.TokenKind{hook.IDToken, hook.AccessToken} {
		for _, claim := range []string{"roles", "name", "email", "department", ""} {
			if k.Reserved(claim) {
				t.Errorf("%q is reserved in the %s token", claim, k)
			}
		}
	}
}

func TestAlternativeClaim(t *testing.T) {
	for claim, want := range map[string]string{"role": "app_role", "app_id": "custom_app_id", "groups": "app_groups"} {
		if got := hook.AlternativeClaim(claim); got != want {
			t.Errorf("%s: got %s, want %s", claim, got, want)
		}
	}
}

func TestMergeReservedClaims(t *testing.T) {
	draft := &hook.Draft{JSON: []byte(command(id, `[{"op":"add","path":"/claims/role","value":"x"}]`))}
	var m hook.Merge
	m.Begin(event(t, hook.Token, tokenCall))
	if m.Add("rule", draft) == nil {
		t.Error("a reserved claim is accepted")
	}
	m.Release([]string{"role"})
	if err := m.Add("rule", draft); err != nil {
		t.Errorf("a released claim is rejected: %v", err)
	}
	m.Begin(event(t, hook.Token, tokenCall))
	if m.Add("rule", draft) == nil {
		t.Error("the release outlives its event")
	}
	if problems := hook.CheckDraft(hook.Token, draft, "role"); len(problems) > 0 {
		t.Errorf("a released claim has problems: %v", problems)
	}
}
