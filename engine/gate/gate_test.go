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
	d := open(t, policy, gate.Options{})
	status, text, h := d.dial().send(good(body)).answer()
	if status != 200 || !strings.HasPrefix(text, `{"commands":[`) || h.Get("Content-Type") != "application/json" ||
		h.Get("Content-Length") != fmt.Sprint(len(text)) || h.Get("Connection") != "" {
		t.Errorf("got %d %q %v", status, text, h)
	}
}

// TestRefused has what a gate refuses from the head alone: the answer comes, and the connection ends, though the body that
// was announced never follows.
func TestRefused(t *testing.T) {
	const length = "Content-Length: 100"
	tests := []struct {
		name   string
		head   string
		status int
		told   string
	}{
		{"UnknownPath", head("POST /hooks/hook-b HTTP/1.1", length), 404, ""},
		{"PathIsExact", head("POST /hooks/./hook-a HTTP/1.1", length), 404, ""},
		{"PathIsNotUnescaped", head("POST /hooks/hook%2Da HTTP/1.1", length), 404, ""},
		{"Get", head("GET /hooks/hook-a HTTP/1.1"), 405, ""},
		{"Put", head("PUT /hooks/hook-a HTTP/1.1", length), 405, ""},
		{"Head", head("HEAD /hooks/hook-a HTTP/1.1"), 405, ""},
		{"WrongSecret", head(post, "Authorization: "+secret+"x", length), 401, ""},
		{"SecretWithoutScheme", head(post, "Authorization: "+strings.TrimPrefix(secret, "Bearer "), length), 401, ""},
		{"NoSecret", head(post, "Authorization: ", length), 401, ""},
		{"NoHeader", strings.Replace(head(post, length), "Authorization", "Authorisation", 1), 401, ""},
		{"TwoSecrets", head(post, "+Authorization: x", length), 401, ""},
		{"TwiceTheSecret", head(post, "+Authorization: "+secret, length), 401, ""},
		{"SecretBeforeSize", head(post, "Authorization: x", "Content-Length: 100000000"), 401, ""},
		{"SecretBeforeType", head(post, "Authorization: x", "Content-Type: text/plain", length), 401, ""},
		{"SecretBeforeChunks", head(post, "Authorization: x", "Transfer-Encoding: chunked"), 401, ""},
		{"SecretBeforeContinue", head(post, "Authorization: x", "Expect: 100-continue", length), 401, ""},
		{"SecretBeforeOneByte", head(post, "Authorization: x", "Content-Length: 1"), 401, ""},
		{"NoLength", head(post), 411, `{"error":"length_required"}`},
		{"TooLarge", head(post, "Content-Length: 1048577"), 413, `{"error":"body_too_large"}`},
		{"TooLargeContinue", head(post, "Content-Length: 1048577", "Expect: 100-continue"), 413, `{"error":"body_too_large"}`},
		{"NotJSONType", head(post, "Content-Type: text/plain", length), 415, `{"error":"content_type"}`},
		{"NoType", strings.Replace(head(post, length), "Content-Type", "X-Type", 1), 415, `{"error":"content_type"}`},
		{"Multipart", head(post, "Content-Type: multipart/form-data; boundary=x", length), 415, `{"error":"content_type"}`},
		{"TwoTypes", head(post, "+Content-Type: application/json", length), 400, ""},
		{"Gzip", head(post, "Content-Encoding: gzip", length), 415, `{"error":"content_encoding"}`},
		{"LengthAndChunks", head(post, length, "Transfer-Encoding: chunked"), 400, ""},
		{"TwoLengths", head(post, length, "+Content-Length: 100"), 400, ""},
		{"NegativeLength", head(post, "Content-Length: -1"), 400, ""},
		{"SignedLength", head(post, "Content-Length: +5"), 400, ""},
		{"UnknownTransferEncoding", head(post, "Transfer-Encoding: gzip, chunked"), 400, ""},
		{"TwoHosts", head(post, "+Host: other.example.com", length), 400, ""},
		{"FoldedLine", head(post, "X-A: 1\r\n  2", length), 400, ""},
		{"SpaceBeforeColon", head(post, "Content-Type : application/json", length), 400, ""},
		{"NoColon", head(post, "nonsense", length), 400, ""},
		{"NotHTTP", "hello\r\n\r\n", 400, ""},
		{"HeadTooLarge", head(post, "X-A: "+strings.Repeat("x", 20_000)), 431, ""},
	}
	d := open(t, policy, gate.Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := d.dial()
			l.t = t
			l.send(tt.head)
			l.wants(tt.status, tt.told)
			l.ends()
		})
	}
}

