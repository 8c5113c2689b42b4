package admin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/engine/admin"
	"github.com/tenterhook/tenterhook/engine/watch"
)

// readModule is one of the modules that the tests of rules have.
func readModule(t testing.TB, name string) []byte {
	t.Helper()
	code, err := os.ReadFile("../../rules/testdata/modules/" + name + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// send is a request with a body and headers, as name and value in turn.
func (o *fixture) send(method, path, token string, body io.Reader, headers ...string) (int, string, http.Header) {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), method, o.url+path, body)
	if err != nil {
		o.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Header
}

// TestModules is one upload's life.
func TestModules(t *testing.T) {
	o := newFixture(t)
	code := readModule(t, "stamp")
	o.writePolicy(strings.Replace(policy, "profile: {division: sales}", "wasm: modules/stamp.wasm", 1)) // which is not there
	status, text, h := o.send("PUT", "/v1/modules/stamp?sha256="+watch.Hash(code), tokens.Publish, bytes.NewReader(code))
	var c watch.ChangeResult
	if err := json.Unmarshal([]byte(text), &c); err != nil || status != 200 || !c.Live || !c.Referenced || len(c.Runs) != 1 || c.Runs[0].Fuel == 0 || c.Bytes != len(code) {
		t.Fatalf("got %d %s", status, text)
	}
	tag := h.Get("ETag")
	if tag != `"`+watch.Hash(code)+`"` {
		t.Errorf("tag %s", tag)
	}
	if status, text, h := o.send("GET", "/v1/modules/stamp", tokens.Read, nil); status != 200 || h.Get("ETag") != tag || !strings.Contains(text, `"from": "upload"`) {
		t.Errorf("got %d %s", status, text)
	}
	if status, text, _ := o.send("GET", "/v1/modules/stamp/code", tokens.Publish, nil); status != 200 || text != string(code) {
		t.Errorf("code: got %d, %d bytes", status, len(text))
	}
	if status, text, _ := o.send("GET", "/v1/modules/stamp/code", tokens.Read, nil); status != 403 {
		t.Errorf("code with the read token: got %d %s", status, text)
	}
	if status, text, _ := o.send("GET", "/v1/modules/other/code", tokens.Publish, nil); status != 404 {
		t.Errorf("code of an unknown module: got %d %s", status, text)
	}
	if _, text, _ := o.send("GET", "/v1/status", tokens.Read, nil); !strings.Contains(text, `"file": "modules/stamp.wasm"`) {
		t.Errorf("status says nothing: %s", text)
	}
	if status, text, _ := o.send("POST", "/v1/check", tokens.Read, nil); status != 200 || !strings.Contains(text, `"ok": true`) {
		t.Errorf("check does not see the upload: %d %s", status, text)
	}
	var r watch.Rejection
	status, text, _ = o.send("PUT", "/v1/modules/stamp", tokens.Publish, bytes.NewReader(readModule(t, "none")))
	if err := json.Unmarshal([]byte(text), &r); err != nil || status != 422 || len(r.Reasons) != 5 {
		t.Errorf("got %d %s", status, text)
	}
	if status, text, _ := o.send("DELETE", "/v1/modules/stamp", tokens.Publish, nil); status != 409 {
		t.Errorf("got %d %s", status, text)
	}
	o.writePolicy(policy)
	if status, text, _ := o.send("DELETE", "/v1/modules/stamp", tokens.Publish, nil, "If-Match", tag); status != 200 {
		t.Errorf("got %d %s", status, text)
	}
	if status, text, _ := o.send("GET", "/v1/modules", tokens.Read, nil); status != 200 || !strings.Contains(text, `"modules": []`) {
		t.Errorf("got %d %s", status, text)
	}
}

// TestModuleRequests: invalid requests get their status and change nothing.
func TestModuleRequests(t *testing.T) {
	o := newFixture(t)
	code := readModule(t, "stamp")
	hash := watch.Hash(code)
	tests := []struct {
		name, method, path, token string
		body                      []byte
		headers                   []string
		status                    int
	}{
		{"NoToken", "PUT", "/v1/modules/a", "", code, nil, 401},
		{"WrongToken", "PUT", "/v1/modules/a", "x", code, nil, 401},
		{"Reader", "PUT", "/v1/modules/a", tokens.Read, code, nil, 403},
		{"ReaderDeletes", "DELETE", "/v1/modules/a", tokens.Read, nil, nil, 403},
		{"NobodyReads", "GET", "/v1/modules/a", "", nil, nil, 401},
		{"Absent", "GET", "/v1/modules/a", tokens.Read, nil, nil, 404},
		{"DeleteAbsent", "DELETE", "/v1/modules/a", tokens.Publish, nil, nil, 404},
		{"Empty", "PUT", "/v1/modules/a", tokens.Publish, nil, nil, 400},
		{"Climbing", "PUT", "/v1/modules/..%2f..%2fledger", tokens.Publish, code, nil, 400},
		{"Dots", "PUT", "/v1/modules/%2e%2e", tokens.Publish, code, nil, 400},
		{"Slashes", "PUT", "/v1/modules/a/b", tokens.Publish, code, nil, 404},
		{"Nul", "PUT", "/v1/modules/a%00", tokens.Publish, code, nil, 400},
		{"Hidden", "PUT", "/v1/modules/.a", tokens.Publish, code, nil, 400},
		{"Long", "PUT", "/v1/modules/" + strings.Repeat("a", 65), tokens.Publish, code, nil, 400},
		{"NoModule", "PUT", "/v1/modules/a", tokens.Publish, []byte("no module"), nil, 422},
		{"AnotherHash", "PUT", "/v1/modules/a?sha256=" + strings.Repeat("0", 64), tokens.Publish, code, nil, 422},
		{"BadCondition", "PUT", "/v1/modules/a", tokens.Publish, code, []string{"If-Match", "x"}, 400},
		{"BothConditions", "PUT", "/v1/modules/a", tokens.Publish, code, []string{"If-Match", "*", "If-None-Match", "*"}, 400},
		{"NotThere", "PUT", "/v1/modules/a", tokens.Publish, code, []string{"If-Match", "*"}, 412},
		{"NotThatOne", "PUT", "/v1/modules/a", tokens.Publish, code, []string{"If-Match", `"` + hash + `"`}, 412},
		{"TooLong", "PUT", "/v1/modules/a", tokens.Publish, make([]byte, admin.MaxModule+1), []string{"Expect", "100-continue"}, 413},
		{"Post", "POST", "/v1/modules/a", tokens.Publish, code, nil, 405},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, text, _ := o.send(tt.method, tt.path, tt.token, bytes.NewReader(tt.body), tt.headers...)
			if status != tt.status {
				t.Errorf("got %d %q, want %d", status, text, tt.status)
			}
		})
	}
	if left, err := filepath.Glob(filepath.Join(o.data, "modules", "*")); err != nil || len(left) > 0 {
		t.Errorf("something was stored: %v, %v", left, err)
	}
	if status, text, _ := o.send("PUT", "/v1/modules/a", tokens.Publish, bytes.NewReader(code), "If-None-Match", "*"); status != 200 || !strings.Contains(text, `"referenced": false`) {
		t.Errorf("one that no rule runs: %d %s", status, text)
	}
	if status, _, _ := o.send("PUT", "/v1/modules/a", tokens.Publish, bytes.NewReader(code), "If-None-Match", "*"); status != 412 {
		t.Errorf("one that is there: %d", status)
	}
}

