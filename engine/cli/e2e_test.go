package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tenterhook/tenterhook/sdk/hook"
	"github.com/tenterhook/tenterhook/sdk/hook/sample"
)

// TestBinary builds the program as a user does and calls it over loopback.
func TestBinary(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program without -race: not with -short")
	}
	bin := filepath.Join(t.TempDir(), "tenterhook")
	if out, err := exec.Command("go", "build", "-o", bin, "../..").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	tests := []struct {
		name string
		run  func(*testing.T, string)
	}{
		{"EveryType", testEveryType},
		{"Failures", testFailures},
		{"Overload", testOverload},
		{"Repeats", testRepeats},
		{"Twins", testTwins},
		{"ReloadUnderLoad", testReloadUnderLoad},
		{"RestartOverBroken", testRestartOverBroken},
		{"Drain", testDrain},
		{"SecondSignal", testSecondSignal},
		{"DrainDelay", testDrainDelay},
		{"Stuck", testStuckLog},
		{"FewDescriptors", testFewDescriptors},
		{"Kill", testKill},
		{"Secure", testTLS},
		{"ACME", testACME},
		{"ACMEByHTTP", testACMEByHTTP},
		{"Events", testEvents},
		{"ReadOnly", testReadOnly},
		{"Crash", testCrash},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, bin) })
	}
}

// process is a running serve.
type process struct {
	t            *testing.T
	cmd          *exec.Cmd
	out, errs    *output
	hooks, admin string // addresses, as URLs
	done         chan struct{}
	client       *http.Client
}

// output is a buffer for the output of a running process.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func startServer(t *testing.T, bin string, args ...string) *process {
	t.Helper()
	p := &process{t: t, out: new(output), errs: new(output), done: make(chan struct{})}
	p.cmd = exec.Command(bin, append([]string{"serve", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0"}, args...)...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.errs
	p.cmd.Env = []string{"HOME=" + t.TempDir()}
	p.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.client.CloseIdleConnections()
		p.cmd.Process.Kill() // the test may have ended it
		<-p.done
	})
	p.waitUntil("ready", func() bool { return p.hasEnded() || strings.HasSuffix(p.out.String(), "ready\n") })
	p.readAddresses()
	return p
}

// readAddresses reads the listeners' addresses from the banner.
func (p *process) readAddresses() {
	p.t.Helper()
	for _, m := range addressLine.FindAllStringSubmatch(p.out.String(), -1) {
		if m[1] == "hooks" {
			p.hooks = m[2]
		} else {
			p.admin = m[2]
		}
	}
	if p.hooks == "" || p.admin == "" {
		p.t.Fatalf("serve did not start:\n%s\n%s", p.out, p.errs)
	}
}

// waitClosed waits until the listener of hooks is closed.
func (p *process) waitClosed() {
	p.t.Helper()
	p.waitUntil("closed to new calls", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.hooks, "http://"))
		if err == nil {
			c.Close()
		}
		return err != nil
	})
}

func (p *process) hasEnded() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// waitUntil polls a condition that takes a second at most; it allows more on a loaded machine.
func (p *process) waitUntil(what string, is func() bool) {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("never became %s\n%s\n%s", what, p.out, p.errs)
		}
	}
}

// stop ends the process with SIGTERM and checks the exit code.
func (p *process) stop(code int) {
	p.t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM) // idle connections do not prevent the end
	p.waitUntil("ended", p.hasEnded)
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("exit code %d, want %d\n%s", got, code, p.errs)
	}
	if log := p.errs.String(); strings.Contains(log, "panic") || strings.Contains(log, "goroutine ") {
		p.t.Errorf("the log has a panic:\n%s", log)
	}
}

// post sends a body and returns status and answer.
func (p *process) post(path string, body []byte) (int, string, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, p.hooks+path, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, string(answer), err
}

// mustPost sends a body and returns the answer, whose status must be 200.
func (p *process) mustPost(path string, body []byte) string {
	p.t.Helper()
	status, answer, err := p.post(path, body)
	if err != nil || status != http.StatusOK {
		p.t.Errorf("%s: %d %q %v", path, status, answer, err)
	}
	return answer
}

// metric returns the sum of a metric's series with these labels (each as name="value").
func (p *process) metric(name string, labels ...string) float64 {
	p.t.Helper()
	response, err := p.client.Get(p.admin + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	sum := 0.0
lines:
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "tenterhook_"+name+"{") && !strings.HasPrefix(line, "tenterhook_"+name+" ") {
			continue
		}
		for _, label := range labels {
			if !strings.Contains(line, label) {
				continue lines
			}
		}
		v, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:len(line)-1], 64)
		if err != nil {
			p.t.Fatal(err)
		}
		sum += v
	}
	return sum
}

var eventID = regexp.MustCompile(`"eventId"\s*:\s*"[^"]*"`)

// sampleCall is the type's sample with this eventId.
func sampleCall(t hook.Type, id string) []byte {
	return eventID.ReplaceAll(sample.Of(t), []byte(`"eventId":"`+id+`"`))
}

// newFolder writes a policy folder of these files.
func newFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		writeFile(t, filepath.Join(dir, name), text)
	}
	return dir
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func testEveryType(t *testing.T, bin string) {
	tests := []struct {
		kind       hook.Type
		rule, want string
	}{
		{hook.Registration, "profile: {division: sales}", `{"commands":[{"type":"com.okta.user.profile.update","value":{"division":"sales"}}]}`},
		{hook.Token, "claims: {access: {role: staff}}", `{"commands":[{"type":"com.okta.access.patch","value":[{"op":"add","path":"/claims/role","value":"staff"}]}]}`},
		{hook.SAML, "session_lifetime: 900", `{"commands":[{"type":"com.okta.assertion.patch","value":[{"op":"add","path":"/authentication/sessionLifetime","value":900}]}]}`},
		{hook.UserImport, "create_user: true", `{"commands":[{"type":"com.okta.action.update","value":{"result":"CREATE_USER"}}]}`},
		{hook.PasswordImport, "verify: ${data.context.credential.username != nil}", `{"commands":[{"type":"com.okta.action.update","value":{"credential":"VERIFIED"}}]}`},
		{hook.Telephony, "telephony: {status: PENDING, provider: example}", `{"commands":[{"type":"com.okta.telephony.action","value":[{"status":"PENDING","provider":"example"}]}]}`},
	}
	var policy strings.Builder
	policy.WriteString("tenterhook: 1\nhooks:\n")
	for _, test := range tests {
		fmt.Fprintf(&policy, "  - {name: %s, type: %s, auth: none, rules: [{name: r, %s}]}\n", test.kind, test.kind, quoteTemplate(test.rule))
	}
	p := startServer(t, bin, newFolder(t, map[string]string{"policy.yaml": policy.String()}))
	for _, test := range tests {
		t.Run(test.kind.String(), func(t *testing.T) {
			got := p.mustPost("/hooks/"+test.kind.String(), sampleCall(test.kind, "e1"))
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if status, _, _ := p.post("/hooks/"+test.kind.String(), []byte(`{"eventType": "com.okta.event_hook", "eventId": "x"}`)); status != http.StatusBadRequest {
				t.Errorf("another type's call: %d", status)
			}
		})
	}
	p.stop(0)
}

// quoteTemplate quotes a ${…}, which would end a flow mapping.
func quoteTemplate(rule string) string {
	name, value, _ := strings.Cut(rule, ": ")
	if strings.HasPrefix(value, "${") {
		return name + `: "` + value + `"`
	}
	return rule
}
