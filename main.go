// Tenterhook answers Okta's hooks by the rules of a policy folder.
package main

import (
	"os"

	"github.com/tenterhook/tenterhook/engine/cli"
)

var version string // set by the linker

func main() {
	p := cli.Program{Version: version, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.LookupEnv}
	os.Exit(p.Main(os.Args[1:]))
}
