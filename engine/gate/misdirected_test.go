package gate_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/engine/gate"
)

// TestMisdirected: a call with the right secret and a wrong path or method is logged once, and
// others are not.
func TestMisdirected(t *testing.T) {
	const length = "Content-Length: 0"
	tests := []struct {
		name, head string
		status     int
		log        string // of the line; empty: none
	}{
		{"TrailingSlash", requestHead("POST /hooks/hook-a/ HTTP/1.1", length), 404, `hook=hook-a reason=unknown_path method=POST path=/hooks/hook-a/ want="POST /hooks/hook-a"`},
		{"OtherPath", requestHead("POST /hook HTTP/1.1", length), 404, "reason=unknown_path method=POST path=/hook want="},
		{"SchemeInLowerCase", requestHead("POST /hook HTTP/1.1", length, "Authorization: b"+secret[1:]), 404, "reason=unknown_path"},
		{"Method", requestHead("GET /hooks/hook-a HTTP/1.1"), 405, "hook=hook-a reason=method method=GET path=/hooks/hook-a"},
		{"WrongSecret", requestHead("POST /hook HTTP/1.1", length, "Authorization: x"), 404, ""},
		{"WrongSecretAndMethod", requestHead("GET /hooks/hook-a HTTP/1.1", "Authorization: x"), 405, ""},
		{"NoSecret", requestHead("POST /hook HTTP/1.1", length, "Authorization: "), 404, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log logBuffer
			g := startGate(t, policy, gate.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			for range 2 {
				g.dial().send(tt.head).wantResponse(tt.status, "")
			}
			lines := log.lines()
			if tt.log == "" {
				if len(lines) > 0 {
					t.Errorf("logged %q", lines)
				}
				return
			}
			if len(lines) != 1 || !strings.Contains(lines[0], tt.log) || strings.Contains(lines[0], "0123456789") {
				t.Errorf("logged %q, want one line with %q", lines, tt.log)
			}
		})
	}
}

// TestMissingScheme: the log says when only the scheme of a right secret is missing.
func TestMissingScheme(t *testing.T) {
	var log logBuffer
	g := startGate(t, policy, gate.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	bare := strings.TrimPrefix(secret, "Bearer ")
	g.dial().send(requestHead(requestLine, "Authorization: "+bare, fmt.Sprint("Content-Length: ", len(body)))).wantResponse(401, "")
	if text := strings.Join(log.lines(), "\n"); !strings.Contains(text, "Authorization has to begin with Bearer and a space") || strings.Contains(text, bare) {
		t.Errorf("logged %s", text)
	}
}
