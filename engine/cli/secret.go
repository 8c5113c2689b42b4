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
		Short: "Make the secrets that Okta shows",
	}
	c.AddCommand(p.secretNew())
	return c
}

// generatedSecret is a secret, and where each part of it goes.
type generatedSecret struct {
	Secret string `json:"secret"`         // what the policy's variable is set to
	User   string `json:"user,omitempty"` // of Basic authentication
	Field  string `json:"field"`          // Okta's Authentication field
	Value  string `json:"value"`          // Okta's Authentication secret: the whole value, for Okta adds no scheme (hooks.md section 2)
	Name   string `json:"name"`           // in the policy, metrics and the status
	Env    string `json:"env"`            // the variable
	Policy string `json:"policy"`         // what to write in the policy
}

func (p *Program) secretNew() *cobra.Command {
	var user string
	var asJSON bool
	c := &cobra.Command{
		Use:   "new",
		Short: "Make a strong secret, and say where to enter it",
		Long: "New makes a secret of 256 random bits and says what to enter in Okta's Admin Console, how to give it to tenterhook, and\n" +
			"what to write in the policy. Nothing of it is kept. While a secret is replaced, the old one and the new one are both in the\n" +
			"list: the status and tenterhook_secret_used_total say which one Okta shows, and the old one goes when it is shown no more.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("basic") && !isBasicUser(user) {
				return usage("--basic %s: want a user's name: printable ASCII without a colon", user)
			}
			return p.printSecret(generateSecret(user, time.Now()), asJSON)
		},
	}
	c.Flags().StringVar(&user, "basic", "", "user's name, for HTTP Basic authentication")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object: {secret, user, field, value, name, env, policy}")
	return c
}

// isBasicUser reports whether a name can be written in a policy and in a header as it is.
func isBasicUser(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`:"\$`, r) })
}

// generateSecret makes a secret that is named for the month it is made in.
func generateSecret(user string, now time.Time) generatedSecret {
	var random [32]byte
	rand.Read(random[:]) // never fails
	s := generatedSecret{Secret: base64.RawURLEncoding.EncodeToString(random[:]), User: user, Field: "Authorization", Name: now.Format("2006-01")}
	s.Env = "HOOK_SECRET_" + now.Format("2006_01")
	s.Value = s.Secret
	item := fmt.Sprintf(`{name: %s, value: "${env.%s}"}`, s.Name, s.Env)
	s.Policy = "auth:\n  - header: Authorization\n    secret:\n      - " + item + "\n"
	if user != "" {
		s.Value = "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+s.Secret))
		s.Policy = "auth:\n  - basic:\n      user: \"" + user + "\"\n      password:\n        - " + item + "\n"
	}
	return s
}

func (p *Program) printSecret(s generatedSecret, asJSON bool) error {
	if asJSON {
		text, _ := json.MarshalIndent(s, "", "  ") // its parts always can
		_, err := fmt.Fprintf(p.Stdout, "%s\n", text)
		return err
	}
	_, err := fmt.Fprintf(p.Stdout, `Enter in Okta's Admin Console, under Workflow > Inline Hooks or Event Hooks, in the hook:

  Authentication field     %s
  Authentication secret    %s

An event hook whose secret is changed must be verified again. Give tenterhook the secret, in its environment or, as
${file./path}, in a file:

  %s=%s

And write in the hook's policy, above a secret that is still in use:

%s`, s.Field, s.Value, s.Env, s.Secret, indent(s.Policy, "    "))
	return err
}

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}
