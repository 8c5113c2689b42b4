package admin_test

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/engine/audit"
)

// auditActs are the recorded acts with their outcomes.
func (o *fixture) auditActs() (all []string) {
	o.t.Helper()
	n, err := audit.Read(o.auditFile, func(l audit.Line) error {
		all = append(all, fmt.Sprintf("%s %s %s by %s", l.Act.Act, l.Subject, l.Outcome, l.By))
		return nil
	})
	if err != nil || n.Fragments > 0 {
		o.t.Errorf("%+v, %v", n, err)
	}
	return all
}

// TestAudit: a change is recorded before it is made, and its result afterwards.
func TestAudit(t *testing.T) {
	o := newFixture(t)
	o.request("DELETE", "/v1/modules/none.wasm?x=1", "Bearer "+tokens.Publish)
	o.request("DELETE", "/v1/modules/none.wasm", "Bearer "+tokens.Read)
	o.request("DELETE", "/v1/modules/none.wasm", "Bearer other")
	want := []string{
		"DELETE /v1/modules/none.wasm x=1 begun by publish token", "DELETE /v1/modules/none.wasm x=1 refused by publish token",
		"DELETE /v1/modules/none.wasm  refused by read token",
	}
	if got := o.auditActs(); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestAuditOfAnyRequest: requests with hostile text keep the chain of the audit log valid.
func TestAuditOfAnyRequest(t *testing.T) {
	o := newFixture(t)
	asked := []string{
		"PUT /v1/modules/%ff.wasm", "POST /v1/events/drop?x=\xff\xc2\x9b", "PUT /v1/modules/" + strings.Repeat("&", 14000),
		"PUT /v1/modules/x%0a2026-11-23T00:00:00Z%20forged%1b%5b31m", "PUT /v1/modules/%e2%80%ae",
	}
	for _, line := range asked {
		c, err := net.Dial("tcp", strings.TrimPrefix(o.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: 0\r\n\r\n", line, tokens.Read)
		answer := make([]byte, 12)
		if _, err := c.Read(answer); err != nil || string(answer) != "HTTP/1.1 403" {
			t.Errorf("%.40s: %q, %v", line, answer, err)
		}
		c.Close()
	}
	got := o.auditActs() // an act is recorded before its answer leaves
	if len(got) != len(asked) {
		t.Fatalf("got %q", got)
	}
	for _, act := range got {
		if strings.ContainsFunc(act, func(r rune) bool { return r < ' ' || r > '~' && r != '…' }) {
			t.Errorf("got %q", act)
		}
	}
}

// TestAuditFails: a change that cannot be recorded is not made.
func TestAuditFails(t *testing.T) {
	o := newFixture(t)
	o.audit.Close()
	body := strings.NewReader(string(readModule(t, "stamp")))
	status, text, _ := o.send("PUT", "/v1/modules/a.wasm", tokens.Publish, body)
	if status != http.StatusServiceUnavailable || !strings.Contains(text, "audit log cannot be written") {
		t.Errorf("got %d %q", status, text)
	}
	if _, text, _ = o.request("GET", "/v1/modules", "Bearer "+tokens.Read); strings.Contains(text, "a.wasm") {
		t.Errorf("it was done: %s", text)
	}
	if status, _, _ = o.request("DELETE", "/v1/modules/a.wasm", "Bearer "+tokens.Read); status != http.StatusForbidden {
		t.Errorf("got %d", status)
	}
}