// TestModuleBodies: a body is read only with a token, is limited without a length, and stores
// nothing if it is incomplete.
func TestModuleBodies(t *testing.T) {
	o := newFixture(t)
	u, _ := url.Parse(o.url)
	speak := func(head string, body func(net.Conn)) string {
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(time.Minute))
		fmt.Fprintf(c, "PUT /v1/modules/a HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n", u.Host, head)
		answered := make(chan string, 1)
		go func() { // it may come while the body is sent, and be lost a moment later
			answer := make([]byte, 16)
			if _, err := io.ReadFull(c, answer); err != nil {
				answered <- err.Error()
				return
			}
			answered <- string(answer)
		}()
		if body != nil {
			body(c)
		}
		return <-answered
	}
	if got := speak("Content-Length: 5000000", nil); !strings.HasPrefix(got, "HTTP/1.1 401") {
		t.Errorf("without a token, and before any of the body: %q", got)
	}
	if got := speak("Content-Length: 5000000000\r\nAuthorization: Bearer "+tokens.Publish, nil); !strings.HasPrefix(got, "HTTP/1.1 413") {
		t.Errorf("one that says it is huge: %q", got)
	}
	flood := func(c net.Conn) {
		piece := strings.Repeat("x", 1<<16)
		for range admin.MaxModule>>16 + 2 {
			if _, err := fmt.Fprintf(c, "%x\r\n%s\r\n", len(piece), piece); err != nil {
				return
			}
		}
	}
	if got := speak("Transfer-Encoding: chunked\r\nAuthorization: Bearer "+tokens.Publish, flood); !strings.HasPrefix(got, "HTTP/1.1 413") {
		t.Errorf("one that does not say how long it is: %q", got)
	}
	drip := func(c net.Conn) {
		fmt.Fprint(c, "\x00asm")
		if status, text, _ := o.send("PUT", "/v1/modules/b", tokens.Publish, bytes.NewReader(readModule(t, "stamp"))); status != 200 {
			t.Errorf("beside one that is slow to come: %d %s", status, text)
		}
		c.(*net.TCPConn).CloseWrite()
	}
	if got := speak("Content-Length: 100\r\nAuthorization: Bearer "+tokens.Publish, drip); !strings.HasPrefix(got, "HTTP/1.1 400") {
		t.Errorf("one that was slow: %q", got)
	}
	short := func(c net.Conn) {
		fmt.Fprint(c, "\x00asm")
		c.(*net.TCPConn).CloseWrite()
	}
	if got := speak("Content-Length: 100\r\nAuthorization: Bearer "+tokens.Publish, short); !strings.HasPrefix(got, "HTTP/1.1 400") {
		t.Errorf("one that ends early: %q", got)
	}
	if status, _, _ := o.send("GET", "/v1/modules/a", tokens.Read, nil); status != 404 {
		t.Errorf("something was stored: %d", status)
	}
}

