package credential

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules/document"
)

const longSecret = "0c7e42d1b85fa963"

// readTestSecrets reads the member secret or basic of a policy text.
func readTestSecrets(t *testing.T, policy string, check bool) ([]Secret, string) {
	t.Helper()
	env := map[string]string{"LONG": longSecret, "SHORT": "short", "EMPTY": "", "PADDED": " " + longSecret, "USER": "okta", "COLON": "a:b"}
	r := secretReader{environment: environment{check: check, env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}}
	root, problems := document.Parse(document.NewSource("policy.yaml", []byte(policy)))
	var secrets []Secret
	if n := root.Get("basic"); n != nil {
		secrets = r.basic(n)
	} else {
		secrets = r.secrets(root.Get("secret"))
	}
	return secrets, strings.TrimPrefix(append(problems, r.problems...).Error(), "\n")
}

func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("okta:"+longSecret))
	tests := []struct {
		name   string
		policy string
		check  bool
		values []string // what the secrets are; "" for one that matches nothing
		want   string   // the problems
	}{
		{"the environment", `secret: ${env.LONG}`, false, []string{longSecret}, ""},
		{"inside a text", `secret: "Bearer ${env.LONG}"`, false, []string{"Bearer " + longSecret}, ""},
		{"two live at once", `secret: ["${env.LONG}", "x${env.LONG}"]`, false, []string{longSecret, "x" + longSecret}, ""},
		{"an escaped hole", `secret: "$${${env.LONG}}"`, false, []string{"${" + longSecret + "}"}, ""},
		{"a file", "secret: ${file." + write("a", longSecret+"\n") + "}", false, []string{longSecret}, ""},
		{"a file with CRLF", "secret: ${file." + write("b", longSecret+"\r\n") + "}", false, []string{longSecret}, ""},
		{"a file without a line end", "secret: ${file." + write("c", longSecret) + "}", false, []string{longSecret}, ""},
		{"basic", `basic: {user: okta, password: "${env.LONG}"}`, false, []string{basic}, ""},
		{"basic with two passwords", `basic: {user: "${env.USER}", password: ["${env.LONG}", "${env.LONG}x"]}`, false,
			[]string{basic, "Basic " + base64.StdEncoding.EncodeToString([]byte("okta:"+longSecret+"x"))}, ""},

		{"in the policy", `secret: ` + longSecret, false, []string{longSecret},
			"policy.yaml:1:9: warning: a secret stands in the policy itself: want ${env.NAME} or ${file./path}"},
		{"in the policy, in a list", "secret:\n  - " + longSecret, false, []string{longSecret},
			"policy.yaml:2:5: warning: a secret stands in the policy itself: want ${env.NAME} or ${file./path}"},
		{"short", `secret: ${env.SHORT}`, false, []string{"short"},
			"policy.yaml:1:9: warning: the secret has 5 bytes: want at least 16\n    1 | secret: ${env.SHORT}\n      |         ^"},
		{"white space", `secret: ${env.PADDED}`, false, []string{" " + longSecret},
			"policy.yaml:1:9: warning: the secret begins or ends with white space, which a header's value never does\n    1 | secret: ${env.PADDED}\n      |         ^"},
		{"a file with two line ends", "secret: ${file." + write("d", longSecret+"\n\n") + "}", false, []string{longSecret + "\n"},
			"policy.yaml:1:9: warning: the secret begins or ends with white space, which a header's value never does\n    1 | secret: ${file." + dir + "/d}\n      |         ^"},
		{"unset", `secret: ${env.UNSET}`, false, []string{""}, "policy.yaml:1:9: the environment has no UNSET\n    1 | secret: ${env.UNSET}\n      |         ^"},
		{"unset in check", `secret: ${env.UNSET}`, true, []string{""},
			"policy.yaml:1:9: warning: the environment has no UNSET\n    1 | secret: ${env.UNSET}\n      |         ^"},
		{"no such file", "secret: ${file./no/such}", false, []string{""},
			"policy.yaml:1:9: stat /no/such: no such file or directory\n    1 | secret: ${file./no/such}\n      |         ^"},
		{"no such file in check", "secret: ${file./no/such}", true, []string{""},
			"policy.yaml:1:9: warning: stat /no/such: no such file or directory\n    1 | secret: ${file./no/such}\n      |         ^"},
		{"a folder", "secret: ${file./}", true, []string{""}, "policy.yaml:1:9: /: want a regular file\n    1 | secret: ${file./}\n      |         ^"},
		{"a relative file", "secret: ${file.secret}", true, []string{""},
			"policy.yaml:1:9: ${file.secret}: want an absolute path, as in ${file./run/secrets/okta}\n    1 | secret: ${file.secret}\n      |         ^"},
		{"an expression", "secret: ${vars.x}", true, []string{""}, "policy.yaml:1:9: want ${env.NAME} or ${file./path}"},
		{"a hole without its end", "secret: abc${env.LONG", true, []string{""}, "policy.yaml:1:9: ${ without its }: want ${env.NAME} or ${file./path}"},
		{"empty", `secret: ${env.EMPTY}`, true, []string{""}, "policy.yaml:1:9: the secret is empty\n    1 | secret: ${env.EMPTY}\n      |         ^"},
		{"empty in a text", `secret: "tenterhook-key-${env.EMPTY}"`, true, []string{""},
			"policy.yaml:1:9: ${env.EMPTY} is empty, and the secret is not what it seems"},
		{"half empty", `secret: "${env.LONG}${env.EMPTY}"`, true, []string{""},
			"policy.yaml:1:9: ${env.EMPTY} is empty, and the secret is not what it seems"},
		{"empty text", `secret: ""`, true, []string{""}, "policy.yaml:1:9: the secret is empty"},
		{"an empty file", "secret: ${file." + write("e", "\n") + "}", false, []string{""},
			"policy.yaml:1:9: the secret is empty\n    1 | secret: ${file." + dir + "/e}\n      |         ^"},
		{"a large file", "secret: ${file." + write("f", strings.Repeat("a", maxSecretFile+1)) + "}", false, []string{""},
			"policy.yaml:1:9: " + dir + "/f: want at most 65536 bytes\n    1 | secret: ${file." + dir + "/f}\n      |         ^"},
		{"an empty list", `secret: []`, true, nil, "policy.yaml:1:9: want a secret, got an empty list, which rejects every caller"},
		{"a map", `secret: {a: b}`, true, []string{""}, "policy.yaml:1:10: unknown key in a secret"},
		{"a number", `secret: 12345678901234567`, true, []string{""},
			"policy.yaml:1:9: want the secret as text: put it in quotes"},
		{"a number in a list", "secret:\n  - 12345678901234567", true, []string{""},
			"policy.yaml:2:5: want the secret as text: put it in quotes"},
		{"no password", `basic: {user: okta}`, true, nil, "policy.yaml:1:8: want both user and password"},
		{"basic as text", `basic: okta`, true, nil, "policy.yaml:1:8: want {user, password}, got a text\n    1 | basic: [hidden]\n      |        ^"},
		{"a colon in the user", `basic: {user: "${env.COLON}", password: "${env.LONG}"}`, true, nil,
			"policy.yaml:1:15: a user of Basic authentication has no colon (RFC 7617)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			secrets, problems := readTestSecrets(t, test.policy, test.check)
			if got, _, _ := strings.Cut(problems, "\n"); problems != test.want && got != test.want {
				t.Errorf("got\n%s\nwant\n%s", problems, test.want)
			}
			if strings.Contains(problems, longSecret) || strings.Contains(problems, "1234567") {
				t.Errorf("the secret is told: %s", problems)
			}
			if test.values != nil && len(secrets) != len(test.values) {
				t.Fatalf("%d secrets", len(secrets))
			}
			for i, value := range test.values {
				if got := secrets[i].Matches(Digest([]byte(value))); got != (value != "") {
					t.Errorf("secret %d matches: %v", i, got)
				}
				if secrets[i].Matches(Digest([]byte(value + "x"))) {
					t.Errorf("secret %d matches a longer one", i)
				}
			}
		})
	}
}

