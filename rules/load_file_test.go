package rules_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/document"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/rules/suite"
)

const onePolicy = "tenterhook: 1\nhooks:\n  - {name: a, type: saml, auth: [{header: X-Key, secret: '${env.SECRET}'}], rules: [{name: r, debug: {a: b}}]}\n"

func utf16(text string, mark bool) string {
	var b strings.Builder
	if mark {
		b.WriteString("\xff\xfe")
	}
	for _, c := range []byte(text) {
		b.WriteByte(c)
		b.WriteByte(0)
	}
	return b.String()
}

// TestStrangers holds that a policy file which ceases to be one is a problem: the rest of the
// folder would be right without it, and its hooks gone.
func TestStrangers(t *testing.T) {
	tests := []struct{ name, file, text, want string }{
		{"Empty", "b.yaml", "", "b.yaml:1:1: this file has no content"},
		{"EmptyYml", "b.yml", "\n", "b.yml:1:1: this file has no content"},
		{"OnlyComments", "b.yaml", "# tenterhook: 1\n#hooks:\n---\n # x", "b.yaml:1:1: this file has no content"},
		{"Misspelt", "b.yaml", "# b\ntenterhok: 1\nhooks: []\n", "b.yaml:2:1: this file is not read as policy: want tenterhook: 1 here"},
		{"UpperCase", "b.yaml", "Tenterhook: 1\n", "b.yaml:1:1: this file is not read as policy: want tenterhook: 1 here"},
		{"NoColon", "b.yaml", "tenterhook 1\n", "b.yaml:1:1: this file is not read as policy: want tenterhook: 1 here"},
		{"Indented", "b.yaml", "  tenterhook: 1\n", "b.yaml:1:1: this file is not read as policy: want tenterhook: 1 here"},
		{"NotFirst", "b.yaml", "vars: {}\nhooks: []\ntenterhook: 1\n", "b.yaml:2:1: this file is not read as policy: it does not begin with tenterhook: 1"},
		{"UTF16", "b.yaml", utf16(onePolicy, true), "b.yaml: this file is UTF-16: save it as UTF-8"},
		{"UTF16WithoutMark", "b.yaml", utf16(onePolicy, false), "b.yaml: this file is UTF-16: save it as UTF-8"},
		{"Latin1", "b.yaml", "tenterhook: 1\nvars: {a: caf\xe9}\n", "b.yaml:2:14: not UTF-8: save the file as UTF-8"},
		{"Latin1Comment", "b.yaml", "# caf\xe9\ntenterhook: 1\n", "b.yaml:1:6: not UTF-8: save the file as UTF-8"},
		{"Tests", "b.yaml", "tests: []\n", "b.yaml:1:1: tests are read from files whose names end in _test.yaml"},
		{"AnythingElse", "b.yaml", "services: {web: 1}\n", "b.yaml: neither policy nor a table's file: want tenterhook: 1 in its first line"},
		{"TableNobodyReads", "tables/b.yaml", "- x\n", "tables/b.yaml: neither policy nor a table's file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := rules.Load(folder.New(map[string][]byte{"a.yaml": []byte(onePolicy), tt.file: []byte(tt.text)}), rules.Options{Env: env})
			var problems document.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("want problems, got %v", err)
			}
			if len(problems) != 1 || problems[0].Warning || !strings.HasPrefix(problems[0].String(), tt.want) {
				t.Errorf("want %s, got\n%v", tt.want, problems)
			}
		})
	}
}

func TestNoStrangers(t *testing.T) {
	files := map[string][]byte{
		"a.yaml":        []byte("\ufeff# a\n---\n" + onePolicy + "tables: {t: {file: tables/t.yaml, as: set}, u: {file: ./u.yml, as: map}}\n"),
		"tables/t.yaml": []byte("- x\n"),
		"u.yml":         []byte("x: 1\n"),
		"a_test.yaml":   []byte("tests: []\n"),
		"b_test.yml":    nil,
		"notes.md":      []byte("caf\xe9"),
	}
	s, err := rules.Load(folder.New(files), rules.Options{Env: env})
	if err != nil || len(s.Warnings()) > 0 {
		t.Fatal(err, s.Warnings())
	}
	defer s.Close()
}

// TestUnreadPolicy: a policy file that is not YAML causes no warning about unused table files, since
// it may name them.
func TestUnreadPolicy(t *testing.T) {
	files := map[string][]byte{"a.yaml": []byte("tenterhook: 1\n\tx: [\n"), "t.yaml": []byte("- x\n")}
	_, err := rules.Load(folder.New(files), rules.Options{Env: env})
	if err == nil || strings.Contains(err.Error(), "t.yaml") {
		t.Error(err)
	}
}

func TestTestFileIsUTF8(t *testing.T) {
	f := folder.New(map[string][]byte{"a.yaml": []byte(onePolicy), "a_test.yaml": []byte("tests:\n  - {name: caf\xe9}\n")})
	s, err := rules.Load(f, rules.Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, problems := suite.ReadCases(f, s); len(problems) != 1 || !strings.HasPrefix(problems[0].String(), "a_test.yaml:2:15: not UTF-8") {
		t.Error(problems)
	}
}

// TestExtensionKeys: top-level keys that begin with x- hold values for YAML anchors, and have no
// other meaning.
func TestExtensionKeys(t *testing.T) {
	const head = "tenterhook: 1\nx-auth: &auth [{header: X-Key, secret: a-secret-that-is-long-enough}]\n"
	tests := []struct{ name, text, want string }{
		{"OK", head + "hooks:\n  - {name: a, type: saml, auth: *auth, rules: [{name: r, debug: {a: b}}]}\n  - {name: b, type: token, auth: *auth, rules: [{name: r, debug: {a: b}}]}\n", ""},
		{"OtherKey", head + "y-auth: 1\nhooks: []\n", `unknown key "y-auth" in a policy file`},
		{"BelowTheTop", head + "hooks:\n  - {x-note: 1, name: a, type: saml, auth: *auth, rules: [{name: r, debug: {a: b}}]}\n", `unknown key "x-note" in a hook`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := rules.Load(folder.New(map[string][]byte{"a.yaml": []byte(test.text)}), rules.Options{})
			if err == nil {
				defer s.Close()
			}
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
