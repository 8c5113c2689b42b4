package cli_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAuditHostile has a log with lines that are well sealed, and say what would forge others.
func TestAuditHostile(t *testing.T) {
	dir := t.TempDir()
	line := `{"number":1,"time":"2026-11-23T00:00:00Z","act":"PUT /v1/\u000a2026-11-23T00:00:00Z forged\u001b[31m` + "\u202e" +
		`","by":"x\u000d","from":"\u001b","subject":"state=dead ok by \"publish token\"","outcome":"ok","detail":"` + "\u009b" + `31m"`
	line += fmt.Sprintf(",\"hash\":\"%x\"}\n", sha256.Sum256([]byte(line+"}")))
	if err := os.WriteFile(filepath.Join(dir, "audit.jsonl"), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := program("audit", "--data", dir)
	const want = `2026-11-23T00:00:00Z PUT /v1/\n2026-11-23T00:00:00Z forged\x1b[31m\u202e "state=dead ok by \"publish token\"" ok by x\r from \x1b (\u009b31m)` + "\n"
	if code != 0 || !strings.HasPrefix(out, want) || strings.Count(out, "\n") != 2 {
		t.Errorf("%d, %q, %q", code, out, errs)
	}
}
