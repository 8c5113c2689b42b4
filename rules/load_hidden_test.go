package rules_test

import (
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
)

// TestHiddenSecrets writes a secret into a policy in the ways people get wrong: no problem tells
// it, whether the file is YAML or not.
func TestHiddenSecrets(t *testing.T) {
	const marker = "S3CR3TMARK"
	const list = "    auth:\n      - header: Authorization\n        secret:\n"
	tests := []struct{ name, text string }{
		{"unclosed", list + "          - \"S3CR3TMARK value\n"},
		{"a colon", list + "          - Bearer: S3CR3TMARK: x\n"},
		{"a key", list + "          - S3CR3TMARK: x\n"},
		{"indented less", list + "          - ok\n         - S3CR3TMARK\n"},
		{"indented least", list + "S3CR3TMARK\n"},
		{"a tab", list + "\t  - S3CR3TMARK\n"},
		{"a bang", list + "          - !S3CR3TMARK x\n"},
		{"a star", list + "          - *S3CR3TMARK\n"},
		{"an ampersand", list + "          - &S3CR3TMARK\n"},
		{"a backtick", list + "          - `S3CR3TMARK\n"},
		{"an at", list + "          - @S3CR3TMARK\n"},
		{"a percent sign", list + "          - %S3CR3TMARK: [\n"},
		{"a brace", list + "          - {S3CR3TMARK\n"},
		{"a bracket", list + "          - [S3CR3TMARK\n"},
		{"a list in a list", list + "          - [S3CR3TMARK]\n"},
		{"an escape", list + "          - \"\\S3CR3TMARK\"\n"},
		{"digits", list + "          - 0123S3CR3TMARK\n          - 0x1_2\n"},
		{"another alias", list + "          - ${env.NONE}\n          - *S3CR3TMARK\n"},
		{"a block", "    auth:\n      - header: A\n        secret: |\n          S3CR3TMARK\n         x\n        foo\n"},
		{"a folded block", "    auth:\n      - header: A\n        secret: >-\n         ok\n        S3CR3TMARK\n"},
		{"the next line", "    auth:\n      - header: A\n        secret:\n          S3CR3TMARK: foo: bar\n"},
		{"brackets over two lines", "    auth: [{header: Authorization, secret:\n      S3CR3TMARK, ]\n"},
		{"a list over two lines", "    auth: [{header: Authorization, secret: [\n      \"S3CR3TMARK\", \"S3CR3TMARK2\" \"S3CR3TMARK\"]}]\n"},
		{"braces", "    auth: [{header: A, secret: S3CR3TMARK}\n"},
		{"a misspelt key", "    auth:\n      - header: A\n        sercet: S3CR3TMARK\n"},
		{"another key", "    auth:\n      - header: A\n        value: S3CR3TMARK\n"},
		{"auth as a text", "    auth: S3CR3TMARK\n"},
		{"auth as a number", "    auth: 5312375312\n"},
		{"auth as a map", "    auth: {header: X, secret: S3CR3TMARK}\n"},
		{"auth as a misspelt map", "    auth: {header: X, sercet: S3CR3TMARK}\n"},
		{"auth as a map in lines", "    auth:\n      header: X\n      token: S3CR3TMARK\n"},
		{"basic", "    auth:\n      - basic: {user: S3CR3TMARK, pass: S3CR3TMARK}\n"},
		{"basic as a text", "    auth:\n      - basic: bob:S3CR3TMARK\n"},
		{"a colon in the user", "    auth:\n      - basic: {user: \"a:S3CR3TMARK\", password: x}\n"},
		{"in the header", "    auth:\n      - header: \"Authorization: S3CR3TMARK\"\n        secret: x\n"},
		{"in the header without quotes", "    auth:\n      - header: Authorization S3CR3TMARK\n        secret: [x\n"},
		{"twice", "    auth:\n      - header: A\n        secret: S3CR3TMARK\n        secret: S3CR3TMARK\n"},
		{"in a hole", "    auth:\n      - header: A\n        secret: \"${S3CR3TMARK}\"\n"},
		{"in a file's hole", "    auth:\n      - header: A\n        secret: \"${file}${env.}S3CR3TMARK\"\n"},
		{"behind a hole", "    auth:\n      - header: A\n        secret: \"${env.NONE} S3CR3TMARK\n"},
		{"an unclosed hole", "    auth:\n      - header: A\n        secret: \"${env.S3CR3TMARK\"\n"},
		{"an anchor", "    auth:\n      - header: A\n        secret: &a S3CR3TMARK\n    path: *a\n"},
		{"an entry", "    auth:\n      - S3CR3TMARK: x\n"},
		{"a text as an entry", "    auth:\n      - S3CR3TMARK\n"},
		{"a map", "    auth:\n      - header: A\n        secret: {S3CR3TMARK: x}\n"},
		{"lists", "    auth:\n      - header: A\n        secret: [[S3CR3TMARK]]\n"},
		{"a tag of its own", "    auth:\n      - header: A\n        secret: !S3CR3TMARK\n"},
		{"a compact list", "    auth:\n    - header: A\n      secret:\n      - \"S3CR3TMARK\n"},
		{"a hook in braces", "  - {name: b, type: token, auth: [{header: A, secret: \"S3CR3TMARK}]}\n"},
		{"in an oauth", "    auth: [{oauth: {issuer: https://x.example/a, client: c, secret: S3CR3TMARK}}]\n"},
		{"in an oauth in lines", "    auth:\n      - oauth:\n          issuer: https://x.example/a\n          client: c\n          client_secret: S3CR3TMARK\n"},
		{"in an oauth's keys", "    auth: [{oauth: {issuer: https://x.example/a, client: c, keys: S3CR3TMARK}}]\n"},
		{"in an oauth's issuer", "    auth: [{oauth: {issuer: \"https://okta:S3CR3TMARK@x.example/a\", client: c}}]\n"},
		{"in an oauth's client", "    auth: [{oauth: {issuer: https://x.example/a, client: \"c:S3CR3TMARK\", scope: [}}]\n"},
		{"in an oauth's client in lines", "    auth:\n      - oauth:\n          client: c S3CR3TMARK\n          scope: [\n"},
		{"in an unclosed oauth", "    auth: [{oauth: {client: \"c, secret: S3CR3TMARK}}]\n"},
		{"behind an oauth", "    auth: [{oauth: {client: c}, client: S3CR3TMARK}]\n"},
		{"behind an oauth in lines", "    auth:\n      - oauth:\n          client: c\n        client: S3CR3TMARK\n"},
		{"an oauth that is none", "    auth: [{oauth: S3CR3TMARK}]\n"},
		{"a client outside of an oauth", "    auth: [{header: A, client: S3CR3TMARK, secret: [}]\n"},
		{"a comment", "    auth:\n      - header: A # S3CR3TMARK\n        secret: [x # S3CR3TMARK\n"},
	}
	const before = "tenterhook: 1\nhooks:\n  - name: a\n    type: token\n    rules: [{name: x, claims: {id: {a: 1}}}]\n"
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := rules.Load(folder.New(map[string][]byte{"policy.yaml": []byte(before + tt.text)}), rules.Options{Env: env})
			if err == nil {
				t.Fatal("want a problem")
			}
			if strings.Contains(err.Error(), marker) || strings.Contains(err.Error(), "531237") {
				t.Errorf("the secret is told:\n%v", err)
			}
		})
	}
}

