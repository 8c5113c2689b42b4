package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/tenterhook/tenterhook/engine/cli"
)

// TestExamples checks every example policy and runs its tests, as a reader does.
func TestExamples(t *testing.T) {
	dirs, err := filepath.Glob("../../examples/*")
	if err != nil || len(dirs) < 2 {
		t.Fatalf("examples: %v, %v", dirs, err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			for _, verb := range []string{"check", "test"} {
				var out bytes.Buffer
				p := cli.Program{Stdin: os.Stdin, Stdout: &out, Stderr: &out, Env: func(string) (string, bool) { return "", false }}
				if code := p.Main([]string{verb, dir}); code != 0 {
					t.Errorf("%s: exit code %d\n%s", verb, code, &out)
				}
			}
		})
	}
}
