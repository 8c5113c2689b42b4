package gate_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/tenterhook/tenterhook/engine/gate"
)

func TestAnswer(t *testing.T) {
	overTransports(t, outerTransports, func(t *testing.T, tr transport) {
		d := tr.startGate(t, policy, gate.Options{})
		status, text, h := d.dial().send(validRequest(body)).readResponse()
		if status != 200 || !strings.HasPrefix(text, `{"commands":[`) || h.Get("Content-Type") != "application/json" ||
			h.Get("Content-Length") != fmt.Sprint(len(text)) || h.Get("Connection") != "" {
			t.Errorf("got %d %q %v", status, text, h)
		}
	})
}

// TestRejectedHead: some requests are rejected because of their head alone. The answer comes and
// the connection ends, although the announced body never follows.
func TestRejectedHead(t *testing.T) {
	overTransports(t, allTransports, func(t *testing.T, tr transport) {
		const length = "Content-Length: 100"
		tests := []struct {
			name   string
			head   string
			status int
			told   string
		}{
			{"UnknownPath", requestHead("POST /hooks/hook-b HTTP/1.1", length), 404, ""},
			{"PathIsExact", requestHead("POST /hooks/./hook-a HTTP/1.1", length), 404, ""},
			{"PathIsNotUnescaped", requestHead("POST /hooks/hook%2Da HTTP/1.1", length), 404, ""},
			{"Get", requestHead("GET /hooks/hook-a HTTP/1.1"), 405, ""},
			{"Put", requestHead("PUT /hooks/hook-a HTTP/1.1", length), 405, ""},
			{"Head", requestHead("HEAD /hooks/hook-a HTTP/1.1"), 405, ""},
			{"WrongSecret", requestHead(requestLine, "Authorization: "+secret+"x", length), 401, ""},
			{"SecretWithoutScheme", requestHead(requestLine, "Authorization: "+strings.TrimPrefix(secret, "Bearer "), length), 401, ""},
			{"NoSecret", requestHead(requestLine, "Authorization: ", length), 401, ""},
			{"NoHeader", strings.Replace(requestHead(requestLine, length), "Authorization", "Authorisation", 1), 401, ""},
			{"TwoSecrets", requestHead(requestLine, "+Authorization: x", length), 401, ""},
			{"TwiceTheSecret", requestHead(requestLine, "+Authorization: "+secret, length), 401, ""},
			{"SecretBeforeSize", requestHead(requestLine, "Authorization: x", "Content-Length: 100000000"), 401, ""},
			{"SecretBeforeType", requestHead(requestLine, "Authorization: x", "Content-Type: text/plain", length), 401, ""},
			{"SecretBeforeChunks", requestHead(requestLine, "Authorization: x", "Transfer-Encoding: chunked"), 401, ""},
			{"SecretBeforeContinue", requestHead(requestLine, "Authorization: x", "Expect: 100-continue", length), 401, ""},
			{"SecretBeforeOneByte", requestHead(requestLine, "Authorization: x", "Content-Length: 1"), 401, ""},
			{"NoLength", requestHead(requestLine), 411, `{"error":"length_required"}`},
			{"TooLarge", requestHead(requestLine, "Content-Length: 1048577"), 200, failureAnswer},
			{"TooLargeContinue", requestHead(requestLine, "Content-Length: 1048577", "Expect: 100-continue"), 200, failureAnswer},
			{"NotJSONType", requestHead(requestLine, "Content-Type: text/plain", length), 415, `{"error":"content_type"}`},
			{"NoType", strings.Replace(requestHead(requestLine, length), "Content-Type", "X-Type", 1), 415, `{"error":"content_type"}`},
			{"Multipart", requestHead(requestLine, "Content-Type: multipart/form-data; boundary=x", length), 415, `{"error":"content_type"}`},
			{"TwoTypes", requestHead(requestLine, "+Content-Type: application/json", length), 400, ""},
			{"Gzip", requestHead(requestLine, "Content-Encoding: gzip", length), 415, `{"error":"content_encoding"}`},
			{"LengthAndChunks", requestHead(requestLine, length, "Transfer-Encoding: chunked"), 400, ""},
			{"TwoLengths", requestHead(requestLine, length, "+Content-Length: 100"), 400, ""},
			{"NegativeLength", requestHead(requestLine, "Content-Length: -1"), 400, ""},
			{"SignedLength", requestHead(requestLine, "Content-Length: +5"), 400, ""},
			{"UnknownTransferEncoding", requestHead(requestLine, "Transfer-Encoding: gzip, chunked"), 400, ""},
			{"TwoHosts", requestHead(requestLine, "+Host: other.example.com", length), 400, ""},
			{"FoldedLine", requestHead(requestLine, "X-A: 1\r\n  2", length), 400, ""},
			{"SpaceBeforeColon", requestHead(requestLine, "Content-Type : application/json", length), 400, ""},
			{"NoColon", requestHead(requestLine, "nonsense", length), 400, ""},
			{"NotHTTP", "hello\r\n\r\n", 400, ""},
			{"HeadTooLarge", requestHead(requestLine, "X-A: "+strings.Repeat("x", 20_000)), 431, ""},
		}
		d := tr.startGate(t, policy, gate.Options{})
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				l := d.dial()
				l.t = t
				l.send(tt.head)
				l.wantResponse(tt.status, tt.told)
				l.wantClosed()
			})
		}
	})
}

