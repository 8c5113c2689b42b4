package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
)

// TestHostileFiles loads files that cost a YAML parser minutes or overflow its stack: each is
// rejected before it is parsed.
func TestHostileFiles(t *testing.T) {
	times := strings.Repeat
	keys := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	n := func(all, least int) int { // the race detector makes them take long, and smaller ones are refused for the same
		if testing.Short() {
			return least
		}
		return all
	}
	tests := []struct{ name, vars, want string }{
		{"keys in lines", "\n" + keys("  k%d: v\n", n(70_000, 9_000)), "keys in one map"},
		{"keys in braces", "{" + keys("a%d: 1,", n(70_000, 9_000)) + "}", "keys in one map"},
		{"documents", times("\n---\na: b", n(90_000, 10_000)), "more than one document"},
		{"tags", "\n" + times("  - !a\n", n(90_000, 10_000)), "too many tags"},
		{"question marks", "\n" + times("  ? a\n  : b\n", n(60_000, 10_000)), "too many tags"},
		{"elements", "[" + times("a,", n(400_000, 160_000)) + "]", "too much for one file"},
		{"brackets", times("[", n(500_000, 50_000)), "too deep"},
		{"dashes", times("- ", n(400_000, 50_000)), "too deep"},
		{"anchors", times("&a ", n(300_000, 20_000)), "too deep"},
		{"bytes", times("x", 2<<20), "more than 1 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := folder.New(map[string][]byte{"policy.yaml": []byte("tenterhook: 1\nvars: " + tt.vars + "\n")})
			_, err := rules.Load(f, rules.Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want %q, got %.300v", tt.want, err)
			}
		})
	}
}
