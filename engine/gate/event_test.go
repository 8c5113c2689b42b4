package gate_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/engine/gate"
)

var eventPolicy = `tenterhook: 1
hooks:
  - name: events
    type: event
    auth:
      - header: Authorization
        secret: ` + secret + `
    rules:
      - name: note
        on: user.session.start
        log: somebody is here
` + policyHook

// policyHook is the inline hook of policy, for a policy that also has an event hook.
var policyHook = strings.TrimPrefix(policy, "tenterhook: 1\nhooks:\n")

const getEvents = "GET /hooks/events HTTP/1.1"

func challenge(value string) string { return "+X-Okta-Verification-Challenge: " + value }

func TestChallenge(t *testing.T) {
	overTransports(t, outerTransports, func(t *testing.T, tr transport) {
		tests := []struct {
			name, head string
			status     int
			want       string
			ends       bool
		}{
			{"Echoed", requestHead(getEvents, challenge("abc-123")), 200, `{"verification":"abc-123"}`, false},
			{"Escaped", requestHead(getEvents, challenge(`a"b\c</script>`)), 200, "", false},
			{"Longest", requestHead(getEvents, challenge(strings.Repeat("x", 4096))), 200, `{"verification":"` + strings.Repeat("x", 4096) + `"}`, false},
			{"LengthZero", requestHead(getEvents, challenge("abc"), "Content-Length: 0"), 200, `{"verification":"abc"}`, false},
			{"TooLong", requestHead(getEvents, challenge(strings.Repeat("x", 4097))), 400, `{"error":"challenge"}`, true},
			{"Missing", requestHead(getEvents), 400, `{"error":"challenge"}`, true},
			{"Empty", requestHead(getEvents, challenge("")), 400, `{"error":"challenge"}`, true},
			{"Twice", requestHead(getEvents, challenge("a"), challenge("a")), 400, `{"error":"challenge"}`, true},
			{"NotASCII", requestHead(getEvents, challenge("\xc3\xa9")), 400, `{"error":"challenge"}`, true},
			{"WrongSecret", requestHead(getEvents, challenge("abc"), "Authorization: x"), 401, "", true},
			{"WithABody", requestHead(getEvents, challenge("abc"), "Content-Length: 5") + "hello", 400, "", true},
			{"WithChunks", requestHead(getEvents, challenge("abc"), "Transfer-Encoding: chunked") + "0\r\n\r\n", 400, "", true},
			{"InlineHook", requestHead("GET /hooks/hook-a HTTP/1.1", challenge("abc")), 405, "", true},
			{"Head", requestHead("HEAD /hooks/events HTTP/1.1", challenge("abc")), 405, "", true},
		}
		d := tr.startGate(t, eventPolicy, gate.Options{})
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				l := d.dial()
				l.t = t
				l.send(tt.head)
				if tt.ends {
					l.wantResponse(tt.status, tt.want)
					l.wantClosed()
					return
				}
				status, text, h := l.readResponse()
				if !json.Valid([]byte(text)) || status != tt.status || tt.want != "" && text != tt.want || h.Get("Content-Type") != "application/json" {
					t.Errorf("got %d %q %v", status, text, h)
				}
				if status, text, _ := l.send(requestHead(getEvents, challenge("again"))).readResponse(); status != 200 || text != `{"verification":"again"}` {
					t.Errorf("the next on the connection got %d %q", status, text)
				}
			})
		}
	})
}

// event is a whole request with a delivery.
func event(text string) string {
	return requestHead("POST /hooks/events HTTP/1.1", fmt.Sprint("Content-Length: ", len(text))) + text
}

func envelope(id string, events ...string) string {
	return fmt.Sprintf(`{"eventType":"com.okta.event_hook","eventId":%q,"data":{"events":[%s]}}`, id, strings.Join(events, ","))
}

func TestDelivery(t *testing.T) {
	overTransports(t, outerTransports, func(t *testing.T, tr transport) {
		large := strings.Repeat(" ", 2<<20)
		tests := []struct {
			name, text string
			status     int
			want       string
		}{
			{"Recorded", event(envelope("d1", `{"uuid":"a"}`, `{"uuid":"b"}`)), 200, ""},
			{"Again", event(envelope("d1", `{"uuid":"a"}`, `{"uuid":"b"}`)), 200, ""},
			{"OneBadEvent", event(envelope("d2", `{"uuid":"c"}`, `1`)), 200, ""},
			{"Large", event(envelope("d3", `{"uuid":"d"}`) + large), 200, ""},
			{"None", event(envelope("d4")), 200, ""},
			{"NoEvents", event(`{"eventType":"com.okta.event_hook"}`), 200, ""},
			{"TooMany", event(envelope("d5", strings.Repeat("{},", 5000)+"{}")), 200, ""},
			{"NotJSON", event(`{"eventType":`), 200, ""},
			{"NotJSONAgain", event(`{"eventType":`), 200, ""},
			{"LoneSurrogate", event(envelope("d6", `{"uuid":"e","name":"\ud83d"}`, `{"uuid":"f"}`)), 200, ""},
			{"MemberTwice", event(envelope("d7", `{"uuid":"g","uuid":"g"}`)), 200, ""},
			{"MemberTwiceOfOtherType", event(`{"eventType":"com.okta.saml.tokens.transform","a":1,"a":2}`), 400, `{"error":"event_type"}`},
			{"InlineCall", event(body), 400, `{"error":"event_type"}`},
		}
		d := tr.startGate(t, eventPolicy, gate.Options{})
		l := d.dial()
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				l.t = t
				if status, text, _ := l.send(tt.text).readResponse(); status != tt.status || text != tt.want {
					t.Errorf("got %d %q", status, text)
				}
			})
		}
		if s := d.ledger.Stats(); s.Accepted != 11 { // four of them are kept whole
			t.Errorf("%d events recorded, want 11", s.Accepted)
		}
		l = d.dial().send(requestHead("POST /hooks/events HTTP/1.1", "Content-Length: 4194305"))
		l.wantResponse(413, `{"error":"body_too_large"}`)
		l = d.dial().send(requestHead("PUT /hooks/events HTTP/1.1", "Content-Length: 1"))
		if status, _, h := l.readResponse(); status != 405 || h.Get("Allow") != "GET, POST" {
			t.Errorf("got %d %v", status, h)
		}
	})
}

// TestNotRecorded: a delivery that cannot be made durable gets 503, so that Okta repeats it. Inline
// hooks are not affected.
func TestNotRecorded(t *testing.T) {
	d := startGate(t, eventPolicy, gate.Options{})
	d.ledger.Close()
	l := d.dial()
	for range 2 {
		if status, text, _ := l.send(event(envelope("d1", `{"uuid":"a"}`))).readResponse(); status != 503 || text != "" {
			t.Errorf("got %d %q", status, text)
		}
	}
	if status, _, _ := l.send(validRequest(body)).readResponse(); status != 200 {
		t.Errorf("an inline call got %d", status)
	}
}