// TestRejectedBody: some requests are rejected because of their body, or get the failure answer. If
// the body was read to its end, the connection stays open.
func TestRejectedBody(t *testing.T) {
	overTransports(t, outerTransports, func(t *testing.T, tr transport) {
		large := strings.Repeat(" ", 1<<20)
		tests := []struct {
			name   string
			text   string
			status int
			told   string
			ends   bool
		}{
			{"NotJSON", validRequest("hello"), 200, failureAnswer, false},
			{"Empty", validRequest(""), 200, failureAnswer, false},
			{"MemberTwice", validRequest(`{"eventType":"com.okta.user.pre-registration","eventType":"com.okta.user.pre-registration"}`), 200, failureAnswer, false},
			{"MemberTwiceOfOtherType", validRequest(`{"eventType":"com.okta.saml.tokens.transform","a":1,"a":2}`), 400, `{"error":"event_type"}`, false},
			{"LoneSurrogate", validRequest(strings.Replace(body, "ann@", `\ud83d@`, 1)), 200, failureAnswer, false},
			{"BadUTF8", validRequest(strings.Replace(body, "ann@", "\xff@", 1)), 200, failureAnswer, false},
			{"TooDeep", validRequest(strings.Replace(body, `"ann@example.com"`, strings.Repeat("[", 70)+strings.Repeat("]", 70), 1)), 200, failureAnswer, false},
			{"OtherType", validRequest(`{"eventType":"com.okta.saml.tokens.transform"}`), 400, `{"error":"event_type"}`, false},
			{"NoType", validRequest(`{}`), 400, `{"error":"event_type"}`, false},
			{"NotAnObject", validRequest(`["eventType"]`), 400, `{"error":"event_type"}`, false},
			{"ChunksTooLarge", requestHead(requestLine, "Transfer-Encoding: chunked") + "100000\r\n" + large + "\r\n1\r\n \r\n0\r\n\r\n", 200, failureAnswer, true},
			{"ChunkTooLarge", requestHead(requestLine, "Transfer-Encoding: chunked") + "fffffff\r\n", 200, failureAnswer, true},
			{"BrokenChunk", requestHead(requestLine, "Transfer-Encoding: chunked") + "5\r\nhelloworld\r\n0\r\n\r\n", 400, "", true},
			{"NoChunk", requestHead(requestLine, "Transfer-Encoding: chunked") + "zz\r\n", 400, "", true},
		}
		d := tr.startGate(t, policy, gate.Options{})
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				l := d.dial()
				l.t = t
				l.send(tt.text)
				l.wantResponse(tt.status, tt.told)
				if tt.ends {
					l.wantClosed()
					return
				}
				if status, _, _ := l.send(validRequest(body)).readResponse(); status != 200 {
					t.Errorf("the next request got %d", status)
				}
			})
		}
	})
}