// TestConcurrentUploads: each of many concurrent changes is complete, and the last of a name stays.
func TestConcurrentUploads(t *testing.T) {
	o := newFixture(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			code := bytes.Replace(readModule(t, "stamp"), []byte("first"), fmt.Appendf(nil, "%05d", i), 1)
			for range 3 {
				status, text, _ := o.send("PUT", fmt.Sprintf("/v1/modules/m%d", i%4), tokens.Publish, bytes.NewReader(code))
				if status != 200 || !strings.Contains(text, watch.Hash(code)) {
					t.Errorf("got %d %s", status, text)
				}
			}
		})
	}
	all.Wait()
	left, err := filepath.Glob(filepath.Join(o.data, "modules", "*.wasm"))
	if err != nil || len(left) != 4 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// FuzzPutModule sends any name, condition and body: no answer is a 5xx, and no file is written
// elsewhere.
func FuzzPutModule(f *testing.F) {
	f.Add("stamp", "", "", readModule(f, "stamp"))
	f.Add("../stamp", `"x"`, "*", []byte("\x00asm\x01\x00\x00\x00"))
	f.Add("", "*", "", readModule(f, "none"))
	f.Add("a", "", "*", readModule(f, "with")[:100])
	f.Fuzz(func(t *testing.T, name, match, none string, body []byte) {
		if len(body) > 1<<16 {
			return
		}
		o := newFixture(t)
		r, err := http.NewRequestWithContext(t.Context(), "PUT", o.url+"/v1/modules/"+url.PathEscape(name), bytes.NewReader(body))
		if err != nil {
			return
		}
		r.Header.Set("Authorization", "Bearer "+tokens.Publish)
		r.Header["If-Match"], r.Header["If-None-Match"] = []string{match}, []string{none}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return // a header that cannot be sent
		}
		defer answer.Body.Close()
		if answer.StatusCode >= 500 {
			t.Errorf("%d for %q, %q, %q", answer.StatusCode, name, match, none)
		}
		if left, err := filepath.Glob(filepath.Join(o.data, "*")); err != nil || len(left) > 2 { // last-good and modules
			t.Errorf("written: %v, %v", left, err)
		}
	})
}
