package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tenterhook/tenterhook/engine/cli"
	"github.com/tenterhook/tenterhook/sdk/hook"
)

// runProgram runs the program in this process.
func runProgram(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	p := cli.Program{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Env: os.LookupEnv}
	code = p.Main(args)
	return code, out.String(), errs.String()
}

// TestSendJudges checks other servers' answers by Okta's rules.
func TestSendJudges(t *testing.T) {
	tests := []struct {
		name   string
		kind   string
		status int
		answer string
		want   string // on standard error; empty: Okta applies the answer
	}{
		{"OK", "registration", 200, `{"commands":[{"type":"com.okta.action.update","value":{"registration":"DENY"}}]}`, ""},
		{"Empty", "token", 200, `{}`, ""},
		{"NoContent", "token", 204, ``, ""},
		{"NoContentTelephony", "telephony", 204, ``, "status 204: want 200; Okta sends the code itself"},
		{"DocumentationsMistake", "registration", 200, `{"commands":[{"type":"com.action.update","value":{"registration":"DENY"}}]}`, "com.okta.action.update"},
		{"OtherTypesCommand", "token", 200, `{"commands":[{"type":"com.okta.assertion.patch","value":[]}]}`, "Okta would not apply this: commands[0]"},
		{"ValueNoList", "telephony", 200, `{"commands":[{"type":"com.okta.telephony.action","value":{"status":"SUCCESSFUL"}}]}`, "Okta would not apply this: commands[0].value"},
		{"NotJSON", "token", 200, `<html>`, "the answer: at byte 0: not JSON"},
		{"Created", "token", 201, `{}`, "status 201: want 200"},
		{"Redirect", "token", 302, ``, "status 302: want 200"},
		{"ServerError", "registration", 500, `oops`, "status 500: want 200; Okta refuses the registration"},
		{"Unauthorized", "token", 401, ``, "give the one in its auth: with --header"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/" {
					t.Errorf("%s was called", r.URL)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(test.status)
				io.WriteString(w, test.answer)
			}))
			defer server.Close()
			code, out, errs := runProgram("send", server.URL, "--type", test.kind)
			if want := min(1, len(test.want)); code != want {
				t.Errorf("exit code %d, want %d", code, want)
			}
			if !strings.Contains(errs, test.want) || (test.want == "" && errs != "") {
				t.Errorf("standard error %q, want %q", errs, test.want)
			}
			if !strings.Contains(out, fmt.Sprintf("\n%d ", test.status)) {
				t.Errorf("standard output does not show the status:\n%s", out)
			}
		})
	}
}

// TestSendAsOkta checks requests by hooks.md sections 1.1 and 1.2; a repeat has the same body.
func TestSendAsOkta(t *testing.T) {
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies = append(bodies, string(body)) // there is one call at a time
		for name, want := range map[string]string{
			"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "Okta-Integrations", "X-Extra": "a: b", "Accept-Encoding": "",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if user, password, ok := r.BasicAuth(); !ok || user != "okta" || password != "hidden" {
			t.Errorf("Authorization: %s %s", user, password)
		}
		io.WriteString(w, `{}`)
	}))
	defer server.Close()
	url := strings.Replace(server.URL, "http://", "http://okta:hidden@", 1)
	code, out, errs := runProgram("send", url, "--type", "token", "--count", "2", "--repeat", "1", "--header", "x-extra: a: b", "--set", "/data/a/b=7", "--json")
	if code != 0 || errs != "" || strings.Contains(out+errs, "hidden") {
		t.Errorf("exit code %d, standard error %q", code, errs)
	}
	if len(bodies) != 4 || bodies[0] != bodies[1] || bodies[2] != bodies[3] || bodies[0] == bodies[2] {
		t.Errorf("calls:\n%s", strings.Join(bodies, "\n"))
	}
	for line := range strings.Lines(out) {
		var x struct {
			EventID  string
			Question struct {
				EventID, EventType string
				Data               struct{ A struct{ B int } }
			}
		}
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatal(err)
		}
		if len(x.EventID) != 22 || x.EventID != x.Question.EventID || x.Question.EventType != hook.Token.EventType() || x.Question.Data.A.B != 7 {
			t.Errorf("question: %s", line)
		}
	}
}

func TestSendOtherRepeat(t *testing.T) {
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"debugContext":{"n":%d}}`, n.Add(1))
	}))
	defer server.Close()
	code, out, errs := runProgram("send", server.URL, "--type", "token", "--repeat", "1")
	if code != 1 || !strings.Contains(out, "repeat, different answer") || !strings.Contains(errs, "differs from the first answer") {
		t.Errorf("exit code %d\n%s\n%s", code, out, errs)
	}
}

func TestSendTimeout(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	code, _, errs := runProgram("send", server.URL, "--type", "saml", "--timeout", "50ms")
	if code != 1 || !strings.Contains(errs, "no answer: ") || !strings.Contains(errs, "Okta sends the assertion unmodified") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}

func TestSendVerify(t *testing.T) {
	tests := []struct {
		name   string
		answer func(challenge string) string
		code   int
	}{
		{"OK", func(c string) string { return `{"verification": "` + c + `"}` }, 0},
		{"Other", func(string) string { return `{"verification": "x"}` }, 1},
		{"Bare", func(c string) string { return c }, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				challenge := r.Header.Get("X-Okta-Verification-Challenge")
				if r.Method != http.MethodGet || challenge == "" {
					t.Errorf("%s with challenge %q", r.Method, challenge)
				}
				io.WriteString(w, test.answer(challenge))
			}))
			defer server.Close()
			code, out, errs := runProgram("send", server.URL, "--verify", "--json")
			if code != test.code || !strings.Contains(out, fmt.Sprintf(`"verified":%v`, test.code == 0)) {
				t.Errorf("exit code %d\n%s\n%s", code, out, errs)
			}
		})
	}
}
