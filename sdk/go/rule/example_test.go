package rule_test

import (
	"fmt"
	"strings"

	"github.com/tenterhook/tenterhook/sdk/go/rule"
)

// In a module the function is registered in init; a test then only runs Samples.
func ExampleRegister() {
	rule.Register(func(e rule.Event, d *rule.Draft) error {
		email, ok := e.Text("/data/userProfile/email")
		if !ok || e.In("blocked", strings.ToLower(email)) {
			d.Deny("Sign up with another address.", "data.userProfile.email")
			return nil
		}
		d.Profile("userType", "partner")
		return nil
	})

	draft, err := rule.Sample{
		Event:  `{"data": {"userProfile": {"email": "ada@example.com"}}}`,
		Tables: map[string]map[string]string{"blocked": {"eve@example.com": "true"}},
	}.Run()
	fmt.Println(draft)
	fmt.Println(err)
	// Output: {"commands":[{"type":"com.okta.user.profile.update","value":{"userType":"partner"}}]}
	// <nil>
}

// The rule's `with` in the policy becomes a struct, decoded and validated when the policy is
// loaded.
func ExampleRegisterWith() {
	type Settings struct {
		Prefix string
	}
	rule.RegisterWith(func(e rule.Event, with Settings, d *rule.Draft) error {
		var apps []string
		for _, group := range e.Texts("/data/identity/claims/groups") {
			if app, ok := strings.CutPrefix(group, with.Prefix); ok {
				apps = append(apps, app)
			}
		}
		d.Claim(rule.ID, "apps", apps)
		return nil
	})

	draft, err := rule.Sample{
		Event: `{"data": {"identity": {"claims": {"groups": ["app:crm", "staff", "app:wiki"]}}}}`,
		With:  `{"prefix": "app:"}`,
	}.Run()
	fmt.Println(draft)
	fmt.Println(err)
	// Output:
	// {"commands":[{"type":"com.okta.identity.patch","value":[{"op":"add","path":"/claims/apps","value":["crm","wiki"]}]}]}
	// <nil>
}

// Check the kind of a value that may have several types. Objects can be decoded.
func ExampleValue_Decode() {
	rule.Register(func(e rule.Event, d *rule.Draft) error {
		var user struct{ FirstName, LastName string }
		if err := e.Value("/data/appUser/profile").Decode(&user); err != nil {
			return err
		}
		d.Profile("displayName", user.LastName+", "+user.FirstName)
		return nil
	})

	draft, err := rule.Sample{Event: `{"data": {"appUser": {"profile": {"firstName": "Sally", "lastName": "Ride"}}}}`}.Run()
	fmt.Println(draft)
	fmt.Println(err)
	// Output: {"commands":[{"type":"com.okta.user.profile.update","value":{"displayName":"Ride, Sally"}}]}
	// <nil>
}
