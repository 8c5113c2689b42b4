package cli_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// hostileText contains terminal control sequences and direction changes.
const hostileText = "\x1b]0;pwned\x07\x1b[2J\u009b31m\u202eevil"

func isUnprintable(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }

// TestDoctorHostile examines an endpoint whose answers contain hostileText.
func TestDoctorHostile(t *testing.T) {
	answers := []string{
		"HTTP/1.1 302 Found\r\nLocation: https://x/" + hostileText + "\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 2" + hostileText + " OK\r\n\r\n",
		hostileText + "\r\n\r\n",
	}
	for _, answer := range answers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				io.WriteString(c, answer)
				c.(*net.TCPConn).CloseWrite()
				io.Copy(io.Discard, c)
				c.Close()
			}
		}()
		for _, how := range []string{"--json=false", "--json"} {
			code, out, _ := runProgram("doctor", "http://"+l.Addr().String(), "--type", "token", "--header", "Authorization: a-secret-of-mine", "--calls", "1", how)
			if code != 1 || out == "" || strings.ContainsFunc(out, isUnprintable) || strings.Contains(out, `u001b`) {
				t.Errorf("%s: %d, %q", how, code, out)
			}
		}
		l.Close()
		<-done
	}
}

// TestHeaderFromOutside: the error of an unset ${…} in a header names it, without the rest of the
// value.
func TestHeaderFromOutside(t *testing.T) {
	t.Setenv("EMPTY", "")
	for name, value := range map[string]string{"Empty": "${env.EMPTY}", "NoFile": "${file./nowhere}", "Open": "a-secret ${env.EMPTY"} {
		t.Run(name, func(t *testing.T) {
			code, _, errs := runProgram("send", "http://127.0.0.1:1", "--type", "token", "--header", "Authorization: "+value)
			if code != 2 || !strings.Contains(errs, "--header Authorization: ") || strings.Contains(errs, "a-secret") {
				t.Errorf("%d, %q", code, errs)
			}
		})
	}
}

// TestAuditHostile has a log whose valid lines contain text that imitates other lines.
func TestAuditHostile(t *testing.T) {
	dir := t.TempDir()
	line := `{"number":1,"time":"2026-11-23T00:00:00Z","act":"PUT /v1/\u000a2026-11-23T00:00:00Z forged\u001b[31m` + "\u202e" +
		`","by":"x\u000d","from":"\u001b","subject":"state=dead ok by \"publish token\"","outcome":"ok","detail":"` + "\u009b" + `31m"`
	line += fmt.Sprintf(",\"hash\":\"%x\"}\n", sha256.Sum256([]byte(line+"}")))
	if err := os.WriteFile(filepath.Join(dir, "audit.jsonl"), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := runProgram("audit", "--data", dir)
	const want = `2026-11-23T00:00:00Z PUT /v1/\n2026-11-23T00:00:00Z forged\x1b[31m\u202e "state=dead ok by \"publish token\"" ok by x\r from \x1b (\u009b31m)` + "\n"
	if code != 0 || !strings.HasPrefix(out, want) || strings.Count(out, "\n") != 2 {
		t.Errorf("%d, %q, %q", code, out, errs)
	}
}
