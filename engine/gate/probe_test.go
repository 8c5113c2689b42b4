package gate_test

import (
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/engine/gate"
)

// TestProbe: the health path answers GET and HEAD without a secret, and opens nothing else.
func TestProbe(t *testing.T) {
	tests := []struct {
		name   string
		probe  string // Options.Probe
		first  string
		status int
	}{
		{"Get", "/healthz", "GET /healthz HTTP/1.1", 200},
		{"Query", "/healthz", "GET /healthz?from=platform HTTP/1.1", 200},
		{"Post", "/healthz", "POST /healthz HTTP/1.1", 404},
		{"OtherPath", "/healthz", "GET /healthz/ HTTP/1.1", 404},
		{"Disabled", "", "GET /healthz HTTP/1.1", 404},
		{"HookHasThePath", "/hooks/hook-a", "GET /hooks/hook-a HTTP/1.1", 405},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := startGate(t, policy, gate.Options{Probe: tt.probe}).dial()
			c.send(tt.first + "\r\nHost: platform\r\n\r\n")
			c.wantResponse(tt.status, "")
			if tt.status != 200 {
				c.wantClosed()
				return
			}
			if status, _, _ := c.send(validRequest(body)).readResponse(); status != 200 {
				t.Errorf("the next request got %d", status)
			}
		})
	}
	t.Run("Head", func(t *testing.T) {
		c := startGate(t, policy, gate.Options{Probe: "/healthz"}).dial()
		c.send("HEAD /healthz HTTP/1.0\r\n\r\n")
		if line, err := c.r.ReadString('\n'); err != nil || !strings.Contains(line, " 200 ") {
			t.Errorf("got %q, %v", line, err)
		}
	})
	t.Run("NoSet", func(t *testing.T) {
		c := startGate(t, "", gate.Options{Probe: "/healthz"}).dial()
		c.send("GET /healthz HTTP/1.1\r\nHost: platform\r\n\r\n").wantResponse(503, "")
	})
	t.Run("CannotStayForFree", func(t *testing.T) { // it is evicted like any unauthenticated connection
		g := startGate(t, policy, gate.Options{Probe: "/healthz", MaxConns: 1})
		probe := g.dial()
		probe.send("GET /healthz HTTP/1.1\r\nHost: platform\r\n\r\n").wantResponse(200, "")
		if status, _, _ := g.dial().send(validRequest(body)).readResponse(); status != 200 {
			t.Errorf("got %d", status)
		}
		probe.wantEnd()
	})
}
