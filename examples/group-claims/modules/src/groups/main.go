// Groups makes a claim of group names. It is a Tenterhook module:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' \
//		-o modules/groups.wasm ./modules/src/groups
package main

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/go/rule"
)

func init() { rule.RegisterWith(groups) }

func main() {}

// Settings is the rule's `with`.
type Settings struct {
	Prefix     string   // of the groups to use
	Claim      string   // name of the claim
	Most       int      // largest number of applications in a token
	Privileged []string // roles that shorten the access token's lifetime
	Lifetime   int      // of those access tokens, in seconds
}

// Validate checks the settings against Okta's limits.
func (s Settings) Validate() error {
	switch {
	case s.Prefix == "" || s.Claim == "":
		return errors.New("want a prefix and a claim")
	case len(s.Privileged) > 0 && (s.Lifetime < 300 || s.Lifetime > 86400):
		return errors.New("lifetime: want 300 to 86400 seconds")
	}
	return nil
}

// groups turns app:wiki:editor into {"wiki": ["editor"]}.
func groups(e rule.Event, with Settings, d *rule.Draft) error {
	roles := make(map[string][]string)
	powerful := false
	for _, group := range e.Texts("/data/identity/claims/groups") {
		name, ok := strings.CutPrefix(group, with.Prefix)
		application, role, both := strings.Cut(name, ":")
		if !ok || !both || application == "" || role == "" {
			continue
		}
		roles[application] = append(roles[application], role)
		powerful = powerful || slices.Contains(with.Privileged, role)
	}
	if len(roles) == 0 {
		return nil
	}
	claim := make(map[string]any)
	for i, application := range slices.Sorted(maps.Keys(roles)) {
		if i == with.Most {
			d.Debug("applications_left_out", len(roles)-with.Most)
			break
		}
		slices.Sort(roles[application])
		claim[application] = slices.Compact(roles[application])
	}
	d.Claim(rule.ID, with.Claim, claim)
	d.Claim(rule.Access, with.Claim, claim)
	if powerful {
		d.Lifetime(rule.Access, with.Lifetime)
	}
	return nil
}
