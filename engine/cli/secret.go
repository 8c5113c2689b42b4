package cli

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (p *Program) secret() *cobra.Command {
	c := &cobra.Command{
		Use:   "secret",
		Short: "Generate hook secrets",
	}
	c.AddCommand(p.secretNew())
	return c
}

// generatedSecret is a secret with the values to enter in each place.
type generatedSecret struct {
	Secret    string `json:"secret"`         // content of the file or variable
	User      string `json:"user,omitempty"` // of Basic authentication
	Field     string `json:"field"`          // Okta's Authentication field
	Value     string `json:"value"`          // Okta's Authentication secret; Okta adds no scheme (hooks.md section 2)
	Name      string `json:"name"`           // in the policy, metrics and the status
	File      string `json:"file"`           // proposed path of a file
	Policy    string `json:"policy"`         // auth: of the hook, reading the file
	Env       string `json:"env"`            // proposed name of a variable
	EnvPolicy string `json:"envPolicy"`      // auth: of the hook, reading the variable
}

func (p *Program) secretNew() *cobra.Command {
	var user string
	var asJSON bool
	c := &cobra.Command{
		Use:   "new",
		Short: "Generate a strong secret, and show where to enter it",
		Long: "New generates a secret of 256 random bits. It prints what to enter in Okta's Admin Console, how to give the secret to the\n" +
			"server, and what to write in the policy. It stores nothing. To rotate a secret, list both the old and the new one; when\n" +
			"the status and tenterhook_secret_used_total show that Okta no longer sends the old one, remove it.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("basic") && !isBasicUser(user) {
				return usage("--basic %s: want a user name of printable ASCII without spaces, colons, double quotes, backslashes or dollar signs", user)
			}
			return p.printSecret(generateSecret(user, time.Now()), asJSON)
		},
	}
	c.Flags().StringVar(&user, "basic", "", "user name for HTTP Basic authentication")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object: {secret, user, field, value, name, file, policy, env, envPolicy}")
	return c
}

// isBasicUser reports whether a user name needs no escaping in a policy and in a header.
func isBasicUser(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`:"\$`, r) })
}

// generateSecret generates a secret, named by the current month.
func generateSecret(user string, now time.Time) generatedSecret {
	var random [32]byte
	rand.Read(random[:]) // never fails
	s := generatedSecret{Secret: base64.RawURLEncoding.EncodeToString(random[:]), User: user, Field: "Authorization", Name: now.Format("2006-01")}
	s.File = "/etc/tenterhook/hook-secret-" + s.Name
	s.Env = "HOOK_SECRET_" + now.Format("2006_01")
	s.Value = s.Secret
	if user != "" {
		s.Value = "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+s.Secret))
	}
	s.Policy, s.EnvPolicy = s.auth("file."+s.File), s.auth("env."+s.Env)
	return s
}

// auth returns the auth: of a hook with a secret from a file or a variable.
func (s generatedSecret) auth(source string) string {
	item := fmt.Sprintf(`{name: %s, value: "${%s}"}`, s.Name, source)
	if s.User != "" {
		return "auth:\n  - basic:\n      user: \"" + s.User + "\"\n      password:\n        - " + item + "\n"
	}
	return "auth:\n  - header: Authorization\n    secret:\n      - " + item + "\n"
}

func (p *Program) printSecret(s generatedSecret, asJSON bool) error {
	if asJSON {
		text, _ := json.MarshalIndent(s, "", "  ") // never fails
		_, err := fmt.Fprintf(p.Stdout, "%s\n", text)
		return err
	}
	_, err := fmt.Fprintf(p.Stdout, `Enter in Okta's Admin Console, under Workflow > Inline Hooks or Event Hooks, in the hook:

  Authentication field     %s
  Authentication secret    %s

Okta must verify an event hook again after its secret has changed. Store the secret in a file that only the server
can read, for example %s, with this content:

  %s

Write in the hook's policy, above a secret that is still in use:

%s
Save the policy after the file: a running server then uses the secret at once. Instead of the file you can set an
environment variable, but that needs a restart of the server:

  %s=%s

%s`, s.Field, s.Value, s.File, s.Secret, indent(s.Policy, "    "), s.Env, s.Secret, indent(s.EnvPolicy, "    "))
	return err
}

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}
