// Tenterhook answers Okta's hooks with the rules of a policy folder.
package main

import (
	"os"

	"github.com/tenterhook/tenterhook/engine/cli"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

var version string // set by the linker

func main() {
	wasm.RunCompileChild() // does not return in a child process that compiles a module
	p := cli.Program{Version: version, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.LookupEnv}
	os.Exit(p.Main(os.Args[1:]))
}
