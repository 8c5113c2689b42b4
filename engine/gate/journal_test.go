package gate_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tenterhook/tenterhook/engine/gate"
)

// logBuffer collects log lines.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *logBuffer) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(text)
}

func (p *logBuffer) lines() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := bufio.NewScanner(bytes.NewReader(p.text.Bytes())); s.Scan(); {
		all = append(all, s.Text())
	}
	return all
}

// journalLines sends requests and returns the lines about them.
func journalLines(t *testing.T, asJSON bool, heads ...string) []string {
	t.Helper()
	var p logBuffer
	t.Run("Served", func(t *testing.T) {
		d := startGate(t, policy, gate.Options{Journal: gate.Journal{Writer: &p, JSON: asJSON}})
		for _, h := range heads {
			l := d.dial()
			l.send(h).readResponse()
			l.Close()
		}
	}) // closing the gate writes the pending lines
	return p.lines()
}

const callWithID = `{"eventType":"com.okta.user.pre-registration","eventId":"%s","data":{"userProfile":{"email":"ann@example.com"}}}`

func call(id string, extra ...string) string {
	body := fmt.Sprintf(callWithID, id)
	return requestHead(requestLine, append(extra, fmt.Sprintf("Content-Length: %d", len(body)))...) + body
}

func TestJournal(t *testing.T) {
	lines := journalLines(t, true,
		call("event-1", "X-Okta-Request-Id: reqv66CbCaCStGEFc8AdfS0ng"),
		call("event-1"),
		call(`odd \"id\"`, "X-Okta-Request-Id: <script>"),
		call("event-2", "Authorization: wrong"),
		strings.Replace(call("event-3"), "pre-registration", "pre-registratiom", 1),
	)
	if len(lines) != 4 { // none about an unauthenticated request: those are counted
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	var all []map[string]any
	for _, l := range lines {
		var one map[string]any
		if err := json.Unmarshal([]byte(l), &one); err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		if strings.Contains(l, "example.com") || strings.Contains(l, secret) {
			t.Errorf("a body or a secret is written: %s", l)
		}
		all = append(all, one)
	}
	first := all[0]
	for name, want := range map[string]any{"msg": "call", "hook": "hook-a", "request": "reqv66CbCaCStGEFc8AdfS0ng", "eventId": "event-1",
		"status": 200.0, "outcome": "answered", "repeat": false, "from": "127.0.0.1"} {
		if first[name] != want {
			t.Errorf("%s: got %v, want %v", name, first[name], want)
		}
	}
	if r := all[1]["request"].(string); all[1]["repeat"] != true || len(r) != 16 {
		t.Errorf("a repeat: %v", all[1])
	}
	if r := all[2]["request"].(string); all[2]["eventId"] != `odd "id"` || len(r) != 16 {
		t.Errorf("an odd name: %v", all[2])
	}
	if r := all[3]; r["outcome"] != "refused" || r["reason"] != "event_type" || r["status"] != 400.0 || r["hook"] != "hook-a" {
		t.Errorf("a refusal: %v", r)
	}
}

func TestJournalText(t *testing.T) {
	lines := journalLines(t, false, call("event-1", "X-Okta-Request-Id: r-1"), call(`a\tb`), requestHead(requestLine, "Content-Type: text/plain", "Content-Length: 2"))
	if len(lines) != 3 || !strings.Contains(lines[2], " outcome=refused reason=content_type repeat=false status=415 ") || !strings.Contains(lines[0], ` level=INFO msg=call request=r-1 hook=hook-a eventId=event-1 revision=`) || !strings.Contains(lines[0], ` rules=stamp outcome=`) ||
		!strings.Contains(lines[1], ` eventId="a\tb" revision=`) {
		t.Errorf("%q", lines)
	}
}

// TestRequestIDInJournal: Okta's id of the request is in the answer.
func TestRequestIDInJournal(t *testing.T) {
	d := startGate(t, policy, gate.Options{})
	_, body, _ := d.dial().send(call("event-1", "X-Okta-Request-Id: r-1")).readResponse()
	if !strings.Contains(body, `"tenterhook":{"request":"r-1","rules":["stamp"]}`) {
		t.Errorf("got %s", body)
	}
}