// TestRefusedBody has what is refused for its body. Where the body was read to its end, the connection lives on.
func TestRefusedBody(t *testing.T) {
	large := strings.Repeat(" ", 1<<20)
	tests := []struct {
		name   string
		text   string
		status int
		told   string
		ends   bool
	}{
		{"NotJSON", good("hello"), 400, `{"error":"not_json"}`, false},
		{"Empty", good(""), 400, `{"error":"not_json"}`, false},
		{"MemberTwice", good(`{"eventType":"com.okta.user.pre-registration","eventType":"com.okta.user.pre-registration"}`), 400, `{"error":"not_json"}`, false},
		{"OtherType", good(`{"eventType":"com.okta.saml.tokens.transform"}`), 400, `{"error":"event_type"}`, false},
		{"NoType", good(`{}`), 400, `{"error":"event_type"}`, false},
		{"NotAnObject", good(`["eventType"]`), 400, `{"error":"event_type"}`, false},
		{"ChunksTooLarge", head(post, "Transfer-Encoding: chunked") + "100000\r\n" + large + "\r\n1\r\n \r\n0\r\n\r\n", 413, `{"error":"body_too_large"}`, true},
		{"ChunkTooLarge", head(post, "Transfer-Encoding: chunked") + "fffffff\r\n", 413, `{"error":"body_too_large"}`, true},
		{"BrokenChunk", head(post, "Transfer-Encoding: chunked") + "5\r\nhelloworld\r\n0\r\n\r\n", 400, "", true},
		{"NoChunk", head(post, "Transfer-Encoding: chunked") + "zz\r\n", 400, "", true},
	}
	d := open(t, policy, gate.Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := d.dial()
			l.t = t
			l.send(tt.text)
			l.wants(tt.status, tt.told)
			if tt.ends {
				l.ends()
				return
			}
			if status, _, _ := l.send(good(body)).answer(); status != 200 {
				t.Errorf("the next request got %d", status)
			}
		})
	}
}

func TestAdmitted(t *testing.T) {
	length := fmt.Sprint("Content-Length: ", len(body))
	chunks := fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", 10, body[:10], len(body)-10, body[10:])
	tests := []struct{ name, text string }{
		{"Parameters", head(post, "Content-Type: application/json; charset=utf-8", length) + body},
		{"AnyCase", strings.Replace(head(post, "Content-Type: Application/JSON ;x=y", length), "Authorization", "aUTHORIZATION", 1) + body},
		{"Query", head("POST /hooks/hook-a?from=okta HTTP/1.1", length) + body},
		{"Identity", head(post, "Content-Encoding: identity", length) + body},
		{"Chunked", head(post, "Transfer-Encoding: chunked") + chunks},
		{"LargestBody", good(body + strings.Repeat(" ", 1<<20-len(body)))},
		{"NoSpaceAfterColon", strings.ReplaceAll(head(post, length), ": ", ":") + body},
	}
	d := open(t, policy, gate.Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := d.dial()
			l.t = t
			for range 2 { // the second shows that the connection is where it should be
				if status, text, _ := l.send(tt.text).answer(); status != 200 {
					t.Fatalf("got %d %q", status, text)
				}
			}
		})
	}
}

