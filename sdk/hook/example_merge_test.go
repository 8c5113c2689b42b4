package hook_test

import (
	"fmt"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/jsondoc"
)

// Two rules patch the token of one sign-in. The second patch would make Okta drop the first one
// too, so it is rejected.
func ExampleMerge() {
	var doc jsondoc.Doc
	if err := doc.Parse([]byte(`{"data":{"access":{"claims":{"sub":"ada@example.com"}}}}`), jsondoc.Limits{}); err != nil {
		panic(err)
	}
	var m hook.Merge
	m.Begin(hook.Event{Call: &hook.Call{Type: hook.Token, Doc: &doc}, Node: doc.Root()})

	for _, rule := range []struct{ name, draft string }{
		{"tier", `{"commands": [{"type": "com.okta.access.patch", "value": [{"op": "add", "path": "/claims/tier", "value": "gold"}]}]}`},
		{"role", `{"commands": [{"type": "com.okta.access.patch", "value": [{"op": "replace", "path": "/claims/role", "value": "user"}]}]}`},
	} {
		if err := m.Add(rule.name, &hook.Draft{JSON: []byte(rule.draft)}); err != nil {
			fmt.Printf("%s: %v\n", rule.name, err)
		}
	}
	answer, err := m.Render()
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", answer)
	// Output:
	// role: commands[0].value[0].path: replace of "/claims/role", which is not there in this call: Okta would drop the whole patch
	// {"commands":[{"type":"com.okta.access.patch","value":[{"op":"add","path":"/claims/tier","value":"gold"}]}]}
}

func ExampleCheckDraft() {
	draft := &hook.Draft{JSON: []byte(`{"commands":[{"type":"com.action.update","value":{"registration":"DENY"}}]}`)}
	for _, problem := range hook.CheckDraft(hook.Registration, draft) {
		fmt.Println(problem)
	}
	// Output: commands[0].type: unknown command "com.action.update", did you mean com.okta.action.update?
}