func TestAdmittedRequests(t *testing.T) {
	overTransports(t, outerTransports, func(t *testing.T, tr transport) {
		length := fmt.Sprint("Content-Length: ", len(body))
		chunks := fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", 10, body[:10], len(body)-10, body[10:])
		tests := []struct{ name, text string }{
			{"Parameters", requestHead(requestLine, "Content-Type: application/json; charset=utf-8", length) + body},
			{"AnyCase", strings.Replace(requestHead(requestLine, "Content-Type: Application/JSON ;x=y", length), "Authorization", "aUTHORIZATION", 1) + body},
			{"Query", requestHead("POST /hooks/hook-a?from=okta HTTP/1.1", length) + body},
			{"Identity", requestHead(requestLine, "Content-Encoding: identity", length) + body},
			{"Chunked", requestHead(requestLine, "Transfer-Encoding: chunked") + chunks},
			{"LargestBody", validRequest(body + strings.Repeat(" ", 1<<20-len(body)))},
			{"NoSpaceAfterColon", strings.ReplaceAll(requestHead(requestLine, length), ": ", ":") + body},
		}
		d := tr.startGate(t, policy, gate.Options{})
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				l := d.dial()
				l.t = t
				for range 2 { // the second shows that no byte of the first is left
					if status, text, _ := l.send(tt.text).readResponse(); status != 200 {
						t.Fatalf("got %d %q", status, text)
					}
				}
			})
		}
	})
}

func TestContinue(t *testing.T) {
	overTransports(t, outerTransports, func(t *testing.T, tr transport) {
		d := tr.startGate(t, policy, gate.Options{})
		if status, _, _ := d.dial().sendHead(body).send(body).readResponse(); status != 200 {
			t.Errorf("got %d", status)
		}
	})
}

func TestAllow(t *testing.T) {
	d := startGate(t, policy, gate.Options{})
	if _, _, h := d.dial().send(requestHead("GET /hooks/hook-a HTTP/1.1")).readResponse(); h.Get("Allow") != "POST" {
		t.Errorf("Allow %q", h.Get("Allow"))
	}
}

// TestSmuggled sends a second request inside the body of a rejected one. It is not answered.
func TestSmuggled(t *testing.T) {
	overTransports(t, outerTransports, func(t *testing.T, tr transport) {
		hidden := validRequest(body)
		for _, first := range []string{
			requestHead(requestLine, "Authorization: x", fmt.Sprint("Content-Length: ", len(hidden))),
			requestHead(requestLine, "Authorization: x", "Content-Length: 0"),
			requestHead(requestLine, "Authorization: x", "Content-Length: 1"),
			requestHead(requestLine, "Authorization: x", "Transfer-Encoding: chunked"),
			requestHead(requestLine, "Authorization: x", "Expect: 100-continue", "Content-Length: 5"),
			requestHead(requestLine, "Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n",
			requestHead("GET /hooks/hook-a HTTP/1.1"),
		} {
			d := tr.startGate(t, policy, gate.Options{})
			l := d.dial().send(first + hidden)
			if status, _, _ := l.readResponse(); status < 400 {
				t.Errorf("%q got %d", first, status)
			}
			l.wantClosed()
			if n := d.engine.Status().Hooks[0].Calls["answered"]; n != 0 {
				t.Errorf("%q smuggled %d calls", first, n)
			}
		}
	})
}

func TestPipelined(t *testing.T) {
	overTransports(t, allTransports, func(t *testing.T, tr transport) {
		d := tr.startGate(t, policy, gate.Options{})
		l := d.dial()
		const n = 20
		l.send(strings.Repeat(validRequest(body), n))
		for i := range n {
			if status, _, _ := l.readResponse(); status != 200 {
				t.Fatalf("%d: got %d", i, status)
			}
		}
	})
}

func TestNoSet(t *testing.T) {
	d := startGate(t, "", gate.Options{})
	l := d.dial().send(validRequest(body))
	l.wantResponse(503, "")
	l.wantClosed()
	d.engine.Swap(mustLoad(t, policy))
	if status, _, _ := d.dial().send(validRequest(body)).readResponse(); status != 200 {
		t.Errorf("got %d", status)
	}
}

func TestReadTimeout(t *testing.T) {
	overTransports(t, allTransports, func(t *testing.T, tr transport) {
		tests := []struct{ name, text string }{
			{"Head", "POST /hooks/hook-a HTTP/1.1\r\nHost: x\r\n"},
			{"Body", requestHead(requestLine, "Content-Length: 100") + "{"},
			{"Chunks", requestHead(requestLine, "Transfer-Encoding: chunked") + "5\r\n"},
		}
		d := tr.startGate(t, policy, gate.Options{Read: time.Second})
		var lines []*testConn // all wait at the same time
		for _, tt := range tests {
			for _, before := range []string{"", validRequest(body)} { // on a new connection, and on a used one
				l := d.dial()
				if before != "" {
					l.send(before).readResponse()
				}
				lines = append(lines, l.send(tt.text))
			}
		}
		for i, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				for _, l := range lines[2*i : 2*i+2] {
					l.t = t
					l.wantResponse(408, "")
					l.wantClosed()
				}
			})
		}
	})
}