func TestSecretIsHidden(t *testing.T) {
	s := NewSecret([]byte(longSecret))
	j, _ := json.Marshal(map[string]any{"a": s, "b": &s})
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "s" {
			return a
		}
		return slog.Attr{}
	}})).Info("", "s", s)
	prints := []string{
		fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %x %d %s %q", s, s, s, s, s, s, s), fmt.Sprintf("%v", struct{ S Secret }{s}),
		fmt.Sprint([]Secret{s}, &s), s.GoString(), string(j), log.String(),
	}
	for _, got := range prints {
		rest := strings.NewReplacer(redacted, "", "s=", "", `"a":`, "", `"b":`, "").Replace(got)
		if strings.Trim(rest, "{}[]\",& \n") != "" || !strings.Contains(got, redacted) {
			t.Errorf("prints as %s", got)
		}
	}
}

func TestZeroSecretMatchesNothing(t *testing.T) {
	var zero Secret
	if zero.Matches([32]byte{}) {
		t.Error("the zero Secret matches the zero digest")
	}
}

func FuzzFill(f *testing.F) {
	for _, text := range []string{"", "a", "${env.A}", "$${env.A}", "${", "$$${env.A}${env.B}", "${file./dev/null}", "${file.x}", "${env.A"} {
		f.Add(text)
	}
	o := environment{env: func(name string) (string, bool) { return "<" + name + ">", name != "B" }}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "file") {
			t.Skip("reads what the machine has")
		}
		got := o.fill(text)
		for _, fault := range got.faults {
			if fault.offset < 0 || fault.offset >= len(text) || !strings.HasPrefix(text[fault.offset:], "${") {
				t.Errorf("%q: %v at %d", text, fault.err, fault.offset)
			}
		}
		if !strings.Contains(text, "${") && (got.text != text || got.holes > 0) {
			t.Errorf("%q became %q", text, got.text)
		}
	})
}
