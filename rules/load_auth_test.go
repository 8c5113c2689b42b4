package rules

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules/credential"
	"github.com/tenterhook/tenterhook/rules/folder"
)

// loadAuth loads a Set of one hook with an auth; more is further text of the policy.
func loadAuth(t *testing.T, auth, more string, files map[string][]byte) (*Set, string) {
	t.Helper()
	contents := map[string][]byte{"policy.yaml": []byte("tenterhook: 1\n" + more + "hooks:\n  - name: h\n    type: token\n    rules: [{name: r, debug: {a: b}}]\n" + auth)}
	for name, text := range files {
		contents[name] = text
	}
	env := map[string]string{"A": "q7LmZ0vRk2Xc9TbW", "B": "b5Ns9cYd7HfG3aUe", "C": "Zr6WkQ1uTj8EoMv3", "ISSUER": "https://acme.okta.com/oauth2/default"}
	s, err := Load(folder.New(contents), Options{Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
	if err != nil {
		return nil, err.Error()
	}
	t.Cleanup(func() { s.Close() })
	return s, s.Warnings().Error()
}

func TestSecretNames(t *testing.T) {
	tests := []struct {
		name, auth string
		want       []string
	}{
		{"One", `[{header: X, secret: "${env.A}"}]`, []string{"1"}},
		{"List", `[{header: X, secret: ["${env.A}", "${env.B}"]}]`, []string{"1", "2"}},
		{"Named", `[{header: X, secret: [{name: 2026-10, value: "${env.A}"}, {value: "${env.B}", name: old.one_1}]}]`, []string{"2026-10", "old.one_1"}},
		{"ANumberForAName", `[{header: X, secret: {name: 2026, value: "${env.A}"}}]`, []string{"2026"}},
		{"SomeNamed", `[{header: X, secret: ["${env.A}", {name: new, value: "${env.B}"}]}, {basic: {user: okta, password: [{name: b, value: "${env.C}"}]}}]`, []string{"1", "new", "b"}},
		{"OverEntries", `[{header: X, secret: "${env.A}"}, {basic: {user: okta, password: "${env.B}"}}, [{header: Y, secret: "${env.C}"}]]`, []string{"1", "2", "3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, problems := loadAuth(t, "    auth: "+tt.auth+"\n", "", nil)
			if problems != "" || s == nil {
				t.Fatal(problems)
			}
			h := s.Hook("h")
			if got := h.Secrets(); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			place := 0
			for _, c := range h.Auth {
				for _, l := range c.Lines {
					for _, secret := range l.Secrets {
						if secret.Index() != place || secret.Name() != tt.want[place] {
							t.Errorf("%s is in place %d, want %d", secret.Name(), secret.Index(), place)
						}
						place++
					}
				}
			}
		})
	}
}

func TestTooManySecrets(t *testing.T) {
	for n, want := range map[int]bool{credential.MaxSecrets: false, credential.MaxSecrets + 1: true} {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`"%d-${env.A}"`, i))
		}
		_, problems := loadAuth(t, "    auth: [{header: X, secret: ["+strings.Join(list, ", ")+"]}]\n", "", nil)
		if got := strings.Contains(problems, "want at most 64"); got != want {
			t.Errorf("%d: %s", n, problems)
		}
	}
}

func TestOAuth(t *testing.T) {
	const keys = `{"keys":[{"kty":"RSA"}]}`
	set := credential.OAuth{Issuer: "https://acme.okta.com/oauth2/default", Audience: "api://default", Client: "0oa1", Scope: "tenterhook", Algorithms: []string{"RS256"}}
	with := func(change func(*credential.OAuth)) credential.OAuth { o := set; change(&o); return o }
	const common = `audience: "api://default", client: 0oa1, scope: tenterhook`
	tests := []struct {
		name, oauth string
		want        credential.OAuth
	}{
		{"Discovered", "issuer: https://acme.okta.com/oauth2/default, " + common, set},
		{"OfTheEnvironment", `issuer: "${env.ISSUER}", ` + common, set},
		{"KeysAtAnAddress", `issuer: "${env.ISSUER}", keys: https://keys.example/k?x=1, ` + common, with(func(o *credential.OAuth) { o.KeysURL = "https://keys.example/k?x=1" })},
		{"KeysInAFile", `issuer: "${env.ISSUER}", keys: keys/acme.json, ` + common, with(func(o *credential.OAuth) { o.KeySet = keys })},
		{"KeysWritten", `issuer: "${env.ISSUER}", keys: '` + keys + `', ` + common, with(func(o *credential.OAuth) { o.KeySet = keys })},
		{"Algorithms", `issuer: "${env.ISSUER}", algorithms: [ES256, PS512], ` + common, with(func(o *credential.OAuth) { o.Algorithms = []string{"ES256", "PS512"} })},
		{"OneAlgorithm", `issuer: "${env.ISSUER}", algorithms: RS384, ` + common, with(func(o *credential.OAuth) { o.Algorithms = []string{"RS384"} })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, problems := loadAuth(t, "    auth: [{oauth: {"+tt.oauth+"}}]\n", "", map[string][]byte{"keys/acme.json": []byte(keys)})
			if problems != "" || s == nil {
				t.Fatal(problems)
			}
			line := s.Hook("h").Auth[0].Lines[0]
			if line.Header != "Authorization" || len(line.Secrets) != 0 || !reflect.DeepEqual(*line.OAuth, tt.want) {
				t.Errorf("got %+v", *line.OAuth)
			}
		})
	}
}

func TestOrgs(t *testing.T) {
	s, problems := loadAuth(t, "    org: acme\n    auth: [{header: X, secret: \"${env.A}\"}]\n", "orgs: {acme: {hosts: [Acme.Okta.com, login.acme.example], concurrency: 7}}\n", nil)
	if problems != "" || s == nil {
		t.Fatal(problems)
	}
	o := s.Hook("h").Org
	if o.Name != "acme" || o.Concurrency != 7 || !o.Has("ACME.okta.COM") || !o.Has("login.acme.example") || o.Has("okta.com") || o.Has("") {
		t.Errorf("got %+v", o)
	}
}

func TestKeysAddress(t *testing.T) {
	for text, want := range map[string]bool{"https://a.example/k": true, "https://a.example:8443/k?x=1": true, "http://127.0.0.1:1/k": true, "http://[::1]/k": true,
		"http://localhost/k": true, "http://a.example/k": false, "http://127.0.0.1.evil.example/": false, "http://169.254.169.254/": false,
		"https://u:p@a.example/": false, "https://a.example/#f": false, "https:///k": false, "file:///etc/passwd": false, "": false, "a.example/k": false, "https://[::1": false} {
		if err := credential.KeysAddress(text); (err == nil) != want {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}
