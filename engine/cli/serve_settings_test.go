package cli

import (
	"io"
	"strings"
	"testing"
)

// FuzzSettings reads any text as a configuration file without a panic.
func FuzzSettings(f *testing.F) {
	for _, seed := range []string{
		"listen: 127.0.0.1:8080\ndrain: 3s\nbehind-proxy: true\n", "# nothing\n", "", "lisen: x", "drain: [1]", "- a", "a: &x {b: *x}",
		"? listen\n: y", "!!binary listen: x", "listen: |\n  x\n", "{", "listen: ~", "a: b: c", "\t", "---\nlisten: a\n---\nlisten: b\n", "<<: {listen: x}", "x-a: &a [x]\nallow-from: *a\nlisten: *b", "allow-from: !0 a", "!0 listen: x", "allow-from: [!0 a]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > maxSettings {
			return
		}
		p := Program{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Env: func(string) (string, bool) { return "", false }}
		var wrong []error
		p.applyText(p.serve().Flags(), "config.yaml", []byte(text), &wrong)
	})
}
