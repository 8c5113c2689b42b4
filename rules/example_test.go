package rules_test

import (
	"fmt"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

func Example() {
	folder := folder.New(map[string][]byte{"policy.yaml": []byte(`
tenterhook: 1
hooks:
  - name: signup
    type: registration
    auth: none
    rules:
      - name: company addresses only
        when: domain(data.userProfile.email) != 'example.com'
        deny: Use your company e-mail address.
        at: data.userProfile.email
`)})
	set, err := rules.Load(folder, rules.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer set.Close()
	var doc jsondoc.Doc
	if err := doc.Parse([]byte(`{"data":{"userProfile":{"email":"eve@gmail.example"}}}`), jsondoc.Limits{}); err != nil {
		fmt.Println(err)
		return
	}
	var d rules.Decision
	set.Hook("signup").Decide(&hook.Call{Type: hook.Registration, Doc: &doc}, &d)
	fmt.Println(d.Outcome)
	// Output: denied
}

func ExampleProblems() {
	folder := folder.New(map[string][]byte{"policy.yaml": []byte(`tenterhook: 1
hooks:
  - name: signup
    type: registration
    auth: none
    rules:
      - name: no robots
        when: data.userProfil.email == 'robot@example.com'
        missing: skip
        denny: No robots.
`)})
	_, err := rules.Load(folder, rules.Options{})
	fmt.Println(err)
	// Output:
	// policy.yaml:5:11: warning: anybody may call this hook: it is served on loopback only
	//     5 |     auth: none
	//       |           ^
	// policy.yaml:8:20: unknown field userProfil, did you mean userProfile?
	//     8 |         when: data.userProfil.email == 'robot@example.com'
	//       |                    ^
	// policy.yaml:10:9: unknown key "denny" in a rule, did you mean "deny"?
	//    10 |         denny: No robots.
	//       |         ^
}