// TestOAuthIsShown: problems quote the parts of an oauth that are not secret, so that a reader sees
// the mistake.
func TestOAuthIsShown(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"InBraces", "    auth:\n      - oauth: {issuer: https://acme.okta.com/oauth2/default, audience: \"api://default\", client: 0oa1, scpoe: s}\n",
			"/default, audience: \"api://default\", client: 0oa1, scpoe: [hidden]\n"},
		{"InLines", "    auth:\n      - oauth:\n          issuer: http://acme.example/a\n          audience: a\n", "          issuer: http://acme.example/a\n"},
		{"NoYAML", "    auth: [{oauth: {issuer: 'https://acme.okta.com/oauth2/default', scope: s, keys: [}}]\n", "issuer: 'https://acme.okta.com/oauth2/default', scope: s, keys: ["},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := "tenterhook: 1\nhooks:\n  - name: a\n    type: token\n    rules: [{name: x, debug: {a: b}}]\n" + tt.text
			_, err := rules.Load(folder.New(map[string][]byte{"policy.yaml": []byte(text)}), rules.Options{Env: env})
			if err == nil || !strings.Contains(err.Error()+"\n", tt.want) {
				t.Errorf("want %s in\n%v", tt.want, err)
			}
		})
	}
}

// TestShownAgain: problems quote the text after a secret as usual.
func TestShownAgain(t *testing.T) {
	const text = `tenterhook: 1
hooks:
  - name: a
    auth:
      - header: X-Key
        secret:
          - ${env.SECRET}
          - "${env.NONE}"
    type: tokne
    rules: []
  - {name: b, type: token, auth: [{header: X-Key, secret: "${env.SECRET}"}], rules: 1}
  - {name: c, auth: none, type: tokne}
`
	_, err := rules.Load(folder.New(map[string][]byte{"policy.yaml": []byte(text)}), rules.Options{Env: env})
	if err == nil || strings.Contains(err.Error(), "hidden") {
		t.Error(err)
	}
}