// TestSwapDuringBody: the Set that admits a call also decides on it. The next Set applies to the
// next call.
func TestSwapDuringBody(t *testing.T) {
	overTransports(t, outerTransports, func(t *testing.T, tr transport) {
		tests := []struct {
			name string
			next string
			then int // status of the next call
		}{
			{"SameSecret", strings.Replace(policy, "stamp", "seal", 1), 200},
			{"OtherSecret", strings.Replace(policy, "secret: Bearer 0", "secret: Bearer 1", 1), 401},
			{"HookIsGone", strings.Replace(policy, "hook-a", "hook-b", 1), 404},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				d := tr.startGate(t, policy, gate.Options{Read: testTimeout})
				l := d.dial().sendHead(body) // it is admitted
				l.send(body[:len(body)-1])
				d.engine.Swap(mustLoad(t, tt.next))
				if status, text, _ := l.send(body[len(body)-1:]).readResponse(); status != 200 || !strings.Contains(text, "sales") {
					t.Errorf("got %d %q", status, text)
				}
				if status, _, _ := d.dial().send(validRequest(body)).readResponse(); status != tt.then {
					t.Errorf("afterwards: got %d, want %d", status, tt.then)
				}
			})
		}
	})
}

// TestSlowBodyUsesBudget sends a body after the call's deadline: no rule runs.
func TestSlowBodyUsesBudget(t *testing.T) {
	overTransports(t, slowTransports(), func(t *testing.T, tr transport) {
		d := tr.startGate(t, policy, gate.Options{Read: testTimeout})
		l := d.dial()
		whole := validRequest(body)
		l.send(whole[:len(whole)-1])
		time.Sleep(2100 * time.Millisecond)
		l.send(whole[len(whole)-1:])
		if status, text, _ := l.readResponse(); status != 200 || !strings.Contains(text, "DENY") {
			t.Errorf("got %d %q, want the failure answer", status, text)
		}
		l.send(whole).readResponse()
		if calls := d.engine.Status().Hooks[0].Calls; calls["late"] != 1 || calls["answered"] != 1 {
			t.Errorf("got %v", calls)
		}
	})
}

func TestIdle(t *testing.T) {
	overTransports(t, outerTransports, func(t *testing.T, tr transport) {
		d := tr.startGate(t, policy, gate.Options{FirstBytes: 50 * time.Millisecond, Idle: time.Hour})
		d.dial().wantClosed() // it sent no request, and gets no answer
		d = tr.startGate(t, policy, gate.Options{FirstBytes: time.Hour, Idle: 100 * time.Millisecond})
		l := d.dial()
		l.send(validRequest(body)).readResponse()
		l.wantClosed()
	})
}

