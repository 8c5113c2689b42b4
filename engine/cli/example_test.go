package cli_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tenterhook/tenterhook/engine/cli"
)

// One decision of a policy, as "tenterhook run" makes it.
func ExampleProgram_Main() {
	dir, err := os.MkdirTemp("", "policy")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	text := "tenterhook: 1\nhooks: [{name: signup, type: registration, auth: none, rules: [{name: stamp, profile: {division: sales}}]}]\n"
	if err := os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(text), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	p := cli.Program{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.LookupEnv}
	fmt.Println("exit code", p.Main([]string{"run", dir, "--hook", "signup"}))
	// Output:
	// {"commands":[{"type":"com.okta.user.profile.update","value":{"division":"sales"}}]}
	// exit code 0
}