func TestContinue(t *testing.T) {
	d := open(t, policy, gate.Options{})
	if status, _, _ := d.dial().begin(body).send(body).answer(); status != 200 {
		t.Errorf("got %d", status)
	}
}

func TestAllow(t *testing.T) {
	d := open(t, policy, gate.Options{})
	if _, _, h := d.dial().send(head("GET /hooks/hook-a HTTP/1.1")).answer(); h.Get("Allow") != "POST" {
		t.Errorf("Allow %q", h.Get("Allow"))
	}
}

// TestSmuggled sends a second request inside the body of a refused one. It is not answered.
func TestSmuggled(t *testing.T) {
	hidden := good(body)
	for _, first := range []string{
		head(post, "Authorization: x", fmt.Sprint("Content-Length: ", len(hidden))),
		head(post, "Authorization: x", "Content-Length: 0"),
		head(post, "Authorization: x", "Content-Length: 1"),
		head(post, "Authorization: x", "Transfer-Encoding: chunked"),
		head(post, "Authorization: x", "Expect: 100-continue", "Content-Length: 5"),
		head(post, "Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n",
		head("GET /hooks/hook-a HTTP/1.1"),
	} {
		d := open(t, policy, gate.Options{})
		l := d.dial().send(first + hidden)
		if status, _, _ := l.answer(); status < 400 {
			t.Errorf("%q got %d", first, status)
		}
		l.ends()
		if n := d.engine.Status().Hooks[0].Calls["answered"]; n != 0 {
			t.Errorf("%q smuggled %d calls", first, n)
		}
	}
}

func TestPipelined(t *testing.T) {
	d := open(t, policy, gate.Options{})
	l := d.dial()
	const n = 20
	l.send(strings.Repeat(good(body), n))
	for i := range n {
		if status, _, _ := l.answer(); status != 200 {
			t.Fatalf("%d: got %d", i, status)
		}
	}
}

func TestNoSet(t *testing.T) {
	d := open(t, "", gate.Options{})
	l := d.dial().send(good(body))
	l.wants(503, "")
	l.ends()
	d.engine.Swap(load(t, policy))
	if status, _, _ := d.dial().send(good(body)).answer(); status != 200 {
		t.Errorf("got %d", status)
	}
}

func TestSlow(t *testing.T) {
	tests := []struct{ name, text string }{
		{"Head", "POST /hooks/hook-a HTTP/1.1\r\nHost: x\r\n"},
		{"Body", head(post, "Content-Length: 100") + "{"},
		{"Chunks", head(post, "Transfer-Encoding: chunked") + "5\r\n"},
	}
	d := open(t, policy, gate.Options{Read: time.Second})
	var lines []*line // all wait at the same time
	for _, tt := range tests {
		for _, before := range []string{"", good(body)} { // on a new connection, and on one that was used
			l := d.dial()
			if before != "" {
				l.send(before).answer()
			}
			lines = append(lines, l.send(tt.text))
		}
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, l := range lines[2*i : 2*i+2] {
				l.t = t
				l.wants(408, "")
				l.ends()
			}
		})
	}
}

// TestSetChangesWhileTheBodyComes: the Set that lets a call in is the one that decides on it; the next one is judged by the next.
func TestSetChangesWhileTheBodyComes(t *testing.T) {
	tests := []struct {
		name string
		next string
		then int // what the next call is told
	}{
		{"SameSecret", strings.Replace(policy, "stamp", "seal", 1), 200},
		{"OtherSecret", strings.Replace(policy, "secret: Bearer 0", "secret: Bearer 1", 1), 401},
		{"HookIsGone", strings.Replace(policy, "hook-a", "hook-b", 1), 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t, policy, gate.Options{Read: patience})
			l := d.dial().begin(body) // it was let in
			l.send(body[:len(body)-1])
			d.engine.Swap(load(t, tt.next))
			if status, text, _ := l.send(body[len(body)-1:]).answer(); status != 200 || !strings.Contains(text, "sales") {
				t.Errorf("got %d %q", status, text)
			}
			if status, _, _ := d.dial().send(good(body)).answer(); status != tt.then {
				t.Errorf("afterwards: got %d, want %d", status, tt.then)
			}
		})
	}
}

