package cli

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/rules/folder"
)

// TestGenerateSecret: the printed policy accepts the value printed for Okta, without warnings.
func TestGenerateSecret(t *testing.T) {
	for _, user := range []string{"", "okta", "o'k-t@a#1"} {
		t.Run("user "+user, func(t *testing.T) {
			s := generateSecret(user, time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC))
			if raw, err := base64.RawURLEncoding.DecodeString(s.Secret); err != nil || len(raw) != 32 || s.Name != "2026-10" {
				t.Fatalf("got %+v", s)
			}
			path := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(path, []byte(s.Secret), 0o600); err != nil {
				t.Fatal(err)
			}
			checkSecret(t, s, strings.Replace(s.Policy, s.File, path, 1))
			checkSecret(t, s, s.EnvPolicy)
		})
	}
	if a, b := generateSecret("", time.Now()), generateSecret("", time.Now()); a.Secret == b.Secret {
		t.Error("two secrets are equal")
	}
}

// checkSecret loads a hook with this auth:, and wants it to accept the value for Okta.
func checkSecret(t *testing.T, s generatedSecret, auth string) {
	t.Helper()
	text := "tenterhook: 1\nhooks:\n  - name: h\n    type: token\n    rules: [{name: r, debug: {a: b}}]\n" + indent(auth, "    ")
	set, err := rules.Load(folder.New(map[string][]byte{"policy.yaml": []byte(text)}), rules.Options{Env: func(name string) (string, bool) {
		return s.Secret, name == s.Env
	}})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	defer set.Close()
	if w := set.Warnings(); len(w) > 0 {
		t.Errorf("warned: %v", w)
	}
	line := set.Hooks()[0].Auth[0].Lines[0]
	if line.Header != s.Field || len(line.Secrets) != 1 || !line.Secrets[0].Matches(credential.Digest([]byte(s.Value))) || line.Secrets[0].Name() != s.Name {
		t.Errorf("the policy does not accept the value for Okta")
	}
}

func TestIsBasicUser(t *testing.T) {
	for name, want := range map[string]bool{"okta": true, "": false, "a:b": false, "a b": false, `a"`: false, `a\`: false, "é": false, "a\n": false, "${env.A}": false} {
		if isBasicUser(name) != want {
			t.Errorf("%q: want %v", name, want)
		}
	}
	if strings.ContainsAny(generateSecret("", time.Now()).Secret, `"'\$ `) {
		t.Error("a secret that needs quotes in a shell or in YAML")
	}
}