func TestMaxConns(t *testing.T) {
	d := startGate(t, policy, gate.Options{MaxConns: 2})
	a, b := d.dial(), d.dial()
	a.send(validRequest(body)).readResponse()
	b.send(validRequest(body)).readResponse()
	c := d.dial()
	c.wantResponse(503, "")
	c.wantClosed()
	a.Close()
	d.waitMetric("tenterhook_connections", 1)
	if status, _, _ := d.dial().send(validRequest(body)).readResponse(); status != 200 {
		t.Errorf("a place that became free was not given away: %d", status)
	}
}

func TestShutdown(t *testing.T) {
	overTransports(t, allTransports, func(t *testing.T, tr transport) {
		d := tr.startGate(t, policy, gate.Options{Read: testTimeout})
		idle, late := d.dial(), d.dial()
		idle.send(validRequest(body)).readResponse()
		late.sendHead(body).send(body[:len(body)-1]) // it is in progress now
		done := make(chan error)
		go func() { done <- d.gate.Shutdown(context.Background()) }()
		idle.wantClosed()
		if d.engine.Ready() {
			t.Error("ready while shutting down")
		}
		late.send(body[len(body)-1:])
		if status, _, _ := late.readResponse(); status != 200 {
			t.Errorf("got %d", status)
		}
		late.wantClosed()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestSwapUnderLoad(t *testing.T) {
	d := startGate(t, policy, gate.Options{})
	var all sync.WaitGroup
	var denied atomic.Uint64
	done := make(chan struct{})
	for g := range 4 {
		l := d.dial()
		all.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				text := strings.Replace(body, "{", fmt.Sprintf(`{"eventId":"%d-%d",`, g, i), 1)
				status, text, _ := l.send(validRequest(text)).readResponse()
				if status != 200 {
					t.Errorf("got %d %q", status, text)
					return
				}
				if strings.Contains(text, "DENY") {
					denied.Add(1)
				}
			}
		})
	}
	for i := range 100 {
		d.engine.Swap(mustLoad(t, strings.ReplaceAll(policy, "name: stamp", fmt.Sprint("name: stamp-", i))))
		time.Sleep(time.Millisecond)
	}
	close(done)
	all.Wait()
	if late := d.engine.Status().Hooks[0].Calls["late"]; denied.Load() != late { // a busy machine may be late for some
		t.Errorf("%d failure answers, and %d calls were late", denied.Load(), late)
	}
}

func TestMetrics(t *testing.T) {
	d := startGate(t, policy, gate.Options{})
	d.dial().send(requestHead("POST /nowhere HTTP/1.1", "Content-Length: 1")).readResponse()
	d.dial().send(requestHead(requestLine, "Authorization: x", "Content-Length: 1")).readResponse()
	l := d.dial()
	l.send(validRequest(body)).readResponse()
	if n, err := testutil.GatherAndCount(d.registry, "tenterhook_refused_total"); err != nil || n != 26 {
		t.Errorf("%d series, %v", n, err)
	}
	families, err := d.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "tenterhook_refused_total" && m.GetCounter().GetValue() > 0 {
				got[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
			if f.GetName() == "tenterhook_panics_total" && m.GetCounter().GetValue() != 0 {
				t.Error("panics")
			}
		}
	}
	if len(got) != 2 || got["unknown_path"] != 1 || got["unauthorized"] != 1 {
		t.Errorf("refused: %v", got)
	}
	if n := d.metric("tenterhook_unauthorized_total"); n != 1 {
		t.Errorf("%v strangers at the only hook", n)
	}
	if n := d.engine.Status().Hooks[0].Unauthorized; n != 1 {
		t.Errorf("%d strangers in the hook's status", n)
	}
}