// TestSlowBodyEatsItsOwnTime sends a body so late that the call's deadline has passed: no rule runs for it.
func TestSlowBodyEatsItsOwnTime(t *testing.T) {
	d := open(t, policy, gate.Options{Read: patience})
	l := d.dial()
	whole := good(body)
	l.send(whole[:len(whole)-1])
	time.Sleep(2100 * time.Millisecond)
	l.send(whole[len(whole)-1:])
	if status, text, _ := l.answer(); status != 200 || !strings.Contains(text, "DENY") {
		t.Errorf("got %d %q, want the failure answer", status, text)
	}
	l.send(whole).answer()
	if calls := d.engine.Status().Hooks[0].Calls; calls["late"] != 1 || calls["answered"] != 1 {
		t.Errorf("got %v", calls)
	}
}

func TestIdle(t *testing.T) {
	d := open(t, policy, gate.Options{FirstBytes: 50 * time.Millisecond, Idle: time.Hour})
	d.dial().ends() // nothing was asked, so nothing is answered
	d = open(t, policy, gate.Options{FirstBytes: time.Hour, Idle: 100 * time.Millisecond})
	l := d.dial()
	l.send(good(body)).answer()
	l.ends()
}

func TestCrowded(t *testing.T) {
	d := open(t, policy, gate.Options{MaxConns: 2})
	a, b := d.dial(), d.dial()
	a.send(good(body)).answer()
	b.send(good(body)).answer()
	c := d.dial()
	c.wants(503, "")
	c.ends()
	a.Close()
	d.settles("tenterhook_connections", 1)
	if status, _, _ := d.dial().send(good(body)).answer(); status != 200 {
		t.Errorf("a place that became free was not given away: %d", status)
	}
}

func TestShutdown(t *testing.T) {
	d := open(t, policy, gate.Options{Read: patience})
	idle, late := d.dial(), d.dial()
	idle.send(good(body)).answer()
	late.begin(body).send(body[:len(body)-1]) // it is under way now
	done := make(chan error)
	go func() { done <- d.gate.Shutdown(context.Background()) }()
	idle.ends()
	if d.engine.Ready() {
		t.Error("ready while shutting down")
	}
	late.send(body[len(body)-1:])
	if status, _, _ := late.answer(); status != 200 {
		t.Errorf("got %d", status)
	}
	late.ends()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSwapUnderLoad(t *testing.T) {
	d := open(t, policy, gate.Options{})
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
				status, text, _ := l.send(good(text)).answer()
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
		d.engine.Swap(load(t, strings.ReplaceAll(policy, "name: stamp", fmt.Sprint("name: stamp-", i))))
		time.Sleep(time.Millisecond)
	}
	close(done)
	all.Wait()
	if late := d.engine.Status().Hooks[0].Calls["late"]; denied.Load() != late { // the machine may have no time for one
		t.Errorf("%d failure answers, and %d calls were late", denied.Load(), late)
	}
}

func TestMetrics(t *testing.T) {
	d := open(t, policy, gate.Options{})
	d.dial().send(head("POST /nowhere HTTP/1.1", "Content-Length: 1")).answer()
	d.dial().send(head(post, "Authorization: x", "Content-Length: 1")).answer()
	l := d.dial()
	l.send(good(body)).answer()
	if n, err := testutil.GatherAndCount(d.registry, "tenterhook_refused_total"); err != nil || n != 28 {
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
	if n := d.value("tenterhook_unauthorized_total"); n != 1 {
		t.Errorf("%v strangers at the only hook", n)
	}
	if n := d.engine.Status().Hooks[0].Unauthorized; n != 1 {
		t.Errorf("%d strangers in the hook's status", n)
	}
}
