package suite_test

import (
	"fmt"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/rules/suite"
)

func ExampleRun() {
	folder := folder.New(map[string][]byte{
		"policy.yaml": []byte(`tenterhook: 1
hooks:
  - name: signup
    type: registration
    auth: none
    rules:
      - {name: stamp, profile: {userType: partner}}
`),
		"policy_test.yaml": []byte(`tests:
  - name: everybody is stamped
    hook: signup
    input: {sample: registration}
    expect: {rules: [stamp]}
`)})
	set, err := rules.Load(folder, rules.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer set.Close()
	report, err := suite.Run(folder, set, suite.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Passed, "passed,", report.Failed, "failed")
	// Output: 1 passed, 0 failed
}
