// Tenterhook answers Okta's hooks by the rules of a policy folder.
package main

import (
	"os"

	"github.com/tenterhook/tenterhook/engine/cli"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

var version string // set by the linker

func main() {
	wasm.RunCompileChild() // in a child that compiles a module, all there is to do
	p := cli.Program{Version: version, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.LookupEnv}
	os.Exit(p.Main(os.Args[1:]))
}
